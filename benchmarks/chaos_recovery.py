"""What has not come back by itself: runs nobody ends, daemons without a heartbeat, alarms nobody clears."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

from ems_pipeline.orchestration.machinery.worker import WORKER_TAG, identity
from ems_pipeline.orchestration.troubles import FAILED
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline.warehouse.frames import query

MONITORED_S = 30.0
"""Dagster looks after runs every ten seconds."""
QUEUED_S = 600.0
LONGEST_RUN_S = 1800.0
STARTING_S = 60.0
NOTICED = timedelta(minutes=1)
"""Alarms of jobs that work again are ended every fifteen seconds."""
OLD = timedelta(minutes=20)
"""A quarter-hour of control, its effect, and some."""


def runs_left(instance: dg.DagsterInstance) -> list[str]:
    """Runs that are not finished and should be: beyond their longest time, or without a living worker."""
    statuses = [*IN_PROGRESS_RUN_STATUSES, dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.NOT_STARTED]
    told = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=[*statuses, dg.DagsterRunStatus.QUEUED])):
        run, now = record.dagster_run, time.time()
        age_s = now - (record.start_time or record.create_timestamp.timestamp())
        longest_s = float(run.tags.get("dagster/max_runtime", LONGEST_RUN_S))
        if run.status is dg.DagsterRunStatus.QUEUED:
            longest_s = QUEUED_S
        elif run.status is not dg.DagsterRunStatus.STARTED:
            longest_s = STARTING_S
        tag = run.tags.get(WORKER_TAG)
        is_dead = tag is not None and identity(int(tag.split(":")[1])) != tag and age_s > MONITORED_S
        if age_s > longest_s + MONITORED_S or is_dead:
            dead = ", its worker is dead" if is_dead else ""
            told.append(f"run {run.run_id[:8]} of {run.job_name} is {run.status.value} for {age_s:.0f} s{dead}")
    return told


def daemons_down(instance: dg.DagsterInstance) -> list[str]:
    """Daemons without a recent heartbeat."""
    found = instance.get_daemon_statuses()
    return [f"daemon {kind} is not healthy: {status}" for kind, status in found.items() if not status.healthy]


def alarms_nobody_ends(warehouse: Warehouse, instance: dg.DagsterInstance) -> tuple[list[str], list[str]]:
    """Open alarms whose trouble is over and that stand all the same; and those that stand rightly."""
    with warehouse.begin() as connection:
        found = alarms.open_alarms(connection)
        good = query(
            connection,
            """SELECT site_key, device_key, kind_ended, max(at) AS at FROM (
                   SELECT site_key, device_key, 'setpoint-failed' AS kind_ended, echoed_at AS at FROM ems.setpoint
                   UNION ALL SELECT site_key, device_key, 'release-failed', ended_at FROM ems.setpoint
                             WHERE state = 'released'
                   UNION ALL SELECT site_key, device_key, kind, effective_at FROM ems.setpoint,
                             (VALUES ('reverted'), ('no-effect')) AS k (kind)) s
               WHERE at IS NOT NULL GROUP BY 1, 2, 3""",
        )
    stuck, standing = [], []
    for alarm in found.iter_rows(named=True):
        text = f"alarm {alarm['kind']} {alarm['device_key'] or ''} since {alarm['raised_at']:%H:%M:%S}: {alarm['text']}"
        ended = _over_since(alarm, good, instance)
        now = datetime.now(UTC)
        if ended is not None and now - ended > NOTICED:
            stuck.append(f"{text}; over since {ended:%H:%M:%S}")
        elif ended is None and now - alarm["last_at"] > OLD:
            stuck.append(f"{text}; nothing of it for {(now - alarm['last_at']).total_seconds() / 60:.0f} min")
        else:
            standing.append(text)
    return stuck, standing


def _over_since(alarm: dict[str, Any], good: pl.DataFrame, instance: dg.DagsterInstance) -> datetime | None:
    """When the trouble of an alarm ended, if it did."""
    if alarm["kind"].startswith(FAILED):
        worked = dg.RunsFilter(
            job_name=alarm["kind"].removeprefix(FAILED),
            statuses=[dg.DagsterRunStatus.SUCCESS],
            created_after=alarm["last_at"],
        )
        ends = [r.end_time for r in instance.get_run_records(worked) if r.end_time is not None]
        return datetime.fromtimestamp(min(ends), UTC) if ends else None
    of = good.filter(
        pl.col("site_key") == alarm["site_key"],
        pl.col("device_key") == alarm["device_key"],
        pl.col("kind_ended") == alarm["kind"],
        pl.col("at") > alarm["last_at"],
    )
    return of["at"][0] if of.height else None
