"""Housekeeping of Dagster's own storage: nothing else ever deletes runs (1,440 telemetry runs a day, 20 MB)."""

from datetime import timedelta

import dagster as dg

from ems_pipeline.orchestration.platform import Platform

CLOCK_JOBS = {
    "read_telemetry": timedelta(days=2),
    "verify_setpoints": timedelta(days=2),
    "apply_control": timedelta(days=14),
    "sync_sites": timedelta(days=2),
}
"""How long runs of clock jobs are kept. Asset runs stay: deleting one makes its partition missing again."""
BATCH = 2_000


@dg.op(out=dg.Out(dg.Nothing))
def purge_history(context: dg.OpExecutionContext, ems: dg.ResourceParam[Platform]) -> None:
    """Delete finished runs of clock jobs that are older than they are kept for."""
    finished = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    for job, kept in CLOCK_JOBS.items():
        records = context.instance.get_run_records(
            dg.RunsFilter(job_name=job, statuses=finished, created_before=ems.clock.now() - kept), limit=BATCH
        )
        for record in records:
            context.instance.delete_run(record.dagster_run.run_id)
        context.log.info(f"{job}: {len(records)} runs older than {kept} deleted")
