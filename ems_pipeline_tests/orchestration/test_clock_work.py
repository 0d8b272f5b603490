"""Sensors and schedules ask once per slot, and an op that comes too late refuses to touch hardware."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from ems_pipeline.orchestration import beats, schedules, sensors
from ems_pipeline.orchestration.beats import Beat
from ems_pipeline.orchestration.machinery.coordinator import SLOT_TAG
from ems_pipeline.orchestration.machinery.in_process import InProcess, RunFailed
from ems_pipeline.orchestration.requests import RANGE_END, RANGE_START
from ems_pipeline.sites import PlanningPolicy, Site
from ems_pipeline.sites.planner import Challenger
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse import sites as registry

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)

EVERY_SENSOR = pytest.mark.parametrize(
    ("sensor", "beat"),
    [
        (sensors.telemetry_sensor, beats.TELEMETRY),
        (sensors.verification_sensor, beats.VERIFICATION),
        (sensors.control_sensor, beats.CONTROL),
        (sensors.planning_sensor, beats.PLAN),
    ],
    ids=lambda value: getattr(value, "name", ""),
)


@dataclass
class Daemon:
    """What the daemon does with a sensor: keep its cursor, look again."""

    platform: Platform
    instance: dg.DagsterInstance
    clock: SimulatedClock

    def __post_init__(self) -> None:
        self.cursors: dict[str, str | None] = {}

    def look(self, sensor: dg.SensorDefinition, at: datetime) -> list[dg.RunRequest]:
        self.clock.wait_until(at)
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(sensor.name), resources={"ems": self.platform}
        )
        asked = sensor(context)
        self.cursors[sensor.name] = context.cursor
        found = asked if isinstance(asked, list) else [asked]
        return [request for request in found if isinstance(request, dg.RunRequest)]


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """One on disk: schedules open it again by its address."""
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def daemon(warehouse: Warehouse, home01: Site, instance: dg.DagsterInstance) -> Daemon:
    """A site whose plans are challenged, so that every schedule has something to ask for."""
    clock, planning = SimulatedClock(NOON), PlanningPolicy(challenger=Challenger(key="loose", gap=0.2))
    site = home01.model_copy(update={"planning": planning})
    with warehouse.begin() as connection:
        registry.register(connection, [site], NOON)
    instance.add_dynamic_partitions("site", [site.key])
    return Daemon(Platform(warehouse, clock, lambda: [site]), instance, clock)


@EVERY_SENSOR
def test_a_sensor_looked_at_every_ten_seconds_asks_once_per_slot_the_moment_it_is_due(
    daemon: Daemon, sensor: dg.SensorDefinition, beat: Beat
) -> None:
    keys, asked_at = [], []
    for at in (NOON + 10 * SECOND * i for i in range(6 * 60)):
        for request in daemon.look(sensor, at):
            keys.append(request.run_key)
            asked_at.append(daemon.clock.now())
            assert str(request.run_key).startswith(f"{beat.job}-{request.tags[SLOT_TAG]}")
    assert len(set(keys)) == len(keys)
    assert asked_at[0] == NOON, "the slot that runs is served before the next is waited for"
    last_look = NOON + timedelta(hours=1) - 10 * SECOND
    assert asked_at[1:] == [beat.due(slot) for slot in beat.slots(NOON + SECOND, last_look + sensors.LOOK_AHEAD)]


def test_the_plan_is_asked_for_a_minute_before_the_quarter_hour_it_begins_with(daemon: Daemon) -> None:
    daemon.look(sensors.planning_sensor, NOON)
    assert daemon.look(sensors.planning_sensor, NOON + 13 * MINUTE) == []
    (request,) = daemon.look(sensors.planning_sensor, NOON + 14 * MINUTE)
    assert "20260301T1215Z" in str(request.run_key)


def test_a_sensor_that_slept_catches_up_on_nothing(daemon: Daemon) -> None:
    daemon.look(sensors.telemetry_sensor, NOON)
    assert len(daemon.look(sensors.telemetry_sensor, NOON + timedelta(hours=3))) == 1


def test_a_restart_that_forgot_the_cursor_asks_for_the_same_run_again(daemon: Daemon) -> None:
    """The run key is what keeps the daemon from starting it twice."""
    (first,) = daemon.look(sensors.control_sensor, NOON + SECOND)
    daemon.cursors.clear()
    (again,) = daemon.look(sensors.control_sensor, NOON + 30 * SECOND)
    assert again.run_key == first.run_key


def evaluate(daemon: Daemon, schedule: Any, at: datetime) -> list[dg.RunRequest]:
    daemon.clock.wait_until(at)
    with dg.build_schedule_context(
        instance=daemon.instance, scheduled_execution_time=at, resources={"ems": daemon.platform}
    ) as context:
        return list(schedule.evaluate_tick(context).run_requests or [])


@pytest.mark.parametrize("schedule", schedules.ALL, ids=lambda schedule: schedule.name)
def test_a_schedule_evaluated_twice_at_one_instant_asks_for_one_run(daemon: Daemon, schedule: Any) -> None:
    asked = evaluate(daemon, schedule, NOON + timedelta(hours=1, minutes=5))
    again = evaluate(daemon, schedule, NOON + timedelta(hours=1, minutes=5))
    assert len(asked) == 1
    assert [request.run_key for request in again] == [request.run_key for request in asked]


def test_settlement_of_the_night_covers_the_local_yesterday(daemon: Daemon) -> None:
    (schedule,) = [s for s in schedules.ALL if s.name == "audit_yesterday"]
    (request,) = evaluate(daemon, schedule, datetime(2026, 3, 1, 23, 20, tzinfo=UTC))  # 00:20 on 2 March in Prague
    assert request.tags[RANGE_START] == request.tags[RANGE_END] == "2026-03-01|home01"


def test_an_unregistered_site_is_not_asked_for(daemon: Daemon) -> None:
    daemon.instance.delete_dynamic_partition("site", "home01")
    assert daemon.look(sensors.planning_sensor, NOON + 14 * MINUTE) == []


def test_a_control_run_that_comes_too_late_touches_nothing(daemon: Daemon) -> None:
    daemon.clock.wait_until(NOON + 6 * MINUTE)
    runs = InProcess(daemon.platform, daemon.instance)
    with pytest.raises(RunFailed, match="too late to act on it"):
        runs.job(dg.RunRequest(job_name="apply_control"))
    with daemon.platform.warehouse.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM ems.setpoint")).scalar_one() == 0


def test_a_site_whose_gateways_are_dead_is_rows_with_reasons_and_a_green_run(daemon: Daemon) -> None:
    dead = daemon.platform.sites()[0]
    nowhere = {"host": "127.0.0.1", "timeout_s": 0.2}
    gateways = tuple(g.model_copy(update=nowhere | {"port": i}) for i, g in enumerate(dead.gateways, 9))
    with daemon.platform.warehouse.begin() as connection:
        registry.register(connection, [dead.model_copy(update={"gateways": gateways})], NOON + MINUTE)
    daemon.clock.wait_until(NOON + 2 * MINUTE)
    InProcess(daemon.platform, daemon.instance).job(dg.RunRequest(job_name="read_telemetry"))
    with daemon.platform.warehouse.begin() as connection:
        bad = connection.execute(
            sa.text("SELECT count(*), count(value), count(reason) FROM ems.telemetry WHERE reported_at >= :noon"),
            {"noon": NOON},
        ).one()
        streaks = connection.execute(sa.text("SELECT min(error_streak), count(*) FROM ems.device_health")).one()
    assert bad[0] > 0
    assert bad[1] == 0
    assert bad[2] == bad[0]
    assert streaks[0] >= 1
    assert streaks[1] == len(dead.devices)
