"""Quarter-hour means of what the devices said."""

from datetime import timedelta

import dagster as dg
import polars as pl

from ems_pipeline.orchestration.figures import materialized
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.warehouse import telemetry

LATE = timedelta(hours=2)
"""Readings this much later than their neighbours still count in the running day; later ones when the day is over."""


@dg.asset(group_name="telemetry", partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run())
def telemetry_15m(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Mean, last value and coverage of every point per quarter-hour, from the minute telemetry.

    A point that did not answer has a row with NULL, never 0. Computing a day again replaces its rows, of a day still
    running those of the last hours; history imported from a logger is left alone.
    """
    rows, bus = 0, pl.DataFrame()
    for window in windows(context, ems):
        site, end = window.site, min(window.end, ems.slot_end())
        with ems.warehouse.begin() as connection:
            start = window.start
            if end < window.end and (filled := telemetry.last_filled(connection, site.key, start, end)):
                start = max(start, filled - LATE)
            rows += telemetry.fill_15m(connection, site.key, start, end)
            bus = telemetry.site_15m(connection, site.key, window.start, window.end)
    return materialized(
        rows,
        coverage_pct=None if bus.is_empty() else bus.select(pl.col("coverage_pct").mean()).item(),
        slots=bus.height,
    )
