"""The daemon killed (SIGKILL) while the control op stands at a step: no slot is served, no register written twice.

A real daemon with the project's launcher and coordinator on PostgreSQL; the registers are those of the virtual plant.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy.engine import URL

from ems_pipeline import control
from ems_pipeline.orchestration import beats
from ems_pipeline.orchestration.machinery.coordinator import SLOT_TAG
from ems_pipeline.plant import running_plant
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT, SimulatedClock
from ems_pipeline.warehouse import Warehouse, arming
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.bench import without_gaps
from ems_pipeline_tests.control.conftest import NOON, Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM
from ems_pipeline_tests.orchestration.installation import Installation, installed, wait

pytestmark = pytest.mark.slow
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
LOCATION = Path(__file__).with_name("standing.py")
STEPS = ["intent committed, wire untouched", "half of the blocks on the wire", "written, not read back"]


@dataclass
class Running:
    """An installation that controls the demo site, at the instant a file names."""

    installation: Installation
    home: Bench

    def file(self, name: str) -> Path:
        """One of the files by which the op is told; `standing` says what they mean."""
        return self.installation.home / name

    def begin(self, slot: datetime) -> None:
        """A quarter-hour begins, with the plan of all of them; the sensor sees it by itself."""
        self.home.clock.wait_until(slot)
        self.home.plan(CHARGE, CAR, WARM)
        self.file("now").write_text(slot.isoformat(), encoding="utf-8")

    def stood(self) -> int:
        """The pid of the worker whose op stands where it was told to."""
        wait(self.file("standing").exists, lambda: str(self.installation.instance.get_runs(limit=3)))
        return int(self.file("standing").read_text(encoding="utf-8"))

    def served(self, slot: datetime) -> list[dg.DagsterRunStatus]:
        """How the runs of a quarter-hour ended."""
        of_slot = dg.RunsFilter(tags={SLOT_TAG: beats.stamp(slot)})
        runs = self.installation.instance.get_runs
        wait(
            lambda: bool(runs(of_slot)) and all(run.is_finished for run in runs(of_slot)),
            lambda: f"{slot} was not served: {runs(limit=3)}",
        )
        return [run.status for run in runs(of_slot)]

    def told(self) -> list[tuple[str, str, float]]:
        """Every value the plant saw written to a register, in order; a heartbeat is no setting."""
        return [told for told in self.home.written if told[1] != "ems_heartbeat"]


def once_each(told: list[tuple[str, str, float]]) -> bool:
    """Whether no register is written twice."""
    return len({(device, point) for device, point, _ in told}) == len(told)


@pytest.fixture(scope="module")
def running(
    warehouse: Warehouse, home01: Site, database_server: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("daemon-killed")
    clock = SimulatedClock(NOON)
    with (
        pytest.MonkeyPatch.context() as environment,
        running_plant(without_gaps(home01), clock, seed=3) as plant,
    ):
        url = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
        for name, value in {**plant.environ, "EMS_DATABASE_URL": url, "PYTHONPATH": str(ROOT)}.items():
            environment.setenv(name, value)
        with warehouse.begin() as connection:
            registry.register(connection, [plant.site], NOON)
            arming.arm(connection, plant.site.key, NOON, "test")
        home = Bench(plant, warehouse, clock)
        home.listen()
        (folder / "now").write_text((NOON - SLOT / 2).isoformat(), encoding="utf-8")
        monitoring = {"poll_interval_seconds": 1}
        with installed(database_server, folder, location=LOCATION, run_monitoring=monitoring) as made:
            yield Running(made, home)


@pytest.fixture
def slot(running: Running) -> Iterator[datetime]:
    """A quarter-hour of the test's own, half an hour after the last one; devices and journal know nothing before it."""
    home = running.home
    home.advance(minutes=30)
    now = home.clock.now()
    control.release_site(home.warehouse, home.site, now, home.clock, "test", every_device=True)
    bench.empty(home.warehouse)
    with home.warehouse.begin() as connection:
        arming.arm(connection, home.site.key, now, "test")
    for name in ("standing", "go-on", "stand-at"):
        running.file(name).unlink(missing_ok=True)
    home.written.clear()
    yield now
    running.file("go-on").touch()


@pytest.mark.parametrize("step", STEPS)
def test_the_op_goes_on_without_the_daemon_and_the_next_daemon_writes_nothing_twice(
    running: Running, slot: datetime, step: str
) -> None:
    running.file("stand-at").write_text(step, encoding="utf-8")
    running.begin(slot)
    running.stood()
    running.installation.kill("daemon")
    running.installation.start("daemon")
    running.file("go-on").touch()
    assert running.served(slot) == [SUCCESS]
    first = running.told()
    assert first
    assert once_each(first), first
    running.begin(slot + SLOT)
    assert running.served(slot + SLOT) == [SUCCESS]
    assert running.served(slot) == [SUCCESS], "the restarted daemon asked for the slot again"
    again = running.told()[len(first) :]
    assert once_each(again), again
    assert not set(again) & set(first), "what stands is not written again; the voltage of a new quarter-hour may differ"
    assert running.home.states("inverter") == ["superseded", "echoed"]


@pytest.mark.parametrize("step", STEPS)
def test_what_dies_with_the_daemon_is_recovered_by_the_next_slot(running: Running, slot: datetime, step: str) -> None:
    """The worker is killed, too: its run is failed by the restarted daemon, the next slot writes what is missing."""
    running.file("stand-at").write_text(step, encoding="utf-8")
    running.begin(slot)
    worker = running.stood()
    running.installation.kill("daemon")
    os.kill(worker, signal.SIGKILL)
    first = running.told()
    assert bool(first) == (step != STEPS[0])
    assert once_each(first), first
    running.installation.start("daemon")
    assert running.served(slot) == [FAILURE]
    assert running.told() == first, "a run that writes to hardware is never repeated"
    running.begin(slot + SLOT)
    assert running.served(slot + SLOT) == [SUCCESS]
    again = running.told()[len(first) :]
    assert once_each(again), again
    assert not set(again) & set(first), "a point that took its value is not written again"
    wanted = running.home.wanted
    assert all(wanted(device, point) == value for device, point, value in again), "no contradictory value"
    assert running.home.held("inverter")["grid_charge_enable"] == 1
    assert running.home.held("wallbox-1")["current_limit"] == 10
    *former, last = running.home.states("inverter")
    assert last == "echoed"
    assert set(former) <= {"failed", "superseded"}, former
