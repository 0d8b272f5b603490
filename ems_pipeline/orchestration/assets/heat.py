"""How well each heat pump turned electricity into heat, and how its house keeps it."""

from datetime import datetime
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.figures import plot
from ems_pipeline.orchestration.ledger import Ledger
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.pictures.panel import Panel, steps
from ems_pipeline.sites import Site
from ems_pipeline.steps import heating
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.warehouse.engine import Connection


@dg.asset(
    group_name="heat",
    partitions_def=site_day_partitions,
    deps=[telemetry_15m],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def cop_history(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Measured COP per quarter-hour in which a heat pump ran, and the curve fitted to the last 60 days of it.

    Heat is water flow times temperature rise; quarters of defrosting or start-up are left out. The curve is what
    `fn_cop_estimate` evaluates from the day's end on.
    """
    ledger = Ledger(context, ems, windows(context, ems))
    return ledger.day_by_day(partial(_cop_of_day, ledger, ems.clock.now()))


def _cop_of_day(ledger: Ledger, now: datetime, connection: Connection, window: SiteWindow) -> None:
    site, day = window.site, window.first
    if not site.heat_pumps:
        ledger.made(site, day, 0, nothing="the site has no heat pump")
        return
    if window.start >= now:
        ledger.not_yet(site, day, "the day has not begun")
        return
    found = heating.measure_cop(connection, site, window.start, min(window.end, now), now)
    rows = sum(one.ran.height for one in found)
    grades: dict[str, Any] = {f"efficiency_{one.pump.key}": one.curve.efficiency for one in found}
    if not rows:
        grades["nothing"] = "no heat pump ran steadily for a quarter-hour that was measured"
    ledger.made(site, day, rows, partial(_cop_picture, found[0].ran, site), days=heating.LEARNT_FROM_DAYS, **grades)


def _cop_picture(ran: pl.DataFrame, site: Site) -> dg.MetadataValue | None:
    return plot(ran["starts_at"].to_list(), [Panel("COP", "", steps({"heat pump": ran["cop"].to_list()}))], site, "COP")


@dg.asset(
    group_name="heat",
    partitions_def=site_day_partitions,
    deps=[telemetry_15m, cop_history],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def building_response(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Heat loss, heat capacity and gains of each house, fitted to the last 60 days as known at the day's end.

    Forecasts and plans made later reckon with them where they are within a factor of two of the stated values.
    """
    ledger = Ledger(context, ems, windows(context, ems))
    return ledger.day_by_day(partial(_fit_of_day, ledger, ems.clock.now()))


def _fit_of_day(ledger: Ledger, now: datetime, connection: Connection, window: SiteWindow) -> None:
    site, day = window.site, window.first
    if window.start >= now:
        ledger.not_yet(site, day, "the day has not begun")
        return
    fits = {p.key: heating.fit_house(connection, site, p, min(window.end, now), now) for p in site.heat_pumps}
    houses = "; ".join(f"{key}: {why}" for key, (_, why) in fits.items()) or "the site has no heat pump"
    rows = sum(written for written, _ in fits.values())
    ledger.made(site, day, rows, houses=houses, days=heating.LEARNT_FROM_DAYS)
