"""How well each heat pump turned electricity into heat, and how its house keeps it."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.heat import building, cop, measured
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.figures import plot
from ems_pipeline.orchestration.ledger import Ledger
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.sites import HeatPump, Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.warehouse import buildings, forecasts, telemetry

LEARNT_FROM_DAYS = 60
QUANTITIES = ["flow_temp_c", "return_temp_c", "flow_rate_l_min", "outdoor_temp_c", "heat_pump_power_w"]
ROOM_QUANTITIES = ["indoor_temp_c", "outdoor_temp_c", "flow_temp_c", "dhw_temp_c", "heat_pump_power_w"]


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
    wanted = windows(context, ems)
    ledger = Ledger(context, ems, wanted)
    for window in wanted:
        for day in window.days:
            with ledger.each(window.site, day), ems.warehouse.begin() as connection:
                _cop_of_day(connection, ledger, window, day, ems.clock.now())
    return ledger.close()


def _cop_of_day(connection: Any, ledger: Ledger, window: SiteWindow, day: date, now: datetime) -> None:
    site, (start, end) = window.site, time_grid.day_bounds(day, window.zone)
    if not site.heat_pumps:
        ledger.made(site, day, 0, nothing="the site has no heat pump")
        return
    if start >= now:
        ledger.not_yet(site, day, "the day has not begun")
        return
    known_at = min(end, now)
    points, frames, grades = telemetry.device_15m(connection, [site.key], QUANTITIES, start, known_at), [], {}
    for pump in site.heat_pumps:
        ran = measured.cop_rows(points, pump.device).with_columns(site_key=pl.lit(site.key), asset_key=pl.lit(pump.key))
        forecasts.put_cop_history(connection, ran)
        learnt = forecasts.cop_history(connection, site.key, pump.key, known_at, LEARNT_FROM_DAYS)
        curve = cop.fit(learnt, pump.carnot_efficiency)
        forecasts.put_cop_curve(connection, _curve_row(site.key, pump.key, curve, known_at, now))
        frames.append(ran)
        grades[f"efficiency_{pump.key}"] = curve.efficiency
    rows = sum(frame.height for frame in frames)
    rested = {} if rows else {"nothing": "no heat pump ran steadily for a quarter-hour that was measured"}
    ledger.made(site, day, rows, partial(_cop_picture, frames[0], site), days=LEARNT_FROM_DAYS, **grades, **rested)


def _cop_picture(ran: pl.DataFrame, site: Site) -> dg.MetadataValue | None:
    return plot(ran["starts_at"].to_list(), {"COP": {"heat pump": ran["cop"].to_list()}}, site, "COP")


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
    wanted = windows(context, ems)
    ledger = Ledger(context, ems, wanted)
    for window in wanted:
        for day in window.days:
            start, end = time_grid.day_bounds(day, window.zone)
            if start >= ems.clock.now():
                ledger.not_yet(window.site, day, "the day has not begun")
                continue
            with ledger.each(window.site, day), ems.warehouse.begin() as connection:
                rows, told, now = 0, [], ems.clock.now()
                for pump in window.site.heat_pumps:
                    written, why = fit_house(connection, window.site, pump, min(end, now), now)
                    rows += written
                    told.append(f"{pump.key}: {why}")
                houses = "; ".join(told) or "the site has no heat pump"
                ledger.made(window.site, day, rows, houses=houses, days=LEARNT_FROM_DAYS)
    return ledger.close()


def fit_house(
    connection: Any, site: Site, pump: HeatPump, at: datetime, now: datetime | None = None
) -> tuple[int, str]:
    """Fit a heat pump's house to what was measured before ``at`` and keep it: rows written, and what came of it.

    Args:
        now: when it is fitted; None: at ``at``.
    """
    points = telemetry.device_15m(connection, [site.key], ROOM_QUANTITIES, at - timedelta(days=LEARNT_FROM_DAYS), at)
    learnt = forecasts.cop_history(connection, site.key, pump.key, at, LEARNT_FROM_DAYS)
    history = measured.house_rows(points, pump, cop.fit(learnt, pump.carnot_efficiency))
    try:
        fitted = building.fit(history)
    except building.UnidentifiableBuilding as reason:
        return 0, str(reason)
    if fitted is None:
        return 0, f"fewer than {building.MIN_WINDOWS} cold windows without a gap in {LEARNT_FROM_DAYS} days"
    return buildings.put(connection, site.key, pump.key, fitted, at, now), building.chosen(fitted, pump.house)[1]


def _curve_row(site_key: str, asset_key: str, curve: cop.CopCurve, known_at: object, now: object) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "site_key": [site_key],
            "asset_key": [asset_key],
            "efficiency": [curve.efficiency],
            "drift_per_k": [curve.drift_per_k],
            "samples": [curve.samples],
            "known_at": [known_at],
            "recorded_at": [now],
        }
    )
