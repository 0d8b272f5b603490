"""Generating sets of the virtual plant: engines, breakers, switchboards and mains behind two controllers' protocols.

Written from the makers' facts and not from the maps that are shipped, so that a wrong map is found here.

panel                    alarms: causes, what is shown, what stands until it is reset
switch                   a motor-driven switch
running, genset, phases  an engine, a set under its controller, and the states it goes through
set_alarms               where a set shows its alarms
board                    the switchboard's controller
sharing, hall            who carries how much; a site's sets stepped through time
switches, troubles       what goes wrong, and what that does
keys                     the keys of a controller as coils
controller               how a controller answers Modbus
hgm9520n, hgm9560        the registers of the two models
sited                    the hall of a site file
serving                  halls at free ports, without a site file
"""

from ems_pipeline.plant.gensets.hall import Hall
from ems_pipeline.plant.gensets.switches import SWITCHES, switch_all_off, switch_off, switch_on, switched_on

__all__ = ["SWITCHES", "Hall", "switch_all_off", "switch_off", "switch_on", "switched_on"]
