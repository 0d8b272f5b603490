"""What the web UI's "Materialize" does with many partitions: its mutation, then the daemon's turns until it is over."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster_graphql.test.utils import execute_dagster_graphql

from ems_pipeline.steps.platform import Platform
from ems_pipeline_tests.orchestration import backfilled

RUNS_HERE = {
    "run_launcher": {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    },
    "run_coordinator": {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"},
}
"""Settings of an instance that executes a run when it is asked for, in this process."""
LAUNCH = """mutation($asked: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $asked) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
TURNS = 12


@dataclass
class Backfills:
    """An installation's web UI and daemon in this process, without waits."""

    process: WorkspaceProcessContext

    def ask(self, assets: Iterable[str], partitions: Iterable[str]) -> str:
        """What the dialog sends when assets that share their partitions are chosen; the backfill's id."""
        asked = {
            "assetSelection": [{"path": [asset]} for asset in assets],
            "partitionNames": list(partitions),
            "fromFailure": False,
        }
        answer = execute_dagster_graphql(self.process.create_request_context(), LAUNCH, {"asked": asked})
        launched = answer.data["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def end(self, backfill: str) -> str:
        """How it ended."""
        for _ in range(TURNS):
            faults = [fault for fault in execute_backfill_iteration(self.process, logging.getLogger(__name__)) if fault]
            assert not faults, faults
            found = self.process.instance.get_backfill(backfill)
            assert found is not None
            if found.status != BulkActionStatus.REQUESTED:
                return found.status.value
        raise AssertionError(f"the backfill is not over after {TURNS} turns of the daemon")

    def lacking(self, backfill: str) -> set[tuple[str, str]]:
        """Assets and partitions it was asked for and did not get."""
        found = self.process.instance.get_backfill(backfill)
        assert found is not None
        data = found.get_asset_backfill_data(self.process.create_request_context().asset_graph)
        parts = (data.target_subset - data.materialized_subset).iterate_asset_partitions()
        return {(part.asset_key.to_user_string(), str(part.partition_key)) for part in parts}


@contextmanager
def backfills(platform: Platform, instance: dg.DagsterInstance) -> Iterator[Backfills]:
    """The real code location on a platform; the instance has the settings `RUNS_HERE`."""
    origin = LoadableTargetOrigin(
        executable_path=sys.executable, module_name=backfilled.__name__, attribute=backfilled.location.__name__
    )
    backfilled.PLATFORMS.append(platform)
    try:
        target = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(origin, location_name="ems"))
        with WorkspaceProcessContext(instance, target) as process:
            yield Backfills(process)
    finally:
        backfilled.PLATFORMS.pop()
