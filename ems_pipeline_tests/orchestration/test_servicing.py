"""Meters go on and services fall due on the clock; a run is asked for where an alert changes, and at no other time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
import pytest

from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.orchestration.servicing import maintenance_check
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms, maintenance
from ems_pipeline_tests.warehouse.serviced import NOW, begin, last, yard

START = NOW - timedelta(days=1)
HALF_MINUTE = timedelta(seconds=30)


@dataclass
class Daemon:
    """What the daemon does: look, keep the cursor, and run what was asked for."""

    platform: Platform
    instance: dg.DagsterInstance
    cursor: str | None = None
    asked: bool = False

    def look(self, at: datetime) -> list[str]:
        """Kinds of open alarms after a look, and after the run where it asked for one."""
        self.platform.clock.advance_to(at)  # type: ignore[attr-defined]
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor, resources={"ems": self.platform})
        asked = maintenance_check(context)
        self.cursor = context.cursor
        if isinstance(asked, dg.RunRequest):
            job = build_defs({"ems": self.platform}).resolve_job_def("check_maintenance")
            assert job.execute_in_process(instance=self.instance).success
        self.asked = isinstance(asked, dg.RunRequest)
        with self.platform.warehouse.begin() as connection:
            return alarms.open_alarms(connection)["kind"].to_list()


@pytest.fixture
def daemon(warehouse: Warehouse, home01: Site) -> Iterator[Daemon]:
    """A set whose services were all done at 1000 h, and that has run 1195 h."""
    with warehouse.begin() as connection:
        template = begin(connection, yard(home01), START)
        done = last(TO_1=(1000, 10), TO_2=(1000, 10), TO_3=(1000, 10), TO_4=(1000, 10))
        maintenance.put_plan(connection, "yard", "gen-1", template, done)
        connection.exec_driver_sql(f"INSERT INTO ems.genset_reading VALUES ('yard', 'gen-1', 1195, '{START}')")
    with dg.instance_for_test() as instance:
        yield Daemon(Platform(warehouse, SimulatedClock(START), list), instance)


def shows(daemon: Daemon, hours: float, at: datetime) -> None:
    with daemon.platform.warehouse.begin() as connection:
        connection.exec_driver_sql(f"UPDATE ems.genset_reading SET run_hours = {hours}, taken_at = '{at}'")


def test_a_service_that_falls_due_is_told_within_a_look_and_asked_for_once(daemon: Daemon) -> None:
    assert daemon.look(START) == []
    at = START + timedelta(hours=6)
    shows(daemon, 1201, at)
    assert daemon.look(at) == ["maintenance-warning:gen-1.TO-1"]
    assert daemon.asked
    for look in range(1, 4):
        daemon.look(at + look * HALF_MINUTE)
        assert not daemon.asked


def test_a_service_that_is_done_is_told_no_more(daemon: Daemon) -> None:
    daemon.look(START)
    at = START + timedelta(hours=6)
    shows(daemon, 1201, at)
    daemon.look(at)
    with daemon.platform.warehouse.begin() as connection:
        maintenance.acting_for(connection, "anna")
        order = maintenance.make_order(connection, "yard", "gen-1", "TO-1", at)
        maintenance.answer_all(connection, order)
        assert maintenance.complete(connection, order, None, at) == ["TO-1"]
    assert daemon.look(at + HALF_MINUTE) == []
    assert daemon.asked


def test_hours_that_go_on_ask_for_no_run(daemon: Daemon) -> None:
    daemon.look(START)
    for hour in range(1, 4):
        shows(daemon, 1195 + hour, START + timedelta(hours=hour))
        daemon.look(START + timedelta(hours=hour))
        assert not daemon.asked
    with daemon.platform.warehouse.begin() as connection:
        assert maintenance.meters(connection, "yard")["hours"].to_list() == [1198]
