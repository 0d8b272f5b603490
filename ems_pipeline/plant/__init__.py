"""The virtual plant: a site's physics behind the real protocols; demo, test bench and back-test in one.

Start one with `running_plant` (free ports, any clock) or `serving` (the site file's ports, for `ems up`); step physics
alone with `World`. What it models and what it leaves out: docs/plant.md.

    world, day, sky, overcast, noise                          a site's physics, weather, and chance by seed
    household, charging, cells, hybrid, heating, tank         people, cars, batteries, inverter, heat pump, hot water
    twin, twins, instruments, refusals                        a device as its protocol shows it
    recipe_twin, following                                    a battery that does what its map's recipe says
    deye_twin, meter_twin, sunspec_twin                       families with a behaviour of their own
    marstek_twin, ocpp_twin, local_charger_twins              the same, on wires of their own
    ocpp_calls, ocpp_said, ocpp_said16, ocpp_said201          chargers call in: sockets, and what is said
    modbus_server, udp_server                                 the real protocols
    mqtt_broker, gx_server                                    a broker, and a Victron GX at it
    web_server, web_service, web_login                        those over HTTP
    shelly_rpc, switch_calls                                  what a Shelly says of itself; other clients' words
    home_assistant                                            devices as entities of Home Assistant
    documents, market, solar, tempo                           what the outside world publishes
    telegram_twin, smtp_twin, push_twin                       the services that people are told by
    genset_twin, gensets/                                     controllers of generating sets, and the hall behind them
    bitrix_twin, bitrix_said                                  the service in which people keep their tasks
    faults, switching                                         what hardware and wires do wrong; switched from outside
    fast_clock                                                a clock that runs faster than another
    recording, replay, log                                    measured series played back, and a logger's own
    plant                                                     all of it, started and stopped as one
"""

from ems_pipeline.plant.fast_clock import FastClock
from ems_pipeline.plant.faults import FAULTS, Fault
from ems_pipeline.plant.plant import Plant, running_plant, serving
from ems_pipeline.plant.recording import read_replay
from ems_pipeline.plant.replay import Replay
from ems_pipeline.plant.world import World

__all__ = ["FAULTS", "FastClock", "Fault", "Plant", "Replay", "World", "read_replay", "running_plant", "serving"]
