"""What it was worth: quarter-hours settled, days added up, forecasts scored."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.audit.scores import daily_scores
from ems_pipeline.forecast.naive import seasonal_naive
from ems_pipeline.orchestration.assets.forecasts import load_forecast, pv_forecast
from ems_pipeline.orchestration.assets.market import effective_price
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.figures import plot
from ems_pipeline.orchestration.ledger import Ledger
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.sites import Site
from ems_pipeline.steps import settling
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import DECISION_OF_THE_DAY, SiteWindow
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
    deps=[telemetry_15m, effective_price, "planning_run", "setpoint"],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def audit_interval(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Per quarter-hour: planned, commanded, measured, price, cost, and the cost of both baselines.

    Nothing measured: no cost, and coverage says so. Run it again after a correction; `revision` counts restatements.
    """
    wanted, now = windows(context, ems), ems.slot_end()
    ledger = Ledger(context, ems, wanted)
    for window in wanted:
        for day in window.days:
            start, end = time_grid.day_bounds(day, window.zone)
            if start >= now:
                ledger.not_yet(window.site, day, "no quarter-hour of it is over")
                continue
            with ledger.each(window.site, day), ems.warehouse.begin() as connection:
                changed = settling.settle_slots(connection, window.site, start, min(end, now), ems.clock.now())
                slots = audits.slots(connection, window.site.key, start, end)
                ledger.made(
                    window.site,
                    day,
                    slots.height,
                    partial(slot_picture, slots, window.site),
                    changed_slots=changed,
                    cost=_total(slots, "cost"),
                    planned_cost=_total(slots, "planned_cost"),
                    no_battery_cost=_total(slots, "no_battery_cost"),
                    self_use_cost=_total(slots, "self_use_cost"),
                    coverage_pct=slots.select(pl.col("coverage_pct").mean()).item(),
                    restated_slots=slots.filter(pl.col("revision") > 1).height,
                )
    return ledger.close()


def slot_picture(slots: pl.DataFrame, site: Site) -> dg.MetadataValue | None:
    """Grid power as planned and as measured, and what the slots have cost so far beside the baselines.

    Drawn when an hour is full: a day is filled 96 times, and a drawing costs more than the settlement.
    """
    if slots["starts_at"][-1].minute != LAST_QUARTER:
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
    wanted = windows(context, ems)
    ledger, shown = Ledger(context, ems, wanted), list[pl.DataFrame]()
    for window in wanted:
        for day in window.days:
            with ledger.each(window.site, day), ems.warehouse.begin() as connection:
                bounds = time_grid.day_bounds(day, window.zone)
                settled = settling.settle_day(connection, window.site, *bounds, ems.clock.now())
                if settled.is_empty():
                    why = f"nothing of {window.site.key} {day} is settled: materialise audit_interval for it first"
                    (ledger.lacks if bounds[1] <= ems.clock.now() else ledger.not_yet)(window.site, day, why)
                    continue
                shown.append(settled)
                ledger.made(
                    window.site,
                    day,
                    settled.height,
                    partial(day_picture, shown, window.site),
                    **{name: _total(settled, name) for name in ("cost", "no_battery_saving", "self_use_saving")},
                    coverage_pct=settled["coverage_pct"][0],
                )
    return ledger.close()


def day_picture(settled: list[pl.DataFrame], site: Site) -> dg.MetadataValue | None:
    """Cost per day beside the baselines; one day alone makes no picture."""
    if len(settled) < 2:
        return None
    days = pl.concat(settled)
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
    """Errors of load and PV forecasts per day and horizon, and their skill against the same slot of days before.

    A quarter-hour is scored by what was forecast before it was over; where nothing was, by what was made of it
    afterwards, and that is marked.
    """
    wanted, now = windows(context, ems), ems.slot_end()
    ledger = Ledger(context, ems, wanted)
    for window in wanted:
        for day in window.days:
            if time_grid.day_bounds(day, window.zone)[0] >= now:
                ledger.not_yet(window.site, day, "no quarter-hour of it is over")
                continue
            with ledger.each(window.site, day), ems.warehouse.begin() as connection:
                scores = {name: _scores(connection, window.part(day, day), name, now) for name in TARGETS}
                for target, found in scores.items():
                    labelled = found.with_columns(site_key=pl.lit(window.site.key), target=pl.lit(target))
                    if labelled.height:
                        forecasts.put_scores(connection, labelled)
                rows = sum(found.height for found in scores.values())
                if rows:
                    ledger.made(window.site, day, rows, **_score_figures(scores))
                else:  # as on the first day of a site
                    ledger.not_yet(window.site, day, "no quarter-hour was both forecast and measured")
    return ledger.close()


def _score_figures(scores: dict[str, pl.DataFrame]) -> dict[str, Any]:
    """Mean errors over horizons, by target; the references are what they are compared with, not forecasts."""
    columns = (("mae_w", "mae_w"), ("bias_w", "bias_w"), ("skill", "skill_naive"))
    ours = {
        target: found.filter(~pl.col("model").is_in(["last-week", "yesterday"])) if found.height else found
        for target, found in scores.items()
    }
    return {
        f"{target}_{name}": found.select(pl.col(column).mean()).item()
        for target, found in ours.items()
        if found.height
        for name, column in columns
    }


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
    scored = [
        found.with_columns(is_hindsight=pl.lit(late[0]))
        for late, part in issues.group_by("is_hindsight", maintain_order=True)
        if (found := daily_scores(part, actual, pl.concat(reference), window.site.timezone)).height
    ]
    return pl.concat(scored) if scored else pl.DataFrame()


def _day_before(day: date, window: SiteWindow) -> datetime:
    """The reference is made when the daily plan is: nothing later than the afternoon before."""
    return time_grid.local_instant(day - timedelta(days=1), DECISION_OF_THE_DAY, window.zone)


def _total(frame: pl.DataFrame, column: str) -> float | None:
    """Sum of what is known; None where nothing is."""
    known = frame[column].drop_nulls() if frame.height else pl.Series([], dtype=pl.Float64)
    return None if known.is_empty() else float(known.sum())
