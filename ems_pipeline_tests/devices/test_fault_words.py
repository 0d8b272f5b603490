"""A device's own fault words, through the real drivers: counted, in the words of its map, beside its telemetry."""

from __future__ import annotations

import asyncio

import pytest

from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline_tests.devices.bench import Slave, bus, driver
from ems_pipeline_tests.devices.sunspec_bench import COMMON, INVERTER, S16_NOTHING, device, long, model
from ems_pipeline_tests.devices.sunspec_bench import read as read_sunspec

SAMSUNG = {50: 7, 2: 0}
DEYE = {500: 2, 587: 3900, 588: 50, 609: 5000}
TELTONIKA = {6: 1, 33: 1}
MAPS = {"samsung-ehs-mim-b19n": SAMSUNG, "deye-sun-20k-hp3": DEYE, "teltonika-teltocharge": TELTONIKA}


def read(map_name: str, words: dict[int, int]) -> dict[str, Reading]:
    async def run() -> dict[str, Reading]:
        async with bus({1: Slave(MAPS[map_name] | words)}) as port:
            return {r.quantity: r for r in await driver(map_name, port, timeout_s=1.0).read()}

    return asyncio.run(run())


@pytest.mark.parametrize("map_name", MAPS)
def test_a_device_that_is_well_names_no_fault(map_name: str) -> None:
    fault = read(map_name, {})["fault"]
    assert (fault.value, fault.quality, fault.reason) == (0, Quality.GOOD, "")


@pytest.mark.parametrize(
    ("map_name", "words", "count", "said"),
    [
        ("samsung-ehs-mim-b19n", {1: 101, 63: 101}, 2, "outdoor_error 101; unit_error 101"),
        ("samsung-ehs-mim-b19n", {0: 0b10}, 1, "module_error: R1/R2 communication"),
        ("samsung-ehs-mim-b19n", {50: 15}, 1, "unit_status: communication error"),
        ("deye-sun-20k-hp3", {500: 4, 558: 1 << 9}, 2, "run_state: fault; fault_bits_4: F58 BMS communication lost"),
        ("deye-sun-20k-hp3", {500: 3}, 1, "run_state: alarm"),
        ("deye-sun-20k-hp3", {221: 1 << 5}, 1, "bms_fault: bit 5"),
        ("teltonika-teltocharge", {35: 0b101}, 2, "error_bits: bit 0; error_bits: bit 2"),
        ("teltonika-teltocharge", {33: 5}, 1, "iec61851_state: F"),
    ],
)
def test_a_device_says_its_faults_in_the_words_of_its_map(
    map_name: str, words: dict[int, int], count: int, said: str
) -> None:
    found = read(map_name, words)
    assert (found["fault"].value, found["fault"].quality, found["fault"].reason) == (count, Quality.GOOD, said)


def test_a_device_with_a_fault_still_measures() -> None:
    found = read("samsung-ehs-mim-b19n", {1: 101, 5: 0xFFDD, 66: 362})
    assert (found["outdoor_temp_c"].value, found["flow_temp_c"].value) == (-3.5, 36.2)


def test_a_module_that_lost_its_unit_has_a_fault_and_no_values() -> None:
    found = read("samsung-ehs-mim-b19n", {50: 15, 0: 2, 66: 362})
    assert found["flow_temp_c"].quality is Quality.NOT_READY
    assert found["fault"].value == 2


def test_words_at_the_end_of_their_type_are_no_faults() -> None:
    fault = read("teltonika-teltocharge", {35: 0xFFFF})["fault"]
    assert (fault.value, fault.quality) == (0, Quality.GOOD)


def test_fault_words_that_do_not_answer_are_not_health() -> None:
    async def run() -> Reading:
        known = {a for p in load_map("samsung-ehs-mim-b19n", {}).points for a in p.addresses}
        slave = Slave(SAMSUNG, valid=known - {63})
        async with bus({1: slave}) as port:
            return (await driver("samsung-ehs-mim-b19n", port, timeout_s=1.0).read(["fault"]))[0]

    fault = asyncio.run(run())
    assert (fault.value, fault.quality) == (None, Quality.REFUSED)


@pytest.mark.parametrize(
    ("state", "events", "count", "said"),
    [
        (4, 0, 0, ""),
        (2, 0, 0, ""),
        (4, 0xFFFF_FFFF, 0, ""),
        (7, 0, 1, "state: fault"),
        (7, 1 | 1 << 7, 3, "state: fault; event_bits: ground fault; event_bits: over-temperature"),
    ],
)
def test_a_sunspec_inverter_says_its_state_and_events(state: int, events: int, count: int, said: str) -> None:
    slave = device([COMMON, model(103, 50, {14: S16_NOTHING, 15: 0, 38: state, 40: long(events)})])
    fault = read_sunspec(slave, INVERTER)["fault"]
    assert (fault.value, fault.reason) == (count, said)
