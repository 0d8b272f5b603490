"""SunSpec over real sockets: values by name and scale, found wherever the device keeps them, or a reason why not."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.constants import ExcCodes

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.map_file import read_map
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.sunspec.discovery import FoundModel, discover
from ems_pipeline.devices.sunspec.driver import SunSpecDriver
from ems_pipeline_tests.devices.bench import Slave
from ems_pipeline_tests.devices.sunspec_bench import (
    COMMON,
    HYBRID,
    INVERTER,
    M103,
    M113,
    M120,
    M124,
    M160,
    M203,
    M701,
    M704,
    M713,
    METER,
    S16_NOTHING,
    STORAGE,
    U16_NOTHING,
    device,
    image,
    long,
    model,
    read,
    session,
    values,
)


def test_an_inverter_is_read_by_name_with_the_scales_it_states() -> None:
    found = read(device([COMMON, M103, M120, M160]), INVERTER)
    assert values(found, "pv_power_w", "frequency", "voltage_l2", "current_l3") == [-5230, 50.02, 230.5, 4.3]
    assert values(found, "pv_energy_wh", "apparent_power", "rated_power") == [123_456_789, 5300, 10_000]
    assert found["power_factor"].value == pytest.approx(-0.985)
    assert values(found, "string1_power", "string2_power", "string2_voltage", "string1_current") == [
        1000,
        2000,
        400.1,
        1.5,
    ]
    assert values(found, "state", "cabinet_temperature") == [4, 41.2]


@pytest.mark.parametrize("base", [40000, 0, 50000])
def test_the_models_are_found_at_every_base_and_in_every_order(base: int) -> None:
    strange = model(64_001, 13, {})
    for models in ([COMMON, M103, M160], [M160, strange, M103, COMMON]):
        found = read(device(models, base), INVERTER)
        assert values(found, "pv_power_w", "string2_power") == [-5230, 2000]


def test_another_base_can_be_named() -> None:
    found = read(device([COMMON, M103], 1234), INVERTER, base_address=1234)
    assert values(found, "pv_power_w") == [-5230]


def test_the_length_of_the_device_leads_to_the_next_model_whatever_the_specification_says() -> None:
    short_common = (1, COMMON[1][:65])
    padded = (103, [*M103[1], 0, 0])
    found = read(device([short_common, padded, M160]), INVERTER)
    assert values(found, "pv_power_w", "string1_power") == [-5230, 1000]


def test_a_model_that_ends_early_lacks_its_last_points_and_nothing_else() -> None:
    found = read(device([COMMON, (103, M103[1][:30])]), INVERTER)
    assert values(found, "pv_power_w", "pv_energy_wh") == [-5230, 123_456_789]
    assert (found["state"].value, found["state"].quality) == (None, Quality.REFUSED)
    assert "ends after 30 registers, before St" in found["state"].reason


@pytest.mark.parametrize("end", [[0xFFFF], []])
def test_a_chain_may_end_without_length_or_without_mark(end: list[int]) -> None:
    assert values(read(device([COMMON, M103], end=end), INVERTER), "pv_power_w") == [-5230]


def test_a_device_with_floats_is_the_same_to_the_map() -> None:
    found = read(device([COMMON, M113]), INVERTER)
    assert values(found, "pv_power_w", "frequency", "voltage_l1", "pv_energy_wh") == [4999.5, 50, 230.5, 1_000_000]
    assert (found["apparent_power"].value, found["apparent_power"].quality) == (None, Quality.NOT_READY)


def test_not_implemented_is_no_value_with_a_reason_and_never_zero() -> None:
    found = read(device([COMMON, M103]), INVERTER)
    for name in ("reactive_power", "heatsink_temperature"):
        assert (found[name].value, found[name].quality) == (None, Quality.NOT_READY)
        assert "0x8000 means that the device has no value" in found[name].reason


def test_a_counter_of_zero_is_not_implemented() -> None:
    words = M103[1][:]
    words[22:24] = [0, 0]
    found = read(device([COMMON, (103, words)]), INVERTER)
    assert (found["pv_energy_wh"].value, found["pv_energy_wh"].quality) == (None, Quality.NOT_READY)


@pytest.mark.parametrize(
    ("factor", "quality", "said"),
    [(S16_NOTHING, Quality.NOT_READY, "scale factor (register"), (11, Quality.GARBAGE, "11 in register")],
)
def test_a_value_without_a_scale_does_not_count(factor: int, quality: Quality, said: str) -> None:
    words = M103[1][:]
    words[13] = factor
    found = read(device([COMMON, (103, words)]), INVERTER)
    assert (found["pv_power_w"].value, found["pv_power_w"].quality) == (None, quality)
    assert said in found["pv_power_w"].reason
    assert values(found, "frequency") == [50.02]


def test_a_scale_is_read_in_the_same_request_as_its_value() -> None:
    """Several inverters change theirs as the power changes: half of the old and half of the new would be off by ten."""
    slave = device([COMMON, M701, M713])
    assert values(read(slave, STORAGE), "battery_power_w") == [4321]
    at = 40002 + 68
    blocks = [range(address, address + count) for _, address, count in slave.reads]
    assert any(at + 10 in block and at + 116 in block for block in blocks)
    assert all(len(block) <= 125 for block in blocks)


def test_a_missing_model_is_named_with_those_there_are() -> None:
    found = read(device([COMMON, M103]), INVERTER)
    assert found["string1_power"].value is None
    assert "no SunSpec model 160; it has 1, 103" in found["string1_power"].reason


def test_of_two_equal_models_a_map_says_which_one(tmp_path: Path) -> None:
    second = (203, M203[1][:])
    second[1][16] = 777
    file = tmp_path / "feed.yaml"
    file.write_text(
        "map: feed\ntitle: T\ndriver: meter\nprotocol: sunspec\nsilence: s\nsources: [s]\npoints:\n"
        "  one: {model: 203, point: W}\n"
        "  two: {model: 203, index: 2, point: W}\n"
        "  three: {model: 203, index: 3, point: W}\n"
    )
    found = read(device([COMMON, M203, second]), read_map(file))
    assert values(found, "one", "two") == [-1234, 777]
    assert "no SunSpec model 203 no. 3" in found["three"].reason


def test_a_meter_counts_in_the_scale_it_states() -> None:
    found = read(device([COMMON, M203]), METER)
    assert values(found, "grid_power_w", "power_l2", "grid_frequency_hz") == [-1234, -417, 50]
    assert values(found, "grid_export_wh", "grid_import_wh") == [700_000, 900_000]


def test_a_hybrid_shows_charging_as_negative_battery_power() -> None:
    """By convention module 3 charges (3000 W here) and module 4 discharges (4000 W)."""
    found = read(device([COMMON, M103, M160, M124]), HYBRID)
    assert values(found, "battery_charge_power", "battery_discharge_power", "battery_power_w") == [-3000, 4000, 1000]
    assert values(found, "pv_power_w", "battery_soc_pct", "battery_voltage_v") == [3000, 63.5, 401.2]
    assert values(found, "battery_charge_limit", "battery_limit_revert") == [100, 300]


def test_the_700_models_of_a_battery_inverter() -> None:
    found = read(device([COMMON, M701, M713, M704]), STORAGE)
    assert values(found, "battery_power_w", "frequency", "voltage_l3") == [4321, 50.01, 230.2]
    assert values(found, "battery_discharge_wh", "battery_soc_pct", "battery_capacity") == [5_000_000, 64, 10_000]
    assert values(found, "power_limit", "setpoint_power") == [100, 0]
    assert found["battery_charge_wh"].value == 0, "an unsigned integer, not an accumulator: 0 is a value"


def asleep(state: int, power: int = S16_NOTHING) -> Slave:
    """A 103 that answers with a state and, as a rule, "not implemented" for its power."""
    return device([COMMON, model(103, 50, {14: power, 15: 0, 38: state, 40: long(0)})])


def test_an_inverter_that_says_it_sleeps_makes_nothing() -> None:
    power = read(asleep(state=2), INVERTER)["pv_power_w"]
    assert (power.value, power.quality) == (0.0, Quality.AT_REST)
    assert "sleeps" in power.reason


def test_what_a_sleeping_inverter_does_say_counts() -> None:
    power = read(asleep(state=2, power=-7), INVERTER)["pv_power_w"]
    assert (power.value, power.quality) == (-7.0, Quality.GOOD)


@pytest.mark.parametrize("state", [1, 3, 4, 5, 6, 7, 8, U16_NOTHING, 99])
def test_no_value_is_not_nought_in_any_other_state(state: int) -> None:
    assert read(asleep(state), INVERTER)["pv_power_w"].value is None


def test_a_hybrid_that_sleeps_moves_neither_sun_nor_battery() -> None:
    words = {2: -2, 3: -1, 4: 0, 5: 0, 8: 4}
    for state, found in ((2, (0.0, Quality.AT_REST)), (4, (None, Quality.NOT_READY))):
        chain = [COMMON, model(103, 50, {38: state}), model(160, 88, words)]
        said = read(device(chain), HYBRID)
        assert [(said[n].value, said[n].quality) for n in ("pv_power_w", "battery_power_w")] == [found, found]


@pytest.mark.parametrize("nothing", [[0x7FC0, 0], [0xFFC0, 0], [0x7FFF, 0xFFFF]])
def test_any_nan_of_a_float_inverter_asleep_is_rest(nothing: list[int]) -> None:
    power = read(device([COMMON, model(113, 60, {22: nothing, 48: 2})]), INVERTER)["pv_power_w"]
    assert (power.value, power.quality) == (0.0, Quality.AT_REST)


def test_identification_is_text() -> None:
    async def work(driver: SunSpecDriver) -> dict[str, str]:
        return await driver.read_texts()

    said = session(device([COMMON, M103]), INVERTER, work)
    assert said == {"manufacturer": "ACME", "model": "Sunny", "version": "1.2.3", "serial_number": "SN-0815"}


def test_the_chain_is_walked_once_per_connection() -> None:
    slave = device([COMMON, M103])

    async def work(driver: SunSpecDriver) -> tuple[int, int]:
        await driver.read(["pv_power_w"])
        first = len(slave.reads)
        await driver.read(["pv_power_w"])
        return first, len(slave.reads) - first

    assert session(slave, INVERTER, work) == (1 + 3 + 1, 1), "marker, three headers, one block; then one block"


@pytest.mark.parametrize(
    ("slave", "quality", "said"),
    [
        (Slave({40000: 7, 40001: 7}), Quality.REFUSED, "no SunSpec marker at 40000, 0, 50000; enable SunSpec"),
        (Slave(valid=set()), Quality.REFUSED, "no SunSpec marker"),
        (Slave(exception=ExcCodes.DEVICE_BUSY), Quality.REFUSED, "no SunSpec marker"),
        (Slave(silent=True), Quality.NO_ANSWER, "no usable answer"),
        (Slave(image([COMMON], end=[0, 0])), Quality.GARBAGE, "leads to register 40070, where none is"),
        (Slave(image([(64_001, [])] * 101)), Quality.GARBAGE, "no end within 100 models"),
    ],
    ids=["another device", "no registers", "busy", "silent", "into nothing", "endless"],
)
def test_what_is_no_sunspec_device_has_no_values(slave: Slave, quality: Quality, said: str) -> None:
    found = read(slave, METER)
    assert {(r.value, r.quality) for r in found.values()} == {(None, quality)}
    assert said in found["grid_power_w"].reason


def test_a_silent_device_is_asked_once_and_not_at_every_base() -> None:
    slave = Slave(silent=True)
    read(slave, METER)
    assert len(slave.reads) == 1


WORD = st.one_of(st.sampled_from([0, 1, 2, 0xFFFF]), st.integers(0, 0xFFFF))


@settings(deadline=None)
@given(st.lists(WORD, max_size=120))
def test_any_words_behind_the_marker_are_a_chain_or_a_fault(words: list[int]) -> None:
    """Never an endless walk, never another error."""
    there = [0x5375, 0x6E53, *words]

    async def ask(start: int, count: int) -> list[int]:
        found = there[start - 40000 : start - 40000 + count]
        if len(found) < count:
            raise DeviceFault(Quality.REFUSED, "exception 2", illegal_address=True)
        return found

    async def walk() -> tuple[FoundModel, ...] | str:
        try:
            return await discover(ask)
        except DeviceFault as fault:
            return fault.reason

    models = asyncio.run(walk())
    assert isinstance(models, tuple) or models
    if isinstance(models, tuple):
        assert all(a.at + 2 + a.length == b.at for a, b in itertools.pairwise(models))
