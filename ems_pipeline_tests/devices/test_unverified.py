"""What nobody has verified never decides about what somebody has."""

from __future__ import annotations

import pytest

from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, Command, HeatPumpCommand
from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.devices.driver.translation import UNTIL, Target
from ems_pipeline.devices.points.map_file import known_maps, load_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode

CHARGE_OR_NOT: list[Command] = [ChargerCommand("d", ChargerMode.CHARGE, 10.0), ChargerCommand("d", ChargerMode.OFF)]
COMMANDS: dict[str, list[Command]] = {
    "deye": [BatteryCommand("d", mode, 3000.0, 3000.0) for mode in BatteryMode],
    "teltonika": CHARGE_OR_NOT,
    "samsung": [HeatPumpCommand("d", mode) for mode in HeatPumpMode],
    "loxone": [HeatPumpCommand("d", mode) for mode in HeatPumpMode],
    **dict.fromkeys(["ocpp", "go-e", "evse-wifi"], CHARGE_OR_NOT),
}
OBEYING = [load_map(name, {}) for name in known_maps({}) if load_map(name, {}).driver in COMMANDS]
TELTONIKA = load_map("teltonika-teltocharge", {})


def verified_values(point_map: PointMap) -> dict[str, float]:
    return {p.key: min(p.range[1], 50.0) if p.range else 1.0 for p in point_map.points if p.verified}


@pytest.mark.parametrize(("point_map", "command"), [(m, command) for m in OBEYING for command in COMMANDS[m.driver]])
def test_a_device_is_steered_though_no_unverified_register_answers(point_map: PointMap, command: Command) -> None:
    target = Target(point_map, {}, {**verified_values(point_map), UNTIL: 1.8e9})
    assert FAMILIES[point_map.driver].writes_for(target, command)
    assert FAMILIES[point_map.driver].writes_to_release(target)


@pytest.mark.parametrize(
    ("live", "undone"),
    [({}, False), ({"start_stop": 1.0}, False), ({"start_stop": 2.0}, False), ({"start_stop": 0.0}, True)],
)
def test_a_stop_of_somebody_else_is_undone_where_it_is_known_to_be_one(live: dict[str, float], undone: bool) -> None:
    writes = FAMILIES["teltonika"].writes_for(
        Target(TELTONIKA, {}, live), ChargerCommand("d", ChargerMode.CHARGE, 10.0)
    )
    assert writes[0] == PointWrite("current_limit", 10)
    assert [w.point for w in writes[1:]] == (["start_stop"] if undone else [])
