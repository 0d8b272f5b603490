"""What it was worth: quarter-hours settled, days added up, forecasts scored."""

from datetime import date, datetime, time, timedelta
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.audit.scores import daily_scores
from ems_pipeline.forecast.naive import seasonal_naive
from ems_pipeline.orchestration.assets.forecasts import load_forecast, pv_forecast
from ems_pipeline.orchestration.assets.market import effective_price
from ems_pipeline.orchestration.assets.plans import daily_plan, rolling_plan
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.figures import materialized, plot
from ems_pipeline.orchestration.partitions import DECISION_OF_THE_DAY, SiteWindow, site_day_partitions, windows
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.sites import Site
from ems_pipeline.units import kilo
from ems_pipeline.warehouse import audits, forecasts

GROUP = "audit"
TARGETS: dict[str, tuple[Any, int]] = {"load": ("load_forecast", 7), "pv": ("pv_forecast", 1)}
"""What is scored: its forecasts, and how many days back the reference takes the same slot from."""
LAST_QUARTER = 45
"""Minute at which the last quarter-hour of an hour begins."""
REFERENCE_HISTORY = timedelta(days=15)


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[telemetry_15m, effective_price, daily_plan, rolling_plan],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def audit_interval(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Per quarter-hour: planned, commanded, measured, price, cost, and the cost of both baselines.

    Nothing measured: no cost, and coverage says so. Run it again after a correction; `revision` counts restatements.
    """
    changed, shown, site = 0, pl.DataFrame(), None
    for window in windows(context, ems):
        site, end = window.site, min(window.end, ems.slot_end())
        with ems.warehouse.begin() as connection:
            if window.start < end:
                changed += audits.fill(connection, site, window.start, end, ems.clock.now())
            shown = audits.slots(connection, site.key, window.start, window.end)
    return materialized(
        changed,
        slot_picture(shown, site),
        slots=shown.height,
        cost=_total(shown, "cost"),
        planned_cost=_total(shown, "planned_cost"),
        no_battery_cost=_total(shown, "no_battery_cost"),
        self_use_cost=_total(shown, "self_use_cost"),
        coverage_pct=None if shown.is_empty() else shown.select(pl.col("coverage_pct").mean()).item(),
        restated_slots=shown.filter(pl.col("revision") > 1).height if shown.height else 0,
    )


def slot_picture(slots: pl.DataFrame, site: Site | None) -> dg.MetadataValue | None:
    """Grid power as planned and as measured, and what the slots have cost so far beside the baselines.

    Drawn when an hour is full: a day is filled 96 times, and a drawing costs more than the settlement.
    """
    if slots.is_empty() or site is None or slots["starts_at"][-1].minute != LAST_QUARTER:
        return None
    costs = {"measured": "cost", "no battery": "no_battery_cost", "self-use": "self_use_cost"}
    panels = {
        "grid [kW]": {"planned": kilo(slots["planned_grid_w"]).to_list(), "grid": kilo(slots["grid_w"]).to_list()},
        f"cost so far [{site.currency}]": {name: slots[c].cum_sum().to_list() for name, c in costs.items()},
    }
    return plot(slots["starts_at"].to_list(), panels, site, "settlement")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[audit_interval],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def audit_day(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Per day: cost, savings against both baselines, what stays in the battery, and the share of the day this rests on.

    How savings are counted: docs/audit.md.
    """
    rows, days, site = 0, pl.DataFrame(), None
    for window in windows(context, ems):
        site = window.site
        with ems.warehouse.begin() as connection:
            days = audits.put_days(connection, site, window.start, window.end, ems.clock.now())
        rows += days.height
    return materialized(
        rows,
        day_picture(days, site),
        cost=_total(days, "cost"),
        no_battery_saving=_total(days, "no_battery_saving"),
        self_use_saving=_total(days, "self_use_saving"),
        coverage_pct=None if days.is_empty() else days.select(pl.col("coverage_pct").mean()).item(),
    )


def day_picture(days: pl.DataFrame, site: Site | None) -> dg.MetadataValue | None:
    """Cost per day beside the baselines; one day alone makes no picture."""
    if days.height < 2 or site is None:
        return None
    starts = [time_grid.local_instant(day, time(0), time_grid.zone(site.timezone)) for day in days["day"]]
    costs = {"measured": "cost", "no battery": "no_battery_cost", "self-use": "self_use_cost"}
    panels = {f"cost per day [{site.currency}]": {name: days[column].to_list() for name, column in costs.items()}}
    return plot(starts, panels, site, "days")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[audit_interval, load_forecast, pv_forecast],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def forecast_score(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Errors of load and PV forecasts per day and horizon, and their skill against the same slot of days before."""
    frames = []
    for window in windows(context, ems):
        with ems.warehouse.begin() as connection:
            for target in TARGETS:
                scores = _scores(connection, window, target, ems.slot_end())
                if scores.height:
                    labelled = scores.with_columns(site_key=pl.lit(window.site.key), target=pl.lit(target))
                    forecasts.put_scores(connection, labelled)
                    frames.append(labelled)
    if not frames:
        return materialized(0)
    scores = pl.concat(frames)
    references = ["last-week", "yesterday"]
    figures = {
        f"{target}_{name}": scores.filter(pl.col("target") == target, ~pl.col("model").is_in(references))
        .select(pl.col(column).mean())
        .item()
        for target in TARGETS
        for name, column in (("mae_w", "mae_w"), ("bias_w", "bias_w"), ("skill", "skill_naive"))
    }
    return materialized(scores.height, **figures)


def _scores(connection: Any, window: SiteWindow, target: str, now: datetime) -> pl.DataFrame:
    table, days = TARGETS[target]
    end = min(window.end, now)
    measured = audits.measured_targets(connection, window.site.key, window.start - REFERENCE_HISTORY, end)
    actual = measured.select("starts_at", power_w=f"{target}_w")
    reference = [
        seasonal_naive(actual, time_grid.day_slots(day, window.zone), window.zone, _day_before(day, window), days)
        for day in window.days
    ]
    issues = audits.forecast_issues(connection, table, window.site.key, window.start, end)
    return daily_scores(issues, actual, pl.concat(reference), window.site.timezone)


def _day_before(day: date, window: SiteWindow) -> datetime:
    """The reference is made when the daily plan is: nothing later than the afternoon before."""
    return time_grid.local_instant(day - timedelta(days=1), DECISION_OF_THE_DAY, window.zone)


def _total(frame: pl.DataFrame, column: str) -> float | None:
    """Sum of what is known; None where nothing is."""
    known = frame[column].drop_nulls() if frame.height else pl.Series([], dtype=pl.Float64)
    return None if known.is_empty() else float(known.sum())
