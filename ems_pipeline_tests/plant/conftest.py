"""A running plant under the real drivers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.command import Command
from ems_pipeline.devices.driver.contract import Driver
from ems_pipeline.devices.points.reading import good_values
from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.control.bench import without_gaps

EVENING = datetime(2026, 3, 20, 18, 0, tzinfo=UTC)
"""A cold Friday evening: dark, both cars expected."""


@pytest.fixture
def evening() -> SimulatedClock:
    return SimulatedClock(EVENING)


SETTLE = timedelta(seconds=20)


@dataclass
class Bench:
    """A running plant and its clock."""

    plant: Plant
    clock: SimulatedClock

    def session(self, work: Callable[[dict[str, Driver]], Awaitable[None]]) -> None:
        """Run ``work`` with fresh drivers of all devices, without their silences."""

        async def run() -> None:
            opened = self.opened()
            try:
                await work(opened.drivers)
            finally:
                await opened.close()

        asyncio.run(run())

    def opened(self, timeout_s: float = 2.0) -> fleet.OpenSite:
        """Drivers of all devices, with another patience."""
        gateways = tuple(g.model_copy(update={"timeout_s": timeout_s}) for g in self.plant.site.gateways)
        return fleet.open_site(without_gaps(self.plant.site).model_copy(update={"gateways": gateways}), self.clock)

    async def command(self, driver: Driver, command: Command) -> dict[str, float]:
        """Translate, write, wait, read back; the live values afterwards."""
        writes = driver.translate(command, good_values(await driver.read(driver.needs)))
        acknowledged = await driver.write(writes)
        assert acknowledged.accepted, acknowledged.reason
        self.clock.advance_to(self.clock.at + SETTLE)
        echoes = await driver.read_back(writes)
        assert all(e.matches for e in echoes), [e for e in echoes if not e.matches]
        return good_values(await driver.read())


@pytest.fixture
def bench(home01: Site, evening: SimulatedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with running_plant(home01, evening, seed=1) as plant:
        for name, value in plant.environ.items():
            monkeypatch.setenv(name, value)
        cells = plant.world.hybrids["inverter"].cells
        assert cells is not None
        cells.energy_wh = 9000.0
        yield Bench(plant, evening)
