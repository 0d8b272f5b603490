"""Trouble becomes an alarm, and an alarm becomes known: once, by every way there is to people.

Both sensors work in the daemon's own processes, not in a run: that runs do not start is what people must hear of.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import notify
from ems_pipeline.orchestration.platform import PlatformResource
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import alarms

FAILED = "run-failed:"
"""How the kind of a failed run's alarm begins; the name of its job follows."""
FAILED_ASSET = "asset-failed:"
"""The same of a run by hand, which has no job of its own; the name of the asset that failed follows."""
BY_HAND = "__ASSET_JOB"
"""The job of every run that materialises assets from the UI, from a backfill or by `ems backfill`."""
REQUEST_TAG = "ems/request"
"""On a run that somebody asked for over HTTP: the number of the request, whose answer says what went wrong."""


OURS = re.compile(r"^(dagster\._core\.definitions\.events\.Failure|ems_pipeline\.[\w.]+): ")
"""Errors that speak for themselves; of others the kind says more than the text (``KeyError: 'x'``)."""


def reason(error: Any) -> str:
    """What went wrong in a step, in the words of whoever noticed it first."""
    return OURS.sub("", (error.cause or error).message.strip())


def reasons(events: Iterable[dg.DagsterEvent]) -> list[str]:
    """The same of failed steps, those that left one."""
    errors = [event.step_failure_data.error for event in events]
    return [reason(error) for error in errors if error is not None]


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    monitor_all_code_locations=False,
    description="Files an alarm for every failed run that the clock or a person in the UI asked for.",
)
def failures(context: dg.RunFailureSensorContext) -> None:
    """Files an alarm for every failed run, with the first line of its error; who asked over HTTP is told there."""
    if REQUEST_TAG in context.dagster_run.tags:
        return
    platform = PlatformResource().create_resource(dg.build_init_resource_context())
    events = context.get_step_failure_events()
    said = reasons(events)
    text = (said[0] if said else str(context.failure_event.message).strip()).splitlines()[0]
    with platform.warehouse.begin() as connection:
        for kind in _kinds(context.dagster_run, [str(event.step_key) for event in events]):
            alarms.raise_alarm(connection, None, kind, "warning", text, platform.clock.now())


def _kinds(run: dg.DagsterRun, failed_steps: list[str]) -> list[str]:
    """What failed: the job, or of a run by hand the assets; one that failed as a whole failed for them all."""
    if run.job_name != BY_HAND:
        return [FAILED + run.job_name]
    selected = [key.to_user_string() for key in run.asset_selection or ()]
    return [FAILED_ASSET + name for name in sorted(failed_steps or selected)] or [FAILED + BY_HAND]


@dg.sensor(
    name="alarm_notices",
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends the alarms of failed jobs that work again, and tells people of every open alarm once.",
)
def alarm_notices(context: dg.SensorEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
    """Ends the alarms of failed jobs that work again, and tells people of every open alarm once."""
    with ems.warehouse.begin() as connection:
        found = alarms.open_alarms(connection)
        worked = [alarm["kind"] for alarm in found.iter_rows(named=True) if _works_again(context.instance, alarm)]
        for kind in worked:
            alarms.clear(connection, None, kind, ems.clock.now())
    standing = [_notice(alarm) for alarm in found.filter(~pl.col("kind").is_in(worked)).iter_rows(named=True)]
    told, faults = notify.deliver(notify.from_environment(), standing, json.loads(context.cursor or "{}"))
    context.update_cursor(json.dumps(told))
    for fault in faults:
        context.log.warning(f"not told, tried again: {fault}")
    return dg.SkipReason("; ".join(faults) or f"{len(standing)} alarms are open, and told")


def _works_again(instance: dg.DagsterInstance, alarm: dict[str, Any]) -> bool:
    """Whether a run of what the alarm is about was asked for after its last failure and succeeded."""
    by_hand = alarm["kind"].startswith(FAILED_ASSET)
    if not by_hand and not alarm["kind"].startswith(FAILED):
        return False
    succeeded = dg.RunsFilter(
        job_name=BY_HAND if by_hand else alarm["kind"].removeprefix(FAILED),
        statuses=[dg.DagsterRunStatus.SUCCESS],
        created_after=alarm["last_at"],
    )
    if not by_hand:
        return bool(instance.get_run_records(succeeded, limit=1))
    asset = dg.AssetKey(alarm["kind"].removeprefix(FAILED_ASSET))
    return any(asset in (run.asset_selection or ()) for run in instance.get_runs(succeeded))


def _notice(alarm: dict[str, Any]) -> notify.Notice:
    return notify.Notice(
        alarm["alarm_id"],
        alarm["severity"],
        alarm["site_key"] or "",
        alarm["device_key"] or "",
        alarm["kind"],
        alarm["text"],
        alarm["raised_at"],
    )
