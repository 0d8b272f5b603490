"""What a run worker does from the fork to its end, and how the launcher knows it again."""

import gc
import logging
import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ems_pipeline.orchestration.machinery.coordinator import SLOT_TAG

WORKER_TAG = ".dagster/ems_worker"
"""Hidden run tag that identifies the worker's process: boot, pid and start, so that a reused pid fools nobody."""
BATCH_NICENESS = 10
"""Runs that serve no slot give way on the processor."""
BATCH_OOM_SCORE = "500"
FEW_COLLECTIONS = 50_000
"""A worker is gone in seconds: looking through a fleet's readings every 700 objects took a tenth of a sweep."""
logger = logging.getLogger("ems_pipeline.launcher")


def load(repository: str) -> None:
    """Load a code location and all its jobs; called once before workers are forked.

    Args:
        repository: serialised `RepositoryPythonOrigin`.
    """
    from ems_pipeline.orchestration.machinery.dagster_private import (
        RepositoryPythonOrigin,
        deserialize_value,
        recon_repository_from_origin,
    )

    recon_repository_from_origin(deserialize_value(repository, RepositoryPythonOrigin)).get_definition().get_all_jobs()


def main(instance: str, run_id: str, asked_at: float, fault: str | None) -> None:
    """Execute one run to its end in this process.

    Args:
        instance: serialised `InstanceRef`, where Dagster's storage is.
        asked_at: ``time.time()`` when the launcher was asked; the delay is reported with the run.
        fault: why nothing was preloaded, if nothing was.
    """
    from dagster import DagsterInstance

    from ems_pipeline.orchestration.machinery import storage
    from ems_pipeline.orchestration.machinery.dagster_private import (
        InstanceRef,
        capture_interrupts,
        core_execute_run,
        deserialize_value,
        recon_job_from_origin,
    )

    gc.set_threshold(FEW_COLLECTIONS)
    storage.tables_exist = True  # the daemon, which asked for this run, uses them
    ref = deserialize_value(instance, InstanceRef)
    with capture_interrupts(), DagsterInstance.from_ref(ref) as dagster:
        # Written here and not by the launcher: two writers of a run's tags would undo each other.
        dagster.add_run_tags(run_id, {WORKER_TAG: identity(os.getpid())})
        run = dagster.get_run_by_id(run_id)
        if run is None or run.job_code_origin is None:
            raise LookupError(f"run {run_id} was deleted, or has no code, before its worker began")
        if SLOT_TAG not in run.tags:
            os.nice(BATCH_NICENESS)
            _go_first_when_memory_ends()
        _say_how_it_started(dagster, run, time.time() - asked_at, fault)
        stop = threading.Event()
        threading.Thread(target=_watch, args=(dagster, run_id, stop), name="watch", daemon=True).start()
        try:
            for _ in core_execute_run(recon_job_from_origin(run.job_code_origin), run, dagster, inject_env_vars=True):
                pass
        finally:
            stop.set()


def _go_first_when_memory_ends() -> None:
    """The kernel then ends a backfill before anything that reads or steers."""
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text(BATCH_OOM_SCORE, encoding="utf-8")


def _watch(dagster: Any, run_id: str, stop: threading.Event) -> None:
    """Interrupt this process when its run was cancelled: what makes "terminate" in the UI work."""
    from dagster import DagsterRunStatus

    over = (DagsterRunStatus.CANCELING, DagsterRunStatus.CANCELED, DagsterRunStatus.FAILURE)
    while not stop.wait(dagster.cancellation_thread_poll_interval_seconds):
        with suppress(Exception):  # a database that is away for a moment ends neither the run nor the watch
            run = dagster.get_run_by_id(run_id)
            if run is None or run.status in over:
                break
    if not stop.is_set():
        _interrupt()


def _interrupt() -> None:
    from ems_pipeline.orchestration.machinery.dagster_private import send_interrupt

    send_interrupt()


def _say_how_it_started(dagster: Any, run: Any, delay_s: float, fault: str | None) -> None:
    """A failed preload shows as slowness only: say it loudly, with every run."""
    if fault is None:
        dagster.report_engine_event(f"warm worker {os.getpid()}, {delay_s:.2f} s after the launch", run)
        return
    text = (
        f"cold worker {os.getpid()}, {delay_s:.2f} s after the launch: preloading failed in the fork server; "
        f"repair it, then reload the code location\n{fault}"
    )
    logger.error(text)
    dagster.report_engine_event(text, run)


def identity(pid: int) -> str:
    """``boot:pid:start`` of a live process; the start is empty when there is none (or it is a zombie)."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():  # macOS
        shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return f"{os.uname().nodename}:{pid}:{shown.stdout.strip()}"
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        stat = []
    start = "" if not stat or stat[0] == "Z" else stat[19]
    return f"{boot.read_text(encoding='utf-8').strip()}:{pid}:{start}"
