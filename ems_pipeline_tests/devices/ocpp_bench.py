"""A site with one charger that calls in, on the virtual plant: what tests of OCPP share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.command import ChargerCommand
from ems_pipeline.devices.driver.contract import Acknowledgement, Driver, Echo, PointWrite
from ems_pipeline.devices.driver.translation import UNTIL
from ems_pipeline.devices.points.reading import Reading, good_values
from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.plant.ocpp_calls import Switchboard
from ems_pipeline.plant.ocpp_twin import OcppTwin
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import ChargerMode
from ems_pipeline.time_grid import SimulatedClock

EVENING = datetime(2026, 1, 14, 17, tzinfo=UTC)
"""The car came about an hour ago and is hungry."""
NIGHT = datetime(2026, 1, 14, 12, tzinfo=UTC)
"""No car is there."""
BOX = "wallbox-1"
VERSIONS = ("ocpp1.6", "ocpp2.0.1")


def site_of_one(home01: Site, options: Mapping[str, Any] = {}, switches: bool = False, **gateway: Any) -> Site:
    """The demo site with its first car alone, behind a charger that calls in; ``switches``: its phases, too."""
    site = home01.model_dump(mode="json")
    site |= {
        "pv": [],
        "batteries": [],
        "heat_pumps": [],
        "chargers": [site["chargers"][0] | {"usual_energy_wh": 40_000, "switches_phases": switches}],
        "schedules": [],
    }
    site["gateways"] = [{"key": "cars", "transport": "ocpp", "host": "127.0.0.1", "port": 9000, **gateway}]
    site["devices"] = [{"key": BOX, "map": "ocpp-charger", "gateway": "cars", "options": dict(options)}]
    return Site.model_validate(site)


@dataclass
class OcppBench:
    """The running plant with its charger; every call speaks to it as the controller does."""

    plant: Plant
    clock: SimulatedClock

    @property
    def twin(self) -> OcppTwin:
        twin = self.plant.twins[BOX]
        assert isinstance(twin, OcppTwin)
        return twin

    @property
    def board(self) -> Switchboard:
        assert self.plant.chargers is not None
        return self.plant.chargers

    def settle(self) -> None:
        """The charger has said everything there is to say."""
        self.board.settle()

    def pass_by(self, **delta: float) -> None:
        """Time passes, and the charger says what that changed."""
        self.clock.advance_to(self.clock.now() + timedelta(**delta))
        self.settle()

    def said(self, box: str = BOX) -> dict[str, Reading]:
        """Everything of the charger now."""

        async def read(driver: Driver) -> list[Reading]:
            names = [p.key for p in driver.point_map.points]
            return list(await driver.read([*names, *driver.point_map.derived]))

        return {r.quantity: r for r in self._with_driver(read, box)}

    def tell(
        self, current_a: float, minutes: float = 20, phases: int = 3, box: str = BOX
    ) -> tuple[Acknowledgement, list[Echo]]:
        """A set-point of so many amperes, 0 for a pause."""
        mode = ChargerMode.CHARGE if current_a else ChargerMode.OFF

        async def told(driver: Driver) -> tuple[Acknowledgement, list[Echo]]:
            live = good_values(await driver.read(driver.needs))
            until = (self.clock.now() + timedelta(minutes=minutes)).timestamp()
            writes = driver.translate(ChargerCommand(box, mode, current_a, phases), {**live, UNTIL: until})
            return await driver.write(writes), await driver.read_back(writes)

        return self._with_driver(told, box)

    def release(self, box: str = BOX) -> tuple[Acknowledgement, list[Echo]]:
        async def released(driver: Driver) -> tuple[Acknowledgement, list[Echo]]:
            writes: tuple[PointWrite, ...] = driver.release_writes({})
            return await driver.write(writes), await driver.read_back(writes)

        return self._with_driver(released, box)

    def _with_driver(self, work: Any, box: str) -> Any:
        async def run() -> Any:
            opened = fleet.open_site(self.plant.site, self.clock)
            try:
                return await work(opened.drivers[box])
            finally:
                await opened.close()

        return asyncio.run(run())


@contextmanager
def charging(
    home01: Site,
    version: str,
    at: datetime = EVENING,
    options: Mapping[str, Any] = {},
    switches: bool = False,
) -> Iterator[OcppBench]:
    """The bench with a charger that speaks a version; it has called in."""
    with plugged(site_of_one(home01, options, switches), version, at) as bench:
        yield bench


@contextmanager
def plugged(site: Site, version: str, at: datetime = EVENING) -> Iterator[OcppBench]:
    """A site whose chargers have called in."""
    clock = SimulatedClock(at)
    with running_plant(site, clock, seed=1, speaks=(version,)) as plant:
        bench = OcppBench(plant, clock)
        bench.settle()
        yield bench
