"""What runs inside a forked run worker, and what the fork server imports beforehand.

The fork server imports this module once (`preload`), so that a worker starts in a quarter of a second instead of three.
Only imports may happen before the fork: a thread, a connection or a polars query started there would not survive it.
"""

import logging
import sys
import time
from typing import Any

PRELOADED = "ems_pipeline.preload"
logger = logging.getLogger("ems_pipeline.launcher")


def main(instance_ref: Any, run_id: str, asked_at: float) -> None:
    """Execute one run to its end in this process.

    Args:
        instance_ref: where Dagster's storage is.
        asked_at: ``time.time()`` when the launcher was asked; the delay is reported with the run.
    """
    is_warm = PRELOADED in sys.modules
    from dagster._cli.api import _execute_run_command_body
    from dagster._core.execution.run_cancellation_thread import start_run_cancellation_thread
    from dagster._core.instance import DagsterInstance
    from dagster._utils.interrupts import capture_interrupts

    from ems_pipeline.orchestration.instance import keep_connections

    with capture_interrupts(), DagsterInstance.from_ref(instance_ref) as instance:
        keep_connections(instance)
        _say_how_it_started(instance, run_id, is_warm, time.time() - asked_at)
        # Open-source Dagster never starts this thread itself; it is what makes "terminate" in the UI work.
        _, stop = start_run_cancellation_thread(instance, run_id)
        try:
            _execute_run_command_body(run_id, instance, lambda _: None, set_exit_code_on_failure=False)
        finally:
            stop.set()


def _say_how_it_started(instance: Any, run_id: str, is_warm: bool, delay_s: float) -> None:
    """A failed preload is swallowed by the fork server and only shows as slowness: say it loudly."""
    run = instance.get_run_by_id(run_id)
    if is_warm:
        instance.report_engine_event(f"warm worker, {delay_s:.2f} s after the launch", run)
        return
    text = (
        f"cold worker, {delay_s:.2f} s after the launch: importing {PRELOADED} failed in the fork server; "
        "try `python -c 'import ems_pipeline.preload'`, repair it, then restart the daemon"
    )
    logger.error(text)
    instance.report_engine_event(text, run)
