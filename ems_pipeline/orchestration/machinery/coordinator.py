"""Who waits and who does not: clock work starts the moment its sensor asks, everything else queues.

The queue is polled once a second and holds what a backfill of a year puts into it; a minute of telemetry or the
set-points of a quarter-hour must not stand in it. Named in `dagster.yaml`.
"""

from dagster import DagsterRun, DagsterRunStatus

from ems_pipeline.orchestration.machinery.dagster_private import QueuedRunCoordinator, SubmitRunContext

SLOT_TAG = "ems/slot"
"""On every run of clock work: the slot it serves, as its sensor named it."""
ASKED_TAG = "ems/asked"
"""On every control run: when its sensor asked for it."""
ANEW_TAG = "ems/anew"
"""On a control run of a slot that had one before, without a plan or before an arm, a start or a reload: since when."""
AGAIN_TAG = "dagster/parent_run_id"
BY_HAND = "__ASSET_JOB"
"""How Dagster calls the job of assets that somebody materialises in the UI, backfills among them."""
AGAIN_AFTER_A_CRASH = {"dagster/max_retries": "2", "dagster/retry_strategy": "ALL_STEPS"}
"""Assets say the same when they are made again, and what a worker that was killed left undone nobody else does.
An error of the code itself repeats nothing (`retry_on_asset_or_op_failure` in `dagster.yaml`)."""


class ClockFirstRunCoordinator(QueuedRunCoordinator):
    """Launches runs of clock work where they are submitted (the daemon, which evaluates sensors), queues the others.

    What runs counts against the limits of the queue all the same, so batch work waits for clock work and never the
    other way round. Clock work needs no limit of its own: a sensor asks once per slot, and each run has a longest time.
    """

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Launch or enqueue; a run repeated by hand in the UI queues like any other."""
        run = context.dagster_run
        if SLOT_TAG in run.tags and AGAIN_TAG not in run.tags and run.status is DagsterRunStatus.NOT_STARTED:
            return self._instance.launch_run(run.run_id, context.workspace)
        if run.job_name.startswith(BY_HAND) and not AGAIN_AFTER_A_CRASH.keys() & run.tags.keys():
            self._instance.add_run_tags(run.run_id, AGAIN_AFTER_A_CRASH)
        return super().submit_run(context)
