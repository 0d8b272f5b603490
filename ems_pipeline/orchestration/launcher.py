"""Runs start warm: each is forked from a server that has already imported everything.

Dagster's own launcher spawns an interpreter per run, 2.6 s and a core each time; with a run a minute that is most of a
small machine. Named in `dagster.yaml`; the webserver imports this module too (to cancel runs), so it stays light.
"""

import multiprocessing
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dagster import DagsterRun
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClass
from dagster._serdes.config_class import ConfigurableClassData

from ems_pipeline.orchestration import worker

WORKER_TAG = ".dagster/ems_worker"
"""Hidden run tag that identifies the worker's process: boot, pid and start, so that a reused pid fools nobody."""


class WarmRunLauncher(RunLauncher[Any], ConfigurableClass):
    """Forks run workers from one preloaded server of this process (the daemon)."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._lock = threading.Lock()
        self._forks: Any = None
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:  # noqa: ARG003
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Fork a worker for the run; raising marks the run as failed."""
        run_id = context.dagster_run.run_id
        with self._lock:
            process = self._server().Process(
                target=worker.main, args=(self._instance.get_ref(), run_id, time.time()), name=f"ems-run-{run_id[:8]}"
            )
            process.start()
        self._instance.add_run_tags(run_id, {WORKER_TAG: identity(int(process.pid or 0))})

    def _server(self) -> Any:
        """The fork server of this process, started on first use."""
        if self._forks is None:
            self._forks = multiprocessing.get_context("forkserver")
            self._forks.set_forkserver_preload([worker.PRELOADED])
        return self._forks

    def terminate(self, run_id: str) -> bool:
        """Ask the worker to stop, wherever it runs: it watches the state of its run."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the worker still lives; without this an out-of-memory kill would leave the run running for ever."""
        tag = run.tags.get(WORKER_TAG)
        if tag is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its worker is being started")
        pid = int(tag.split(":")[1])
        if identity(pid) == tag:
            return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=tag)
        return CheckRunHealthResult(
            WorkerStatus.FAILED, f"worker process {pid} is gone (killed, out of memory, or the machine restarted)"
        )

    def join(self, timeout: int = 30) -> None:
        """Wait for the workers of this process."""
        for process in multiprocessing.active_children():
            process.join(timeout)


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
