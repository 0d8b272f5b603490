"""Quarter-hour means of what the devices said."""

from datetime import datetime, timedelta
from functools import partial

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.orchestration.ledger import Ledger
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.warehouse import telemetry
from ems_pipeline.warehouse.engine import Connection

LATE = timedelta(hours=2)
"""Readings this much later than their neighbours still count in the running day; later ones when the day is over."""


@dg.asset(
    group_name="telemetry",
    deps=["telemetry"],
    partitions_def=site_day_partitions,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def telemetry_15m(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Mean, last value and coverage of every point per quarter-hour, from the minute telemetry.

    A point that did not answer has a row with NULL, never 0. Computing a day again replaces its rows, of a day still
    running those of the last hours; history imported from a logger is left alone.
    """
    ledger = Ledger(context, ems, windows(context, ems))
    return ledger.day_by_day(partial(_fill, ledger, ems.clock.now()))


def _fill(ledger: Ledger, at: datetime, connection: Connection, window: SiteWindow) -> None:
    site, day, start, end = window.site, window.first, window.start, window.end
    first, last = start, min(end, time_grid.floor_slot(at))
    if last < end and (filled := telemetry.last_filled(connection, site.key, start, last)):
        first = max(start, filled - LATE)
    if first < last:
        telemetry.fill_15m(connection, site.key, first, last, at)
    rows = telemetry.count_15m(connection, site.key, start, end)
    if not rows:
        ledger.not_yet(site, day, "no device of the site was measured")
        return
    bus = telemetry.site_15m(connection, site.key, start, end)
    coverage_pct = None if bus.is_empty() else bus.select(pl.col("coverage_pct").mean()).item()
    ledger.made(site, day, rows, coverage_pct=coverage_pct, slots=bus.height)
