"""Housekeeping, nightly: Dagster's runs, which nothing else deletes (1,440 a day), old minutes, old requests."""

from datetime import datetime, timedelta

import dagster as dg

from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import retention
from ems_pipeline.warehouse.holders import InTheWay, begin_without_waiting

CLOCK_JOBS = {
    "read_telemetry": timedelta(days=2),
    "verify_setpoints": timedelta(days=2),
    "apply_control": timedelta(days=14),
    "sync_sites": timedelta(days=2),
    "sync_bitrix": timedelta(days=2),
    "check_maintenance": timedelta(days=14),
}
"""How long runs of clock jobs are kept. Asset runs stay: deleting one makes its partition missing again."""
BATCH = 500
KEEP_ASKED = timedelta(days=400)
"""A year and the weeks in which somebody looks back on it."""
TRIES, PAUSE = 4, timedelta(seconds=70)
"""For minutes that somebody reads: longer than a reader's login may be idle in a transaction (`warehouse.roles`)."""
LOCK_S = 1


@dg.op(out=dg.Out(dg.Nothing))
def purge_history(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Delete finished runs of clock jobs that are older than they are kept for."""
    finished = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    for job, kept in CLOCK_JOBS.items():
        old, deleted = dg.RunsFilter(job_name=job, statuses=finished, created_before=ems.clock.now() - kept), 0
        while records := context.instance.get_run_records(old, limit=BATCH):
            for record in records:
                context.instance.delete_run(record.dagster_run.run_id)
            deleted += len(records)
        context.log.info(f"{job}: {deleted} runs older than {kept} deleted")


@dg.op(out=dg.Out(dg.Nothing))
def drop_old_minutes(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Drop minutes of telemetry older than ``EMS_KEEP_MINUTES_DAYS``, their quarter-hours being kept for ever."""
    before = ems.clock.now() - retention.kept_for()
    with ems.warehouse.begin() as connection:
        kept = retention.keep_quarter_hours(connection, before)
    dropped = _dropped(ems, before)
    context.log.info(f"minutes before {before:%Y-%m-%d}: {', '.join(dropped) or 'none'} dropped, {kept} means computed")


@dg.op(out=dg.Out(dg.Nothing))
def drop_old_requests(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Delete what was asked for over HTTP, and by whom, after `KEEP_ASKED`."""
    with ems.warehouse.begin() as connection:
        gone = retention.drop_asked(connection, ems.clock.now() - KEEP_ASKED)
    context.log.info(f"{gone} requests and rows of the log of writes older than {KEEP_ASKED.days} days deleted")


def _dropped(ems: Platform, before: datetime) -> list[str]:
    for _ in range(TRIES - 1):
        try:
            with begin_without_waiting(ems.warehouse, LOCK_S) as connection:
                return retention.drop_minutes(connection, before)
        except InTheWay:
            ems.clock.wait_until(ems.clock.now() + PAUSE)
    with begin_without_waiting(ems.warehouse, LOCK_S) as connection:
        return retention.drop_minutes(connection, before)
