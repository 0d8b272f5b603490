"""All that we use of Dagster beyond its public interface; nobody else imports a private module of it.

The names hold for the pinned version. `ems_pipeline_tests/orchestration/test_dagster_private.py` fails when another
release lacks one or gives it another shape. What `import dagster` loads anyway is imported here; the rest when somebody
asks for it (`LAZY`): the web server and most commands need no gRPC server and no second database driver.
"""

import importlib
from collections.abc import Sequence
from typing import Any

import dagster as dg

# A materialisation with a partition's own figures: `materialize` below.
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

# What is raised when a code server does not answer: `code_server`.
from dagster._core.errors import DagsterUserCodeUnreachableError as DagsterUserCodeUnreachableError
from dagster._core.events import DagsterEvent, DagsterEventBatchMetadata, generate_event_batch_id
from dagster._core.execution.plan.execute_step import _get_output_asset_events

# Where Dagster keeps its storage, handed to a worker: `launcher`, `worker`.
from dagster._core.instance import InstanceRef as InstanceRef

# The bases of a launcher that forks and of a coordinator that lets clock work pass: `launcher`, `coordinator`.
from dagster._core.launcher.base import CheckRunHealthResult as CheckRunHealthResult
from dagster._core.launcher.base import LaunchRunContext as LaunchRunContext
from dagster._core.launcher.base import RunLauncher as RunLauncher
from dagster._core.launcher.base import WorkerStatus as WorkerStatus

# The code location a fork server loads once: `worker`.
from dagster._core.origin import RepositoryPythonOrigin as RepositoryPythonOrigin
from dagster._core.run_coordinator import QueuedRunCoordinator as QueuedRunCoordinator
from dagster._core.run_coordinator.base import SubmitRunContext as SubmitRunContext

# What builds the classes named in `dagster.yaml`; how requests cross to a worker: `launcher`, `storage`, `worker`.
from dagster._serdes import ConfigurableClass as ConfigurableClass
from dagster._serdes import deserialize_value as deserialize_value
from dagster._serdes import serialize_value as serialize_value
from dagster._serdes.config_class import ConfigurableClassData as ConfigurableClassData

# A worker ends itself as Dagster's own does when its run is cancelled: `worker`.
from dagster._utils import send_interrupt as send_interrupt

# How a code server says that its code did not load: `code_server`.
from dagster._utils.error import SerializableErrorInfo as SerializableErrorInfo  # type: ignore[attr-defined]
from dagster._utils.interrupts import capture_interrupts as capture_interrupts

# When schedules are due on a simulated clock: `closed_loop`.
from dagster._utils.schedules import schedule_execution_time_iterator as schedule_execution_time_iterator

LAZY = {
    # When a sensor was last evaluated, which is forgotten when the clock went back: `watch`.
    "SensorInstigatorData": ("dagster._core.scheduler.instigation", "SensorInstigatorData"),
    # The web server, which we have refuse pages of other sites: `web_server`.
    "DagsterWebserver": ("dagster_webserver.webserver", "DagsterWebserver"),
    # `dagster code-server start`, with a server whose reload we guard and whose answers we look at: `code_server`.
    "dagster_command": ("dagster._cli", "main"),
    "DagsterGrpcClient": ("dagster._grpc.client", "DagsterGrpcClient"),
    "DagsterProxyApiServicer": ("dagster._grpc.proxy_server", "DagsterProxyApiServicer"),
    # How Dagster's own worker loads a code location and executes a run: `worker`.
    "core_execute_run": ("dagster._grpc.impl", "core_execute_run"),
    "recon_job_from_origin": ("dagster._utils.hosted_user_process", "recon_job_from_origin"),
    "recon_repository_from_origin": ("dagster._utils.hosted_user_process", "recon_repository_from_origin"),
    # The storage's settings and engine, of which we keep one: `storage`.
    "create_pg_engine": ("dagster_postgres.utils", "create_pg_engine"),
    "pg_url_from_config": ("dagster_postgres.utils", "pg_url_from_config"),
    # What stands in for it while definitions are only looked at: `storage`.
    "DagsterSqliteStorage": ("dagster._core.storage.sqlite_storage", "DagsterSqliteStorage"),
}
"""Name here: module and name there."""

RUN_STACK = (
    "dagster._cli.api",
    "dagster._core.storage.event_log",
    "dagster._core.storage.runs",
    "dagster._core.storage.schedules",
)
"""What every run imports besides; `preload` does it once."""


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f"{__name__} has no {name}; the names it has beside those at its top are {sorted(LAZY)}")
    module, attribute = LAZY[name]
    return getattr(importlib.import_module(module), attribute)


SAID_ALREADY = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
"""Metadata of a result that makes Dagster record nothing for it by itself."""


def materialize(context: dg.AssetExecutionContext, keys: Sequence[str]) -> None:
    """Record a materialisation of these partitions, no other of the run's, with what `add_asset_metadata` said of each.

    Dagster itself records one for every partition a run was asked for, also for those that got nothing. These carry
    what its own do (versions of code and data), and go to the storage in one batch. The result of the asset must be
    `SAID_ALREADY`.
    """
    operation = context.op_execution_context
    step = operation.get_step_execution_context()
    nothing, made = dg.Output(None), AssetExecutionType.MATERIALIZATION
    events = list(
        _get_output_asset_events(context.asset_key, keys, nothing, step.op_def.output_defs[0], {}, step, made)
    )
    batch = generate_event_batch_id()
    for i, event in enumerate(events):
        place = DagsterEventBatchMetadata(batch, i == len(events) - 1)
        if isinstance(event, dg.AssetMaterialization):
            operation._events.append(DagsterEvent.asset_materialization(step, event, place))


def feeds_another(context: dg.AssetExecutionContext) -> bool:
    """Whether another asset of the same run is made from this one; what no run makes (`lineage`) is none."""
    graph = context.job_def.asset_layer.asset_graph
    made = context.run.asset_selection or graph.executable_asset_keys
    return bool(graph.get(context.asset_key).child_keys & made)
