"""The two Deye maps against the published register lists: same places, other scales, single sources marked."""

from __future__ import annotations

import re

import pytest

from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.map_file import load_map

HIGH, LOW = (load_map(name, {}) for name in ("deye-sun-20k-hp3", "deye-sun-12k-lp3"))
SCALES = {
    **dict.fromkeys(["battery_voltage", "slot1_voltage", "slot6_voltage", "bms_charge_voltage"], (0.1, 0.01)),
    **dict.fromkeys(["bms_discharge_voltage", "bms_voltage"], (0.1, 0.01)),
    "battery2_voltage": (0.1, 0.01),
    **dict.fromkeys(["battery_power", "battery2_power", *(f"pv{n}_power" for n in range(1, 9))], (10, 1)),
    **dict.fromkeys(["zero_export_power", "max_sell_power", "slot1_power", "slot6_power"], (10, 1)),
    **dict.fromkeys(["grid_peak_shaving_power", "max_solar_power"], (10, 1)),
    "bms_current": (0.1, 1),
}
"""High and low voltage; every other point has one scale for both."""
ONE_SOURCE = {"device_type", "modbus_address", "protocol_version", "mppt_and_phases", "bms_temperature"}
DISPUTED = {"grid_peak_shaving_power"}


def test_the_low_voltage_map_has_every_point_of_the_high_voltage_one_at_its_address() -> None:
    assert {p.name: p.registers for p in LOW.points} == {p.name: p.registers for p in HIGH.points}
    assert LOW.derived == HIGH.derived
    assert LOW.link == HIGH.link


def test_scales_differ_where_the_battery_voltage_matters_and_nowhere_else() -> None:
    found = {p.name: (p.scale, LOW.by_name[p.name].scale) for p in HIGH.points}
    for name, (high, low) in found.items():
        alike = re.sub(r"^slot\d", "slot1", name)
        expected = SCALES.get(alike)
        assert (high, low) == (expected or (high, high)), name


@pytest.mark.parametrize(
    ("point", "value", "high", "low"),
    [
        ("battery_voltage_v", 52.3, None, {587: 5230}),
        ("battery_voltage_v", 402.3, {587: 4023}, None),
        ("battery_power_w", -3210, {590: 0x10000 - 321}, {590: 0x10000 - 3210}),
        ("pv2_power", 4120, {673: 412}, {673: 4120}),
        ("max_sell_power", 7500, {143: 750}, {143: 7500}),
        ("slot4_power", 5000, {157: 500}, {157: 5000}),
        ("zero_export_power", -50, None, {104: 0x10000 - 50}),
        ("grid_power_w", -500, {625: 0x10000 - 500, 690: 0xFFFF}, {625: 0x10000 - 500, 690: 0xFFFF}),
        ("battery_current", -12.5, {591: 0x10000 - 1250}, {591: 0x10000 - 1250}),
        ("battery_temp_c", 25.3, {586: 1253}, {586: 1253}),
        ("battery_charge_wh", 1_234_500, {516: 12345, 517: 0}, {516: 12345, 517: 0}),
    ],
)
def test_the_same_value_stands_in_other_words(
    point: str, value: float, high: dict[int, int] | None, low: dict[int, int] | None
) -> None:
    for point_map, words in ((HIGH, high), (LOW, low)):
        if words is not None:
            assert codec.encode(point_map.point(point), value) == words


def test_what_rests_on_one_source_is_marked_and_never_written() -> None:
    assert {p.name for p in HIGH.points if not p.verified} == ONE_SOURCE | DISPUTED
    assert {p.name for p in LOW.points if not p.verified} == ONE_SOURCE | DISPUTED | {"bms_current"}
    for point_map in (HIGH, LOW):
        assert not [p.name for p in point_map.points if p.writable and not p.verified]
