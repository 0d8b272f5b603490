"""Batteries that are kept out of a car: while it charges they rest, whoever wants what of either.

Pure. A battery that follows its meter cannot tell a car from the house; the only way to keep its charge out of the car
is not to let it give. Surplus may charge it all the same. Of a charger that does not answer nobody knows that it does
not charge, so batteries rest beside it as well.
"""

from __future__ import annotations

from dataclasses import replace

from ems_pipeline.control.grid_limit import Commands
from ems_pipeline.control.live import Live
from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, Command
from ems_pipeline.sentence import setpoints as say
from ems_pipeline.sites import Charger, Site
from ems_pipeline.sites.modes import BatteryMode, ChargerMode

IDLE_W = 50.0
GIVING = frozenset({BatteryMode.SELF_USE, BatteryMode.DISCHARGE})


def resting(site: Site, commands: Commands, live: Live) -> tuple[dict[str, Command], list[str]]:
    """Commands of batteries that rest beside a car, and a note where there is one."""
    apart = [c for c in site.chargers if not c.battery_to_car and c.device is not None]
    charging = {c.key: _charges(c, commands.get(c.device or ""), live) for c in apart}
    cars = {key: is_charging for key, is_charging in charging.items() if is_charging is not False}
    given: dict[str, Command] = {
        command.device: replace(command, mode=BatteryMode.HOLD, target_soc_pct=None)
        for command in commands.values()
        if cars and isinstance(command, BatteryCommand) and command.mode in GIVING
    }
    if not given:
        return {}, []
    first = min(cars, key=lambda key: cars[key] is None)
    return given, [(say.RESTS if cars[first] else say.RESTS_IN_DOUBT)(charger=first)]


def _charges(charger: Charger, command: Command | None, live: Live) -> bool | None:
    """Whether a car is told to charge, or does so untold; None: nobody knows, and it may."""
    if isinstance(command, ChargerCommand):
        return command.mode is ChargerMode.CHARGE
    power_w = live.of(charger.device, "ev_power_w")
    return None if power_w is None else power_w > IDLE_W
