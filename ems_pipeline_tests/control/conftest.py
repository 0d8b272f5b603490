"""The demo site on its virtual plant, with plans as the warehouse would have them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from ems_pipeline.cli import control as cli_control
from ems_pipeline.cli import device as cli_device
from ems_pipeline.cli import schedule as cli_schedule
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, arming, setpoints
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.hand import Hand

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUICK_S = 0.5


@dataclass
class Bench:
    """A plant, a warehouse and a clock; times are quarter-hours and seconds from noon."""

    plant: Plant
    warehouse: Warehouse
    clock: SimulatedClock
    written: list[tuple[str, str, float]] = field(default_factory=list)
    """Every value that arrived in a device, in order: device, point, value."""

    def listen(self) -> None:
        """Note every write that arrives in a device from now on."""
        for device, twin in self.plant.twins.items():
            twin.put = self._noting(device, twin.put)  # type: ignore[method-assign, assignment]

    def _noting(self, device: str, put: Callable[[Mapping[str, float]], None]) -> Callable[[Mapping[str, float]], None]:
        def noting(values: Mapping[str, float]) -> None:
            self.written += [(device, point, value) for point, value in values.items()]
            put(values)

        return noting

    def wanted(self, device: str, point: str) -> float | None:
        """What the newest set-point of a device wants of a point."""
        return bench.wanted(self.warehouse, self.site, device, point)

    @property
    def site(self) -> Site:
        return self.plant.site

    def plan(self, *rows: bench.Row, is_verified: bool = True) -> None:
        """A verified plan decided now, whose rows hold in the next two hours."""
        bench.store_plan(self.warehouse, self.site, self.clock.now(), rows, is_verified=is_verified)

    def control(self) -> dict[str, Outcome]:
        """A control run at the clock's now; outcomes by device, the last word of each."""
        return bench.control(self.warehouse, self.site, self.clock)

    def verify(self) -> dict[str, Outcome]:
        return bench.verify(self.warehouse, self.site, self.clock)

    def advance(self, **delta: float) -> None:
        bench.advance(self.clock, **delta)

    def states(self, device: str) -> list[str]:
        """States of the device's set-points, oldest first."""
        return bench.states(self.warehouse, self.site, device)

    def steered(self) -> set[str]:
        """Devices that may hold something of ours."""
        with self.warehouse.begin() as connection:
            return {s.device for s in setpoints.steered(connection, self.site.key)}

    def meddle(self, device: str, point: str, value: float) -> None:
        """Somebody else writes to a device."""
        asyncio.run(bench.write(self.site, device, point, value))

    def held(self, device: str) -> dict[str, float]:
        """What stands in the device's writable points, by name."""
        return dict(self.plant.twins[device].held)


@pytest.fixture
def days_lived() -> int:
    """How long the site has run by itself before: its battery is half full unless a test wants it otherwise."""
    return 0


@pytest.fixture
def troubled() -> str | None:
    """The gateway that a test has time-outs on: its twin is in this process, so it is waited for `QUICK_S` only."""
    return None


@pytest.fixture
def home(
    warehouse: Warehouse, home01: Site, days_lived: int, troubled: str | None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """The demo site at noon of a March day, armed; nothing of other tests in the journal."""
    with living(warehouse, home01, days_lived, monkeypatch, troubled) as found:
        yield found


@contextmanager
def living(
    warehouse: Warehouse, of: Site, days_lived: int, monkeypatch: pytest.MonkeyPatch, troubled: str | None = None
) -> Iterator[Bench]:
    """A site's plant, registered and armed."""
    clock = SimulatedClock(NOON)
    bench.empty(warehouse)
    lines = tuple(g.model_copy(update={"timeout_s": QUICK_S if g.key == troubled else 2.0}) for g in of.gateways)
    site = bench.without_gaps(of).model_copy(update={"gateways": lines})
    with running_plant(site, clock, seed=3, history_days=days_lived) as plant:
        for name, value in plant.environ.items():
            monkeypatch.setenv(name, value)
        with warehouse.begin() as connection:
            connection.exec_driver_sql("DELETE FROM ems.site_config")  # the plant of another test had other ports
            registry.register(connection, [plant.site], NOON)
            registry.set_active(connection, plant.site.key, True)
            arming.arm(connection, plant.site.key, NOON, "test")
        home = Bench(plant, warehouse, clock)
        home.listen()
        yield home


@pytest.fixture
def files(home: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The command line finds the bench's site and database; by the machine's clock, hence the long arm."""
    with home.warehouse.begin() as connection:
        arming.arm(connection, home.site.key, NOON, "test", NOON + timedelta(days=36_500))
    (tmp_path / "home01.yaml").write_text(yaml.safe_dump(home.site.model_dump(mode="json")))
    monkeypatch.setenv("EMS_SITES", str(tmp_path))
    for module in (cli_control, cli_device, cli_schedule):
        monkeypatch.setattr(module, "console", Console(width=200))
    url = home.warehouse.url.set(drivername="postgresql")
    monkeypatch.setenv("EMS_DATABASE_URL", url.render_as_string(hide_password=False))
    return home


@pytest.fixture
def hand(home: Bench) -> Hand:
    """Somebody who sets points of the demo site by hand."""
    return Hand(home)
