"""The larger sisters of a map's model: second battery, more strings, powers beyond 16 bits, ranges of their size."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ems_pipeline.devices.driver.command import BatteryCommand, PointCommand
from ems_pipeline.devices.driver.contract import PointWrite, SetpointRefused
from ems_pipeline.devices.modbus import high_words
from ems_pipeline.devices.modbus.driver import ModbusDriver
from ems_pipeline.devices.modbus.high_words import Split
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.reading import Quality, Reading, good_values
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline_tests.devices.bench import Slave, bus, driver

HIGH = load_map("deye-sun-20k-hp3", {})
REST = {587: 3900, 588: 50, 609: 5000}
"""Voltage, charge and frequency of a device at work."""
SPARE = {589, *range(593, 597), *range(719, 731)}
"""Second battery and strings 5 to 8."""
R = TypeVar("R")


def asked(
    slave: Slave, work: Callable[[ModbusDriver], Coroutine[Any, Any, R]], options: Mapping[str, Any] | None = None
) -> R:
    async def run() -> R:
        async with bus({1: slave}) as port:
            return await work(driver("deye-sun-20k-hp3", port, options=options, timeout_s=1.0))

    return asyncio.run(run())


def read(words: Mapping[int, int], *names: str, options: Mapping[str, Any] | None = None) -> dict[str, Reading]:
    async def work(device: ModbusDriver) -> dict[str, Reading]:
        return {r.quantity: r for r in await device.read(names or None)}

    return asked(Slave(dict(words)), work, options)


def test_a_second_battery_and_eight_strings_are_counted() -> None:
    second = {589: 60, 590: 64736, 593: 3900, 595: 64736}  # -8000 W each
    found = good_values(read(REST | second | {672: 500, 673: 500, 727: 700, 728: 700}).values())
    assert (found["battery_power_w"], found["pv_power_w"]) == (-16_000, 24_000)
    assert (found["battery2_soc"], found["battery2_voltage"]) == (60, 390)


def test_a_model_without_them_has_none_and_loses_nothing_else() -> None:
    slave = Slave(REST | {590: 300, 672: 250}, valid=set(range(1400)) - SPARE)
    counts = []

    async def work(device: ModbusDriver) -> list[dict[str, Reading]]:
        sweeps = []
        for _ in range(3):
            before = len(slave.reads)
            sweeps.append({r.quantity: r for r in await device.read()})
            counts.append(len(slave.reads) - before)
        return sweeps

    for found in asked(slave, work):
        assert (found["battery_power_w"].value, found["pv_power_w"].value) == (3000, 2500)
        assert {found[n].quality for n in ("battery2_power", "pv5_power")} == {Quality.ABSENT}
        assert {r.quality for r in found.values()} <= {Quality.GOOD, Quality.ABSENT, Quality.OUT_OF_RANGE}
    assert counts[1] == counts[2] <= 6, "what was refused once is not asked for again, nor run over"


def test_a_part_that_keeps_silent_is_not_absent() -> None:
    """A busy device that refuses for another reason still makes the sum unknown."""
    slave = Slave(REST | {590: 300})
    original = slave.action

    async def busy(function: int, start: int, address: int, count: int, registers: list[int], values: Any) -> Any:
        if address <= 727 < address + count:
            return 6
        return await original(function, start, address, count, registers, values)

    slave.action = busy  # type: ignore[method-assign, assignment]

    async def work(device: ModbusDriver) -> dict[str, Reading]:
        return {r.quantity: r for r in await device.read(["pv_power_w", "battery_power_w"])}

    found = asked(slave, work)
    assert (found["pv_power_w"].value, found["battery_power_w"].value) == (None, 3000)


GRID = {622: 13_300, 623: 13_300, 624: 13_400, 625: 40_000, 690: 0}


@pytest.mark.parametrize("also", [{}, {694: 0xFFFF, 636: 0x10000 - 2}], ids=["no high word", "another high word"])
def test_an_import_of_40_kw_is_no_export_whatever_other_registers_say(also: dict[int, int]) -> None:
    found = read(REST | GRID | {653: 41_000, 659: 0} | also)
    assert (found["grid_power_w"].value, found["grid_power_w"].quality) == (40_000, Quality.GOOD)
    assert (found["load_power_w"].value, found["load_power_w"].quality) == (41_000, Quality.GOOD)


@pytest.mark.parametrize("total_w", [-300, -3000, -15_000, -25_500])
def test_old_firmware_without_high_words_exports(total_w: int) -> None:
    phases = {622 + i: (total_w // 3) & 0xFFFF for i in range(3)}
    grid = read(REST | phases | {625: total_w & 0xFFFF})["grid_power_w"]
    assert (grid.value, grid.quality) == (total_w, Quality.GOOD)


def test_what_contradicts_its_own_phases_is_not_good() -> None:
    found = read(REST | {622: 500, 623: 500, 624: 500, 625: 40_000})
    assert (found["grid_power_w"].value, found["grid_power_w"].quality) == (None, Quality.GARBAGE)
    assert "the phases do not tell" in found["grid_power_w"].reason


def test_without_a_word_of_the_phases_what_two_readings_allow_is_no_value() -> None:
    found = read(REST | {653: 41_000})
    assert found["load_power_w"].value is None
    assert found["grid_power_w"].value == 0, "what can be read in one way only is not touched by it"


def test_the_phases_are_asked_along_when_only_the_total_is_wanted() -> None:
    assert read(REST | GRID, "grid_power_w")["grid_power_w"].value == 40_000


@settings(max_examples=300, deadline=None)
@given(
    shares=st.lists(st.integers(-24_000, 24_000), min_size=3, max_size=3).filter(lambda s: -60_000 <= sum(s) <= 60_000),
    fills=st.booleans(),
)
def test_no_frame_of_either_firmware_is_read_with_the_wrong_sign(shares: list[int], fills: bool) -> None:
    """Old firmware cannot say more than 32,767 W; all it can say, and all of new firmware, is read right or not."""
    total = sum(shares)
    if not fills and abs(total) > 32_767:
        return
    numbers = [*shares, total]
    row = [n & 0xFFFF for n in numbers] + [(n >> 16) & 0xFFFF if fills else 0 for n in numbers]
    wide = [(-25_000.0, 25_000.0)] * 3 + [(-60_000.0, 60_000.0)]
    splits = [Split(f"p{i}", i, i + 4, wide[i]) for i in range(4)]
    found = high_words.filled(splits, {"p3": ("p0", "p1", "p2")}, row, 0.0)
    if found is not None:
        assert [s.value(row, whole=found) for s in splits] == numbers


LARGE = {20: 41_248, 21: 7, 590: 3000, 143: 5000, 154: 5000, 636: 45_000, 694: 0}
"""Rated 50 kW: the battery gives 30 kW, the inverter 45 kW."""
WANTED = ["battery_power_w", "max_sell_power", "slot1_power", "inverter_power"]


def test_a_larger_inverter_is_read_in_its_own_ranges() -> None:
    found = read(REST | LARGE, *WANTED)
    assert [(found[n].value, found[n].quality) for n in WANTED] == [
        (value, Quality.GOOD) for value in (30_000, 50_000, 50_000, 45_000)
    ]


def test_the_site_file_may_say_how_large_it_is() -> None:
    words = {k: v for k, v in LARGE.items() if k not in (20, 21)}
    assert read(REST | words, "battery_power_w")["battery_power_w"].quality is Quality.OUT_OF_RANGE
    options = {"rated_power_w": 50_000}
    found = read(REST | words, *WANTED, options=options)
    assert {r.quality for r in found.values()} == {Quality.GOOD}


def test_what_even_its_size_does_not_allow_is_refused_with_the_range() -> None:
    found = read(REST | LARGE | {590: 6300}, "battery_power_w")["battery_power_w"]
    assert found.quality is Quality.OUT_OF_RANGE
    assert "-62500..62500" in found.reason


def test_a_device_of_the_size_of_the_map_is_not_asked_how_large_it_is() -> None:
    slave = Slave(REST | {590: 300})

    async def work(device: ModbusDriver) -> None:
        await device.read()

    asked(slave, work)
    assert not [entry for entry in slave.reads if entry[1] <= 20 < entry[1] + entry[2]]


def test_what_may_be_written_grows_with_the_inverter() -> None:
    slave = Slave(REST | LARGE | {142: 2, 212: 100, 213: 100})

    async def work(device: ModbusDriver) -> tuple[bool, tuple[PointWrite, ...], tuple[PointWrite, ...]]:
        by_point = await device.write([PointWrite("max_sell_power", 45_000)])
        live = good_values(await device.read(device.needs))
        sale = BatteryCommand("device", BatteryMode.DISCHARGE, 30_000, 45_000, 20, 45_000)
        return by_point.accepted, device.translate(sale, live), device.release_writes(live)

    accepted, sale, release = asked(slave, work)
    assert accepted
    assert slave.words[143] == 4500
    assert {w.value for w in sale if w.point.startswith("slot") and w.point.endswith("power")} == {45_000}
    assert {w.value for w in release if w.point == "max_sell_power"} == {50_000}


def test_a_small_inverter_is_not_told_what_only_a_large_one_may() -> None:
    async def work(device: ModbusDriver) -> None:
        await device.write([PointWrite("max_sell_power", 45_000)])

    with pytest.raises(SetpointRefused, match=r"0\.\.20000"):
        asked(Slave(REST | {20: 200_000 & 0xFFFF, 21: 3}), work)
    live = {"max_sell_power": 1000.0, "rated_power": 20_000.0}
    device = driver("deye-sun-20k-hp3", 1)
    with pytest.raises(SetpointRefused, match=r"0\.\.20000"):
        device.translate(PointCommand("device", "max_sell_power", 45_000), live)


def test_a_night_of_minus_one_watt_is_no_fault() -> None:
    """Strings of the low-voltage model show -1 at night: 65,535 without a sign."""
    low = load_map("deye-sun-12k-lp3", {})
    slave = Slave({587: 5200, 588: 50, 609: 5000, 672: 0xFFFF, 673: 0xFFFF})

    async def run() -> float | None:
        async with bus({1: slave}) as port:
            return (await driver(low.map, port, timeout_s=1.0).read(["pv_power_w"]))[0].value

    assert asyncio.run(run()) == -2


def test_counters_that_count_in_kilowatt_hours_are_told_by_the_site_file() -> None:
    words = {534: 1234, 529: 5}
    assert read(words, "pv_energy_wh")["pv_energy_wh"].value == 123_400
    found = read(words, "pv_energy_wh", "pv_today", options={"counter_scale": 10})
    assert (found["pv_energy_wh"].value, found["pv_today"].value) == (1_234_000, 5000)


@pytest.mark.parametrize("scale", [0, -1, "10", True, float("inf")])
def test_a_counter_scale_that_is_no_positive_number_is_refused(scale: Any) -> None:
    with pytest.raises(ValueError, match="counter_scale"):
        driver("deye-sun-20k-hp3", 1, options={"counter_scale": scale})
