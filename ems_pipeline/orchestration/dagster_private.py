"""All that we use of Dagster beyond its public interface; nobody else imports a private module of it.

The names hold for the pinned version. `ems_pipeline_tests/orchestration/test_dagster_private.py` says what each is used
for and fails when a newer release lacks it or has it behave otherwise.
"""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.events import DagsterEvent, DagsterEventBatchMetadata, generate_event_batch_id
from dagster._core.execution.plan.execute_step import _get_output_asset_events

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
    """Whether another asset of the same run is made from this one."""
    selected = context.run.asset_selection
    children = context.job_def.asset_layer.asset_graph.get(context.asset_key).child_keys
    return bool(children & selected if selected else children)
