"""A Samsung module's slots are what its lists say: followed, or absent, and never believed unread."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from pymodbus.constants import ExcCodes

from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline_tests.devices.bench import Slave, bus, driver

SAMSUNG = load_map("samsung-ehs-mim-b19n", {})
READY = {50: 7, 87: 123, 88: 0, 89: 1, 4: 40, 5: 35}
KNOWN = {a for p in SAMSUNG.points for a in p.addresses} | set(range(82, 90))
LISTS = {*range(6000, 6002), *range(7000, 7008)}
FLOW, RATIO, VALVE = 0x42E9, 0x42F1, 0x4067


def read(slave: Slave, *names: str) -> dict[str, Reading]:
    async def run() -> dict[str, Reading]:
        async with bus({3: slave}, registers=7100) as port:
            device = driver("samsung-ehs-mim-b19n", port, 3, timeout_s=1.0)
            for _ in range(2):
                found = await device.read(names or None)
            return {r.quantity: r for r in found}

    return asyncio.run(run())


def listing(ids: Mapping[int, int]) -> Slave:
    return Slave(READY | dict(ids), valid=KNOWN | LISTS)


@pytest.mark.parametrize("ids", [{}, {7005: FLOW, 7006: RATIO, 7007: VALVE}])
def test_the_manuals_slots_hold_where_nobody_chose_others(ids: dict[int, int]) -> None:
    found = read(listing(ids))
    assert (found["flow_rate_l_min"].value, found["three_way_valve"].value) == (pytest.approx(12.3), 1)


def test_a_slot_with_another_message_is_not_the_flow_rate() -> None:
    found = read(listing({7005: 0x4247}))
    assert (found["flow_rate_l_min"].value, found["flow_rate_l_min"].quality) == (None, Quality.ABSENT)
    assert "register 7005 selects 0x4247" in found["flow_rate_l_min"].reason
    assert found["three_way_valve"].value == 1


def test_a_message_is_followed_to_the_slot_that_has_it() -> None:
    slave = listing({7000 + k: i for k, i in enumerate((VALVE, FLOW, 0x4247, 0x4248, 0x4065, 0x4066, 0x406F, 0x40C4))})
    slave.words |= {82: 1, 83: 251, 87: 9, 89: 9}
    found = read(slave)
    assert (found["three_way_valve"].value, found["flow_rate_l_min"].value) == (1, pytest.approx(25.1))


def test_the_outdoor_unit_has_a_list_of_its_own() -> None:
    slave = listing({6000: 0x8204, 6001: 0x8238})
    slave.words |= {4: 0xFFDD, 5: 62}
    found = read(slave)
    assert (found["outdoor_temp_c"].value, found["compressor_frequency_hz"].value) == (-3.5, 62)


def test_a_module_without_lists_shows_the_manuals_slots() -> None:
    slave = Slave(dict(READY), valid=KNOWN)
    assert read(slave)["flow_rate_l_min"].value == pytest.approx(12.3)
    assert len([entry for entry in slave.reads if entry[1] >= 6000]) == 2, "each list is asked for once"


def test_a_module_that_is_busy_is_not_one_without_lists() -> None:
    slave = Slave(dict(READY), exception=ExcCodes.DEVICE_BUSY)
    assert {r.quality for r in read(slave).values()} == {Quality.REFUSED}


def test_what_is_written_goes_to_the_slot_of_its_message_or_nowhere() -> None:
    async def run(slave: Slave) -> tuple[bool, str]:
        async with bus({3: slave}, registers=7100) as port:
            device = driver("samsung-ehs-mim-b19n", port, 3, timeout_s=1.0)
            answer = await device.write([PointWrite("frequency_ratio_control", 0x0150)])
            return answer.accepted, answer.reason

    moved, gone = listing({7002: RATIO}), listing({7006: 0x4247})
    assert asyncio.run(run(moved)) == (True, "")
    assert (moved.words[84], moved.words[88]) == (0x0150, 0)
    accepted, reason = asyncio.run(run(gone))
    assert not accepted
    assert "0x42f1" in reason
    assert gone.writes == []
