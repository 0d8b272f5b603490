"""The flags of a Deye's time slots: newer firmware keeps bits of its own there, and no mode touches them."""

from __future__ import annotations

import asyncio

import pytest

from ems_pipeline.devices.driver.command import BatteryCommand
from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.devices.points.reading import good_values
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline_tests.devices.bench import Slave, bus, driver

FLAGS = [0, 0x01, 0x20, 0x21, 0x03, 0x803F]
"""One a slot: grid charge is bit 0, generator charge bit 1, "sell" bit 5, the rest is not known."""
VOLTAGE = {"deye-sun-20k-hp3": 3900, "deye-sun-12k-lp3": 5200}


def flags(map_name: str, mode: BatteryMode | None) -> list[int]:
    """What the slots' flags are told in a mode, and with None at release."""
    words = {587: VOLTAGE[map_name], 588: 50, 609: 5000, 142: 2, 212: 100, 213: 100}
    slave = Slave(words | {172 + n: word for n, word in enumerate(FLAGS)})

    async def run() -> tuple[PointWrite, ...]:
        async with bus({1: slave}) as port:
            device = driver(map_name, port, timeout_s=1.0)
            live = good_values(await device.read(device.needs))
            return tuple(device.release_writes(live) if mode is None else device.translate(asked(mode), live))

    told = {w.point: int(w.value) for w in asyncio.run(run())}
    return [told[f"slot{n}_flags"] for n in range(1, 7)]


def asked(mode: BatteryMode) -> BatteryCommand:
    return BatteryCommand("device", mode, 5000, 5000, 60, 5000)


@pytest.mark.parametrize("map_name", VOLTAGE)
@pytest.mark.parametrize("mode", [*BatteryMode, None])
def test_a_mode_sets_the_grid_charge_bit_and_keeps_every_other(map_name: str, mode: BatteryMode | None) -> None:
    charges = int(mode is BatteryMode.CHARGE)
    assert flags(map_name, mode) == [word & ~1 | charges for word in FLAGS]
