"""Backtests as an asset: a month of a home a run, every variant of it, in a process of its own."""

from datetime import date

import dagster as dg

from ems_pipeline.orchestration.figures import told
from ems_pipeline.orchestration.partitions import study_partitions
from ems_pipeline.steps import studying
from ems_pipeline.steps.platform import Platform

GROUP = "study"


@dg.asset(
    group_name=GROUP,
    partitions_def=study_partitions,
    # A home-month is minutes of one core, and Dagster shares runs among cores and machines.
    backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
)
def study_day(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Days of a study, lived through again slot by slot on what was known then, and settled.

    `ems backtest offer FILE` names homes and months. What is lived already with the same inputs is left as it is, so a
    run that was killed is begun again without loss. Nothing here is read by whoever plans or controls a house.
    """
    key = context.partition_key
    if not isinstance(key, dg.MultiPartitionKey):
        raise TypeError(f"partition {key!r} is not home x month; launch the asset with a home and a month")
    name, _, home = key.keys_by_dimension["home"].partition(".")
    month = date.fromisoformat(key.keys_by_dimension["month"])
    asked = studying.asked(ems)
    if name not in asked:
        raise dg.Failure(f"no study is called {name!r}: `ems backtest offer FILE` stores one", allow_retries=False)
    context.log.info(f"{name}: {home} {month:%Y-%m}, variants {', '.join(asked[name].variants)}")
    progress = studying.live(ems, asked[name], 1, lambda *step: context.log.info("%s: %d of %d", *step), [home], month)
    if progress.faults or not progress.count:
        reasons = "; ".join(map(str, progress.faults.values())) or f"{key} is no home and month of the study"
        raise dg.Failure(reasons, allow_retries=False)
    lived = studying.lived(ems, name, home, month)
    rows = sum(part.lived_days for part in lived)
    return dg.MaterializeResult(
        metadata=told(rows, variants=len(lived), asked_days=sum(part.asked_days for part in lived))
    )
