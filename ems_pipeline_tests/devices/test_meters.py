"""Meters from words computed by hand, through the real driver over Modbus TCP: word order, scale, sign, manners."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from pymodbus.constants import ExcCodes

from ems_pipeline.devices.points.map_file import known_maps, load_map
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline_tests.devices.bench import Slave, bus, driver

EASTRON = {0: (0x4366, 0x8000), 6: (0x4148, 0x0000), 12: (0xC3CD, 0x8000), 52: (0xC49A, 0x4000), 70: (0x4248, 0x0A3D)}
"""IEEE 754: 230.5 V, 12.5 A, -411 W, -1234 W, 50.01 Hz."""
EASTRON_ENERGY = {72: (0x4640, 0xE6B7), 74: (0x449A, 0x5000)}
"""12345.6787 and 1234.5 kWh."""
GAVAZZI = {0: (0x0901, 0), 12: (0x30D4, 0), 18: (0xEFE2, 0xFFFF), 40: (0xCFC7, 0xFFFF), 52: (0xE240, 0x0001)}
"""Low word first: 2305 (230.5 V), 12500 (12.5 A), -4126 (-412.6 W), -12345 (-1234.5 W), 123456 (12345.6 kWh)."""


class Eastron(Slave):
    """Odd addresses and counts are illegal, and requests of more than 80 registers."""

    async def action(
        self, function: int, start: int, address: int, count: int, registers: list[int], values: Sequence[int] | None
    ) -> ExcCodes | None:
        if address % 2 or count % 2:
            return ExcCodes.ILLEGAL_ADDRESS
        if count > 80:
            return ExcCodes.ILLEGAL_VALUE
        return await super().action(function, start, address, count, registers, values)


def words(*parts: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    return {address + i: word for part in parts for address, pair in part.items() for i, word in enumerate(pair)}


def read(map_name: str, slave: Slave, names: Sequence[str] | None = None) -> dict[str, Reading]:
    async def run() -> dict[str, Reading]:
        async with bus({1: slave}) as port:
            device = driver(map_name, port)
            try:
                wanted = names or [p.key for p in device.point_map.points if p.type != "ascii"]
                return {r.quantity: r for r in await device.read(wanted)}
            finally:
                await device.close()

    return asyncio.run(run())


def value(readings: Mapping[str, Reading], quantity: str) -> float:
    reading = readings[quantity]
    assert reading.is_good, reading
    assert reading.value is not None
    return reading.value


@pytest.mark.parametrize("map_name", ["eastron-sdm630", "eastron-sdm72d-m-v2"])
def test_an_eastron_says_floats_high_word_first_and_import_is_positive(map_name: str) -> None:
    found = read(map_name, Eastron(words(EASTRON, EASTRON_ENERGY)))
    assert value(found, "voltage_l1") == 230.5
    assert value(found, "current_l1") == 12.5
    assert value(found, "power_l1") == -411
    assert value(found, "grid_power_w") == -1234
    assert value(found, "grid_frequency_hz") == pytest.approx(50.01, abs=1e-5)
    assert value(found, "grid_import_wh") == pytest.approx(12_345_678.7, abs=0.5)
    assert value(found, "grid_export_wh") == 1_234_500


def test_the_first_sdm72_is_asked_for_what_it_has_and_nothing_else() -> None:
    has = {a for p in load_map("eastron-sdm72d-m", {}).points for a in p.addresses}
    slave = Eastron(words(EASTRON, EASTRON_ENERGY), valid=has)
    found = read("eastron-sdm72d-m", slave)
    assert value(found, "grid_power_w") == -1234
    assert [r for r in found.values() if not r.is_good] == []
    assert [(address, count) for _, address, count in slave.reads] == [
        (52, 2), (72, 4), (342, 2), (384, 2), (388, 4), (1280, 4),
    ]  # fmt: skip


def test_an_sdm630_is_read_in_even_blocks_of_eighty_registers_at_most() -> None:
    slave = Eastron(words(EASTRON, EASTRON_ENERGY))
    found = read("eastron-sdm630", slave)
    assert all(r.quality is not Quality.REFUSED for r in found.values())
    assert [(address, count) for _, address, count in slave.reads] == [(0, 80), (234, 6), (248, 2), (342, 40)]


def test_an_eastron_with_reversed_register_order_has_no_good_power() -> None:
    """-1234 W with its words swapped is 0x4000C49A, a plausible 2.4 W: frequency and voltage give it away."""
    swapped = {a: (low, high) for a, (high, low) in EASTRON.items()}
    found = read("eastron-sdm630", Eastron(words(swapped)), ["grid_frequency_hz", "voltage_l1"])
    assert not any(r.is_good for r in found.values())


@pytest.mark.parametrize(
    ("map_name", "frequency_at", "import_at", "factor_at"),
    [("carlo-gavazzi-em340", 51, 52, 49), ("carlo-gavazzi-em24", 55, 66, 53)],
)
def test_a_gavazzi_says_integers_low_word_first(
    map_name: str, frequency_at: int, import_at: int, factor_at: int
) -> None:
    held = words(GAVAZZI) | {import_at: 0xE240, import_at + 1: 1, frequency_at: 500, factor_at: 0x10000 - 980}
    found = read(map_name, Slave(held))
    assert value(found, "voltage_l1") == pytest.approx(230.5)
    assert value(found, "current_l1") == pytest.approx(12.5)
    assert value(found, "power_l1") == pytest.approx(-412.6)
    assert value(found, "grid_power_w") == pytest.approx(-1234.5)
    assert value(found, "power_factor") == pytest.approx(-0.98)
    assert value(found, "grid_frequency_hz") == 50
    assert value(found, "grid_import_wh") == 12_345_600


def test_no_gavazzi_request_is_longer_than_fifty_registers_or_touches_what_no_table_lists() -> None:
    for name in ("carlo-gavazzi-em340", "carlo-gavazzi-em24"):
        slave = Slave(valid={a for p in load_map(name, {}).points for a in p.addresses})
        assert all(r.quality is not Quality.REFUSED for r in read(name, slave).values())
        assert max(count for _, _, count in slave.reads) <= 50


def test_an_overflow_of_a_gavazzi_is_no_value() -> None:
    found = read("carlo-gavazzi-em340", Slave(words({40: (0xFFFF, 0x7FFF)}) | {51: 0x7FFF}))
    assert [(found[q].value, found[q].quality) for q in ("grid_power_w", "grid_frequency_hz")] == [
        (None, Quality.NOT_READY),
        (None, Quality.NOT_READY),
    ]


def test_the_disputed_export_counter_of_the_em24_feeds_no_account() -> None:
    em24, em340 = load_map("carlo-gavazzi-em24", {}), load_map("carlo-gavazzi-em340", {})
    assert em340.point("grid_export_wh").address == 78
    assert em24.by_name["energy_export"].quantity is None
    assert not em24.by_name["energy_export"].verified


METERS = [name for name in known_maps({}) if load_map(name, {}).driver == "meter"]


@pytest.mark.parametrize("name", METERS)
def test_a_meter_cannot_be_written(name: str) -> None:
    assert not [p.name for p in load_map(name, {}).points if p.writable]
    assert FAMILIES["meter"].translate is None


def test_there_are_the_meters_people_have() -> None:
    assert {
        "eastron-sdm630", "eastron-sdm72d-m", "eastron-sdm72d-m-v2", "carlo-gavazzi-em24", "carlo-gavazzi-em340",
    } <= set(METERS)  # fmt: skip


@pytest.mark.parametrize("name", ["eastron-sdm630", "eastron-sdm72d-m", "carlo-gavazzi-em340", "carlo-gavazzi-em24"])
@pytest.mark.parametrize(
    ("options", "quality"),
    [
        ({}, Quality.GOOD),  # nobody says how large the connection is
        ({"connection_w": 150_000.0}, Quality.GOOD),
        ({"connection_w": 17_000.0}, Quality.OUT_OF_RANGE),
        ({"connection_w": 17_000.0, "ct_ratio": 40}, Quality.GOOD),
    ],
)
def test_a_meter_behind_transformers_is_believed_as_far_as_its_connection_goes(
    name: str, options: dict[str, float], quality: Quality
) -> None:
    async def run() -> Reading:
        slave = Slave()
        slave.hold(load_map(name, {}), power=138_000)
        async with bus({1: slave}) as port:
            return (await driver(name, port, options=options, timeout_s=1.0).read(["grid_power_w"]))[0]

    found = asyncio.run(run())
    assert found.quality is quality
    assert found.value == 138_000 if quality is Quality.GOOD else "outside" in found.reason
