"""Nightly housekeeping: runs of clock work go after days, runs of assets stay, and old minutes go with their months."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.orchestration import housekeeping
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, retention, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.readings import answers

LONG_AGO = datetime(2024, 1, 14, 11, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def keep_house(warehouse: Warehouse, instance: dg.DagsterInstance, later: timedelta) -> None:
    clock = SimulatedClock(datetime.now(UTC) + later)
    InProcess(Platform(warehouse, clock, list), instance).job(dg.RunRequest(job_name="housekeeping"))


def ended(instance: dg.DagsterInstance, job: str) -> str:
    run = instance.create_run_for_job(dg.JobDefinition(name=job, graph_def=dg.GraphDefinition(name=job)))
    for kind in ("PIPELINE_START", "PIPELINE_SUCCESS"):
        instance.report_dagster_event(dg.DagsterEvent(kind, job), run.run_id)
    return run.run_id


def test_runs_of_clock_work_go_after_their_days_and_runs_of_assets_stay(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    minute, control, asset = (ended(instance, job) for job in ("read_telemetry", "apply_control", "plan_daily"))
    keep_house(warehouse, instance, later=housekeeping.CLOCK_JOBS["read_telemetry"] - timedelta(minutes=1))
    assert {minute, control, asset} <= {run.run_id for run in instance.get_runs()}
    keep_house(warehouse, instance, later=housekeeping.CLOCK_JOBS["read_telemetry"] + DAY)
    left = {run.run_id for run in instance.get_runs()}
    assert minute not in left
    assert {control, asset} <= left


def test_requests_that_ended_and_the_log_of_writes_go_after_more_than_a_year(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    now = datetime.now(UTC)
    with warehouse.begin() as connection:
        for days, state in ((402, "done"), (402, "queued"), (300, "done")):
            at = now - timedelta(days=days)
            connection.execute(
                sa.text(
                    """INSERT INTO ems.request (kind, requested_by, requested_at, state, ended_at, problem)
                       VALUES ('prices-import', 'anna', :at, :state, CASE WHEN :state = 'done' THEN :at END, :age)"""
                ),
                {"at": at, "state": state, "age": str(days)},
            )
            connection.execute(
                sa.text(
                    """INSERT INTO ems.web_write (at, request_id, who, address, method, path, outcome)
                       VALUES (:at, gen_random_uuid(), 'anna', '-', 'POST', '/', 'done')"""
                ),
                {"at": at},
            )
    keep_house(warehouse, instance, later=timedelta(0))
    with warehouse.begin() as connection:
        left = query(connection, "SELECT problem, state FROM ems.request ORDER BY 1")
        assert left.rows() == [("300", "done"), ("402", "queued")]
        assert query(connection, "SELECT count(*) FROM ems.web_write").item() == 1
        with pytest.raises(sa.exc.DBAPIError, match="is still needed"):
            retention.drop_asked(connection, now - timedelta(days=89))


def test_old_minutes_go_and_their_quarter_hours_stay(
    warehouse: Warehouse, instance: dg.DagsterInstance, home01: Site
) -> None:
    reading = Reading("inverter", "pv_power_w", "W", 1500.0, LONG_AGO, LONG_AGO, Quality.GOOD, "")
    with warehouse.begin() as connection:
        registry.register(connection, [home01], LONG_AGO)
        telemetry.store(connection, answers([(home01.key, reading)]))
    keep_house(warehouse, instance, later=timedelta(0))
    with warehouse.begin() as connection:
        assert query(connection, "SELECT 1 AS one FROM ems.telemetry").is_empty()
        kept = query(connection, "SELECT starts_at, last_value FROM ems.telemetry_15m")
    assert kept.rows() == [(LONG_AGO, 1500.0)]
