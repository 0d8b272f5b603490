"""What it was worth: quarter-hours settled, days added up, forecasts scored."""

from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.orchestration.assets.forecasts import load_forecast, pv_forecast
from ems_pipeline.orchestration.assets.market import effective_price
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.figures import image, plot
from ems_pipeline.orchestration.ledger import Ledger
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.pictures.bars import Bars, bars
from ems_pipeline.pictures.panel import Panel, Series, steps
from ems_pipeline.sites import Site
from ems_pipeline.steps import comparing, contest, regretting, replaying, scoring, settling
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.time_grid import Clock
from ems_pipeline.units import kilo
from ems_pipeline.warehouse import audits
from ems_pipeline.warehouse.engine import Connection

GROUP = "audit"
SAME_AGAIN = "same_again"
ON_SAME_AGAIN = "Decisions of the day, made again from what was known then, led to the same problem, money and rows."
LAST_QUARTER = 45
"""Minute at which the last quarter-hour of an hour begins."""


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
    ledger = Ledger(context, ems, windows(context, ems))
    return ledger.day_by_day(partial(_settle, ledger, ems))


def _settle(ledger: Ledger, ems: Platform, connection: Connection, window: SiteWindow) -> None:
    site, day, end = window.site, window.first, ems.slot_end()
    if window.start >= end:
        ledger.not_yet(site, day, "no quarter-hour of it is over")
        return
    changed = settling.settle_slots(connection, site, window.start, min(window.end, end), ems.clock.now())
    slots = audits.slots(connection, site.key, window.start, window.end)
    ledger.made(
        site,
        day,
        slots.height,
        partial(slot_picture, slots, site),
        changed_slots=changed,
        cost=_total(slots, "cost"),
        planned_cost=_total(slots, "planned_cost"),
        no_battery_cost=_total(slots, "no_battery_cost"),
        self_use_cost=_total(slots, "self_use_cost"),
        coverage_pct=slots.select(pl.col("coverage_pct").mean()).item(),
        restated_slots=slots.filter(pl.col("revision") > 1).height,
    )


def slot_picture(slots: pl.DataFrame, site: Site) -> dg.MetadataValue | None:
    """Grid power as planned and as measured, and what the slots have cost so far beside the baselines.

    Drawn when an hour is full: a day is filled 96 times, and a drawing costs more than the settlement.
    """
    if slots["starts_at"][-1].minute != LAST_QUARTER:
        return None
    costs = {"measured": "cost", "no battery": "no_battery_cost", "self-use": "self_use_cost"}
    grid = {"planned": kilo(slots["planned_grid_w"]).to_list(), "grid": kilo(slots["grid_w"]).to_list()}
    so_far = [Series(name, slots[column].cum_sum().to_list(), "line") for name, column in costs.items()]
    panels = [Panel("grid", "kW", steps(grid, "planned")), Panel("cost so far", site.currency, so_far)]
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
    ledger = Ledger(context, ems, windows(context, ems))
    return ledger.day_by_day(partial(_settle_day, ledger, ems.clock, list[pl.DataFrame]()))


def _settle_day(
    ledger: Ledger, clock: Clock, shown: list[pl.DataFrame], connection: Connection, window: SiteWindow
) -> None:
    """Settle a day, and add it to what is ``shown``."""
    site, day, now = window.site, window.first, clock.now()
    settled = settling.settle_day(connection, site, window.start, window.end, now)
    if settled.is_empty():
        why = f"nothing of {site.key} {day} is settled: materialise audit_interval for it first"
        (ledger.lacks if window.end <= now else ledger.not_yet)(site, day, why)
        return
    shown.append(settled)
    costs = {name: _total(settled, name) for name in ("cost", "no_battery_saving", "self_use_saving")}
    coverage_pct = settled["coverage_pct"][0]
    ledger.made(site, day, settled.height, partial(day_picture, shown, site), **costs, coverage_pct=coverage_pct)


def day_picture(settled: list[pl.DataFrame], site: Site) -> dg.MetadataValue | None:
    """Cost per day beside the baselines; one day alone makes no picture."""
    if len(settled) < 2:
        return None
    days = pl.concat(settled)
    costs = {"measured": "cost", "no battery": "no_battery_cost", "self-use": "self_use_cost"}
    named = {name: days[column].to_list() for name, column in costs.items()}
    return image(lambda: bars(Bars(days["day"].to_list(), named, "cost per day", site.currency, "days")), "days")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[audit_day, "planning_run"],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def baseline_day(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """A day that is over beside every baseline: rules, plans whatever came, another contract, perfect foresight."""
    ledger = Ledger(context, ems, windows(context, ems))
    return ledger.day_by_day(partial(_compare_baselines, ledger, ems.clock))


def _compare_baselines(ledger: Ledger, clock: Clock, connection: Connection, window: SiteWindow) -> None:
    site, day, now = window.site, window.first, clock.now()
    if window.end > now:
        ledger.not_yet(site, day, "it is not over")
        return
    rows = comparing.compare_day(connection, window, now)
    if not rows:
        ledger.lacks(site, day, f"nothing of {site.key} {day} is settled: materialise audit_day for it first")
        return
    ledger.made(site, day, len(rows), known=sum(row.missing is None for row in rows))


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[baseline_day],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def regret_day(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """What a day that is over cost more than it had to: one thing after another put right, each with its difference.

    The parts and their order: docs/audit.md.
    """
    ledger = Ledger(context, ems, windows(context, ems))
    return ledger.day_by_day(partial(_regret, ledger, ems.clock))


def _regret(ledger: Ledger, clock: Clock, connection: Connection, window: SiteWindow) -> None:
    site, day, now = window.site, window.first, clock.now()
    if window.end > now:
        ledger.not_yet(site, day, "it is not over")
        return
    parts = regretting.regret_day(connection, window, now)
    if not parts:
        ledger.lacks(site, day, f"nothing of {site.key} {day} is settled: materialise audit_day for it first")
        return
    costs: dict[str, Any] = {part.part: part.amount for part in parts}
    ledger.made(site, day, len(parts), **costs)


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
    ledger = Ledger(context, ems, windows(context, ems))
    return ledger.day_by_day(partial(_score, ledger, ems.slot_end()))


def _score(ledger: Ledger, now: datetime, connection: Connection, window: SiteWindow) -> None:
    site, day = window.site, window.first
    if window.start >= now:
        ledger.not_yet(site, day, "no quarter-hour of it is over")
        return
    scores = scoring.score(connection, window, now)
    if rows := sum(found.height for found in scores.values()):
        ledger.made(site, day, rows, **_score_figures(scores))
    else:  # as on the first day of a site
        ledger.not_yet(site, day, "no quarter-hour was both forecast and measured")


def _score_figures(scores: dict[str, pl.DataFrame]) -> dict[str, Any]:
    """Mean errors over horizons, by target; the references are what they are compared with, not forecasts."""
    columns = (("mae_w", "mae_w"), ("bias_w", "bias_w"), ("skill", "skill_naive"))
    ours = {
        target: found.filter(~pl.col("model").is_in(scoring.REFERENCES)) if found.height else found
        for target, found in scores.items()
    }
    return {
        f"{target}_{name}": found.select(pl.col(column).mean()).item()
        for target, found in ours.items()
        if found.height
        for name, column in columns
    }


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=["planning_run", telemetry_15m, effective_price],
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec(SAME_AGAIN, asset="plan_replay", description=ON_SAME_AGAIN)],
)
def plan_replay(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Some decisions of the day made again: inputs read as known then, the problem solved again, every row compared."""
    wanted, told = windows(context, ems), list[str]()
    ledger = Ledger(context, ems, wanted)
    for window in wanted:
        for day in window.days:
            with ledger.each(window.site, day):
                told += _replay(ledger, ems, window.part(day, day))
    result = ledger.close()
    verdict = dg.AssetCheckResult(
        check_name=SAME_AGAIN, passed=not told, severity=dg.AssetCheckSeverity.WARN,
        metadata={"found": dg.MetadataValue.md("\n".join(f"- {one}" for one in told[:50]) or "nothing")},
    )  # fmt: skip
    return result._replace(check_results=[verdict])


def _replay(ledger: Ledger, ems: Platform, window: SiteWindow) -> list[str]:
    """Note what became of a day's replays; those that are not the same are returned in words."""
    site, day = window.site, window.first
    found = replaying.nightly(ems.warehouse, window, ems.clock.now())
    if not found:
        ledger.not_yet(site, day, "nothing was decided")
        return []
    counted = Counter(one.verdict for one in found)
    ledger.made(
        site, day, len(found), same=counted["same"], differs=counted["differs"], unrecorded=counted["unrecorded"],
        read_seconds=sum(one.read_s for one in found), solve_seconds=sum(one.solve_s for one in found),
    )  # fmt: skip
    return [f"{site.key}: {one.in_words}" for one in found if one.verdict != "same"]


def _total(frame: pl.DataFrame, column: str) -> float | None:
    """Sum of what is known; None where nothing is."""
    known = frame[column].drop_nulls() if frame.height else pl.Series([], dtype=pl.Float64)
    return None if known.is_empty() else float(known.sum())


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[audit_day, "shadow_plan"],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def planner_day(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """The day lived through under the live planner and under its challenger, and what the challenger has shown by now.

    The newest day that is over decides who plans, or asks a person: docs/planner.md.
    """
    ledger = Ledger(context, ems, windows(context, ems))
    return ledger.day_by_day(partial(_compare, ledger, ems.clock))


def _compare(ledger: Ledger, clock: Clock, connection: Connection, window: SiteWindow) -> None:
    site, day, now = window.site, window.first, clock.now()
    if window.end > now:
        ledger.not_yet(site, day, "it is not over")
        return
    row = contest.settle(connection, site, window, now)
    is_newest = time_grid.local_day(now, window.zone) - day == time_grid.ONE_DAY
    verdict = contest.judge(connection, site, day, now) if is_newest else None
    if row is None:
        ledger.made(site, day, 0, nothing="the site file names no challenger")
        return
    shown: dict[str, Any] = {
        name: row[name] for name in ("net_cost", "shadow_net_cost", "measured_net_cost") if row[name]
    }
    if verdict is not None:
        shown |= {"days": verdict.days, "outcome": verdict.outcome}
    ledger.made(site, day, 1, **shown, refused=row["refused"] or "no", compared=row["compared"])
