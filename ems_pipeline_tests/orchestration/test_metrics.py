"""What Prometheus is told: hand-made rows, known ages; what never happened has no sample."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.engine import make_url

from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.orchestration.installation import metrics
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms, arming, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.control.bench import empty, store_plan
from ems_pipeline_tests.readings import answers

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LABELS = ("site", "device", "state", "severity", "job", "database")
Samples = dict[tuple[str, ...], float]


@pytest.fixture
def ems(warehouse: Warehouse, home01: Site) -> Platform:
    empty(warehouse)
    with warehouse.begin() as connection:
        registry.register(connection, [home01], NOW - timedelta(days=2))
    return Platform(warehouse, SimulatedClock(NOW), lambda: [home01])


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def read(text: str) -> dict[str, Samples]:
    """Samples by metric and by the values of their labels, in the order of `LABELS`."""
    return {
        family.name: {
            tuple(sample.labels[label] for label in LABELS if label in sample.labels): sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families(text)
    }


def test_ages_are_those_of_the_rows(ems: Platform, home01: Site, instance: dg.DagsterInstance) -> None:
    seen = NOW - timedelta(seconds=90)
    setpoint = sa.text(
        """INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, reason, is_shadow, state, valid_until,
               intended_at, echoed_at) VALUES ('home01', 'inverter', :slot, 'plan', '{}', 'r', :shadow, :state, :slot
               + interval '20 min', :slot, :echoed)"""
    )
    store_plan(ems.warehouse, home01, NOW - timedelta(minutes=16), [])
    with ems.warehouse.begin() as connection:
        reading = Reading("inverter", "grid_power_w", "W", 1.0, seen, seen, Quality.GOOD)
        telemetry.store(connection, answers([("home01", reading)]))
        arming.arm(connection, "home01", NOW - timedelta(hours=1), "test")
        for hours, state, echoed, shadow in ((1, "superseded", True, False), (2, "failed", False, False),
                                             (3, "failed", False, False), (4, "failed", False, True),
                                             (25, "failed", False, False)):  # fmt: skip
            slot = NOW - timedelta(hours=hours)
            values = {"slot": slot, "state": state, "echoed": slot if echoed else None, "shadow": shadow}
            connection.execute(setpoint, values)
        connection.execute(
            sa.text("""INSERT INTO ems.device_health (site_key, device_key, state, last_attempt_at, error_streak)
                       VALUES ('home01', 'inverter', 'ok', :now, 0), ('home01', 'heat-pump', 'degraded', :now, 4)"""),
            {"now": NOW},
        )
        alarms.raise_alarm(connection, "home01", "reverted", "warning", "a", NOW, "inverter")
        alarms.raise_alarm(connection, "home01", "reverted", "warning", "b", NOW, "wallbox-1")
        alarms.raise_alarm(connection, None, "run-failed:x", "critical", "c", NOW)
    found = read(metrics.text(ems, instance))
    assert found["ems_telemetry_age_seconds"] == {("home01",): 90}
    assert found["ems_plan_age_seconds"] == {("home01",): 16 * 60}
    assert found["ems_planned_ahead_seconds"] == {("home01",): 90 * 60}  # eight quarter-hours from 11:30
    assert found["ems_setpoint_age_seconds"] == {("home01",): 3600}
    assert found["ems_armed"] == {("home01",): 1}
    assert found["ems_setpoints_last_day"] == {("home01", "confirmed"): 1, ("home01", "failed"): 2}
    assert found["ems_device_error_streak"] == {("home01", "inverter"): 0, ("home01", "heat-pump"): 4}
    standing = {key: count for key, count in found["ems_alarms_open"].items() if count}
    assert standing == {("home01", "warning"): 2, ("", "critical"): 1}
    assert found["ems_alarms_open"]["home01", "critical"] == 0
    assert found["ems_database_up"] == {("ems",): 1, ("dagster",): 1}


def test_what_never_happened_has_no_sample(ems: Platform, instance: dg.DagsterInstance) -> None:
    found = read(metrics.text(ems, instance))
    for name in ("telemetry_age", "plan_age", "planned_ahead", "setpoint_age"):
        assert found[f"ems_{name}_seconds"] == {}
    assert found["ems_armed"] == {("home01",): 0}
    assert found["ems_run_age_seconds"] == {}


def test_the_age_of_a_job_is_that_of_its_last_success(ems: Platform) -> None:
    with dg.instance_for_test() as instance:
        job = build_defs({"ems": ems}).resolve_job_def("sync_sites")
        assert job.execute_in_process(instance=instance).success
        (record,) = instance.get_run_records()
        assert record.end_time is not None
        later = Platform(ems.warehouse, SimulatedClock(datetime.fromtimestamp(record.end_time + 50, UTC)), list)
        found = read(metrics.text(later, instance))
    assert found["ems_run_age_seconds"] == {("sync_sites",): pytest.approx(50)}
    assert found["ems_run_start_lag_seconds"]["sync_sites",] >= 0
    assert found["ems_runs_waiting"] == {(): 0}


def test_a_database_that_is_away_is_a_sample_and_not_silence(instance: dg.DagsterInstance) -> None:
    gone = Warehouse(make_url("postgresql+psycopg://ems:geheim@127.0.0.1:1/ems"))
    found = read(metrics.text(Platform(gone, SimulatedClock(NOW), list), instance))
    assert found["ems_database_up"] == {("ems",): 0, ("dagster",): 1}
    assert "ems_run_age_seconds" in found
    assert "ems_telemetry_age_seconds" not in found


def test_scrapes_are_answered_on_this_machine_only(ems: Platform, instance: dg.DagsterInstance) -> None:
    with metrics.serving(ems, instance, 0) as (host, port):
        assert host == "127.0.0.1"
        with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10) as reply:
            assert "version=" in reply.headers["Content-Type"]
            assert "ems_database_up" in read(reply.read().decode())
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10)
