"""A small site on its virtual plant, the real code location, and an instance of its own to record runs in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg
import pytest

from ems_pipeline import time_grid
from ems_pipeline.orchestration.installation import history
from ems_pipeline.orchestration.installation.closed_loop import ClosedLoop
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.orchestration.machinery.instance import open_instance, prepare
from ems_pipeline.plan.solving.solve import EFFORT
from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, arming
from ems_pipeline.warehouse import sites as registry

PRAGUE = time_grid.zone("Europe/Prague")
TODAY = date(2025, 10, 27)
LONG_DAY = date(2025, 10, 26)
"""The night the clocks went back: 100 quarter-hours."""
FIRST = date(2025, 10, 25)
LOGGED_DAYS = 10


@dataclass
class Bench:
    """The code location on a plant that has just been handed over, at the first instant of `TODAY`."""

    runs: InProcess
    plant: Plant
    clock: SimulatedClock

    @property
    def site(self) -> Site:
        return self.plant.site

    @property
    def warehouse(self) -> Warehouse:
        return self.runs.platform.warehouse


def small(home01: Site) -> Site:
    """The demo site with one wallbox."""
    devices = tuple(device for device in home01.devices if device.key != "wallbox-2")
    return home01.model_copy(update={"chargers": home01.chargers[:1], "devices": devices})


def roughly(environment: pytest.MonkeyPatch) -> None:
    """Plans to within a tenth of the best, for tests that do not look at how good they are: proving takes seconds."""
    for kind, limits in EFFORT.items():
        environment.setitem(EFFORT, kind, limits | {"gap": 0.1, "tolerance": 0.1})


@contextmanager
def lived(plant: Plant, clock: SimulatedClock) -> Iterator[InProcess]:
    """The configured installation after the first quarter-hour with a plant: known, armed, planned, told, measured."""
    warehouse, start = prepare(), clock.now()
    with warehouse.begin() as connection:
        registry.register(connection, [plant.site], start)
        arming.arm(connection, plant.site.key, start, by="test")
    with open_instance() as instance:
        runs = InProcess(Platform(warehouse, clock, lambda: [plant.site]), instance)
        runs.register([plant.site.key])
        history.import_log(runs, plant.site, plant.history())
        history.know_the_present(runs, plant.site)
        loop = ClosedLoop(runs, clock)
        loop._slot(start)
        assert loop.failures == []
        yield runs


@pytest.fixture(scope="module")
def bench(warehouse: Warehouse, home01: Site) -> Iterator[Bench]:
    clock = SimulatedClock(time_grid.day_bounds(TODAY, PRAGUE)[0])
    with (
        pytest.MonkeyPatch.context() as environment,
        running_plant(small(home01), clock, seed=1, history_days=LOGGED_DAYS) as plant,
        dg.instance_for_test() as instance,
    ):
        for name, value in plant.environ.items():
            environment.setenv(name, value)
        roughly(environment)
        runs = InProcess(Platform(warehouse, clock, lambda: [plant.site]), instance)
        with warehouse.begin() as connection:
            registry.register(connection, [plant.site], clock.now())
        runs.register([plant.site.key])
        yield Bench(runs, plant, clock)


@pytest.fixture(scope="module")
def filled(bench: Bench) -> Bench:
    """The two past days filled by range runs, in the order a backfill takes."""
    history.import_log(bench.runs, bench.site, bench.plant.history())
    for step in history.past_steps(bench.runs, bench.site, FIRST, TODAY - timedelta(days=1)):
        bench.runs.asset(step)
    history.know_the_present(bench.runs, bench.site)
    return bench
