"""Runs start warm: each is forked from a server that has already imported everything.

Dagster's own launcher spawns an interpreter per run, 2.6 s and a core each time; with a run a minute that is most of a
small machine. Named in `dagster.yaml`; the webserver imports this module too (to cancel runs), so it stays light.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, Self

from dagster import DagsterRun

from ems_pipeline.orchestration.machinery.dagster_private import (
    CheckRunHealthResult,
    ConfigurableClass,
    ConfigurableClassData,
    LaunchRunContext,
    RunLauncher,
    WorkerStatus,
    serialize_value,
)
from ems_pipeline.orchestration.machinery.fork_server import ForkServer
from ems_pipeline.orchestration.machinery.worker import WORKER_TAG, identity


class WarmRunLauncher(RunLauncher[Any], ConfigurableClass):
    """Forks run workers from preloaded servers of this process (the daemon), one per code location."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._lock = threading.Lock()
        self._servers: dict[str, tuple[str, ForkServer]] = {}
        super().__init__()  # type: ignore[no-untyped-call]

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
        request = {
            "instance": serialize_value(self._instance.get_ref()),
            "run_id": context.dagster_run.run_id,
            "asked_at": time.time(),
        }
        with self._lock:
            self._server(context).fork(**request)

    def _server(self, context: LaunchRunContext) -> ForkServer:
        """The fork server of the run's code location, begun anew when it died or the location was reloaded."""
        run = context.dagster_run
        if run.remote_job_origin is None or run.job_code_origin is None or context.workspace is None:
            raise ValueError(f"run {run.run_id} names no code location; launch its job from one")
        name = run.remote_job_origin.location_name
        version = context.workspace.get_code_location(name).server_id  # type: ignore[attr-defined]
        known, server = self._servers.get(name, ("", None))
        if server is not None and known == version and server.is_alive():
            return server
        if server is not None:
            server.retire()
        fresh = ForkServer(serialize_value(run.job_code_origin.repository_origin))
        self._servers[name] = version, fresh
        return fresh

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

    def dispose(self) -> None:
        """Let the fork servers end; workers finish what they do."""
        for _, server in self._servers.values():
            server.retire()
        self._servers.clear()
