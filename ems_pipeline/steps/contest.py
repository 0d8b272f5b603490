"""Live planner and challenger compared: days lived through under both, verdicts, and who plans from then on.

Both live a day from the charge measured at its begin, on what was measured, at the prices it was settled at. What the
audit measured of the day stands beside the live planner's modelled money: the difference is what the model does not
know (devices that did otherwise, a limit, losses).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.backtest.history import Record
from ems_pipeline.backtest.month import as_lived
from ems_pipeline.backtest.promotion import Verdict, judged
from ems_pipeline.backtest.recorded import Asked, net_costs
from ems_pipeline.backtest.study import StudyInvalid
from ems_pipeline.devices.installed import obedience
from ems_pipeline.plan import Problem
from ems_pipeline.sites import Site
from ems_pipeline.sites.planner import Roles, roles
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.version import code_version
from ems_pipeline.warehouse import alarms, audits, planners
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.planners import Contest

READY, CHANGED = "challenger-ready", "planner-changed"
"""Kinds of the alarm that asks a person, and of the one that tells of a change until the next night."""
ITSELF = "ems"
"""By whom a challenger is promoted that takes over by itself."""


class NotCompared(ValueError):
    """A day that cannot be compared; the text says why."""


@dataclass(frozen=True)
class Day:
    """What is stored of a day: measured quarter-hours, the charge it began with, and decisions of both."""

    slots: pl.DataFrame
    start_soc_pct: float
    decided: pl.DataFrame


def settle(connection: Connection, site: Site, window: SiteWindow, at: datetime) -> dict[str, Any] | None:
    """Compare a day of a site, and keep what came of it; None where it has no challenger.

    Args:
        window: one local day that is over.
    """
    begun, ended = (
        roles(site.planning, planners.promoted(connection, [site], then).get(site.key))
        for then in (window.start, window.end)
    )
    if ended.shadow is None:
        return None
    decided = planners.both(connection, site.key, window.start, window.end)
    shared = decided.filter(pl.col("shadow").is_not_null())
    row: dict[str, Any] = {
        "site_key": site.key, "day": window.first, **Contest.of(site, ended).values, "decisions": decided.height,
        "compared": shared.height, "refused": None, "currency": site.currency, "net_cost": None,
        "shadow_net_cost": None, "measured_net_cost": _measured(connection, site, window),
        "code_version": code_version(), "known_at": at,
    }  # fmt: skip
    try:
        if begun != ended:
            raise NotCompared("the roles changed during the day")
        home = _livable(site)
        row |= _lived(home, ended, _day(connection, site, window, shared))
    except (NotCompared, StudyInvalid) as fault:
        row["refused"] = str(fault)
    planners.put_day(connection, row)
    return row


def _measured(connection: Connection, site: Site, window: SiteWindow) -> float | None:
    """Net money of the day as the audit has it; None where it is not settled whole."""
    days = audits.summary(connection, site.key, window.first, window.first)
    if days.is_empty():
        return None
    day = days.row(0, named=True)
    is_whole = day["settled_slots"] == time_grid.count_slots(window.start, window.end)
    return float(day["cost"] - day["stored_value"]) if is_whole and day["stored_value"] is not None else None


def _livable(site: Site) -> Site:
    """The part of a site that is lived through.

    Raises:
        NotCompared, StudyInvalid: something is planned there that arithmetic cannot live through.
    """
    steered = obedience.steerable(site)
    kinds = ("chargers", "heat_pumps", "deferrables", "gensets")
    others = [part.key for kind in kinds for part in getattr(steered, kind)]
    if others:
        raise NotCompared(
            f"{', '.join(others)} of {site.key} cannot be lived through: the comparison knows one battery"
        )
    return as_lived(site)


def _day(connection: Connection, site: Site, window: SiteWindow, shared: pl.DataFrame) -> Day:
    """What is stored of a day that can be compared.

    Raises:
        NotCompared: a quarter-hour was not measured or priced, or decisions of both lie too far apart.
    """
    slots = audits.slots(connection, site.key, window.start - time_grid.SLOT, window.end)
    count = time_grid.count_slots(window.start, window.end)
    needed = ["load_w", "pv_w", "ev_w", "heat_pump_w", "soc_pct", "buy_per_kwh", "sell_per_kwh"]
    known = slots.drop_nulls(needed)
    of_day = known.filter(pl.col("starts_at") >= window.start)
    if of_day.height < count:
        raise NotCompared(f"{of_day.height} of {count} quarter-hours were measured and priced")
    eve = known.filter(pl.col("starts_at") < window.start)
    if eve.is_empty():
        raise NotCompared("the charge at its begin was not measured")
    old = time_grid.MINUTE * site.control.max_plan_age_minutes
    at = [window.start - time_grid.SLOT, *shared["starts_at"], window.end]
    gap = max((after - before for before, after in itertools.pairwise(at)), default=old)
    if shared.is_empty() or shared["starts_at"][0] != window.start or gap > old:
        raise NotCompared(f"both decided in {shared.height} of {count} quarter-hours, too far apart to be followed")
    return Day(of_day, float(eve["soc_pct"][-1]), shared)


def _lived(home: Site, who: Roles, day: Day) -> dict[str, float]:
    """Money of the day under both, modelled.

    Raises:
        NotCompared: another planner than the one of these roles decided, or the meter has terms that no day settles.
    """
    assert who.shadow is not None
    if set(day.decided["planner"]) != {who.live.name} or set(day.decided["shadow"]) != {who.shadow.name}:
        raise NotCompared("another planner decided in some quarter-hours")
    slots = day.slots
    load_w = (slots["load_w"] + slots["ev_w"] + slots["heat_pump_w"]).to_numpy()
    buy, sell = (slots[name].to_numpy() for name in ("buy_per_kwh", "sell_per_kwh"))
    actual = Record(slots["starts_at"].to_list(), buy, sell, load_w, slots["pv_w"].to_numpy())
    place = {at: t for t, at in enumerate(actual.starts)}
    costs = {}
    for name, side in (("net_cost", ""), ("shadow_net_cost", "shadow_")):
        rows = day.decided.select("starts_at", f"{side}problem", f"{side}options").rows()
        problems = {place[at]: Problem.from_json(text) for at, text, _ in rows}
        if any(one.grid.peak_price_per_kw or one.grid.events for one in problems.values()):
            raise NotCompared("a charge on the month's peak or an event of the grid is settled by no day")
        asked = Asked(problems, json.loads(rows[0][2]))
        costs[name] = float(net_costs(home, actual, day.start_soc_pct, asked)["net_cost"].sum())
    return costs


def judge(connection: Connection, site: Site, last: date, at: datetime) -> Verdict | None:
    """Judge a challenger by its days up to ``last``; promote it or ask, as the site file says. None: there is none."""
    who = roles(site.planning, planners.promoted(connection, [site], at).get(site.key))
    alarms.clear(connection, site.key, CHANGED, at)
    if who.shadow is None:
        alarms.clear(connection, site.key, READY, at)
        return None
    verdict = judged(planners.gains(connection, site, Contest.of(site, who), last))
    numbers = (None, None, None) if verdict.gain is None else astuple(verdict.gain)
    names = dict(zip(("gain", "gain_low", "gain_high"), numbers, strict=True))
    said = {"live": who.live.name, "shadow": who.shadow.name, "shadow_options": json.dumps(dict(who.shadow.options))}
    planners.put_verdict(
        connection,
        {"site_key": site.key, "judged_at": at, "days": verdict.days, "outcome": verdict.outcome,
         "currency": site.currency, **said, **names},
    )  # fmt: skip
    _follow(connection, site, who, verdict, at)
    return verdict


def _follow(connection: Connection, site: Site, who: Roles, verdict: Verdict, at: datetime) -> None:
    """Promote, ask, or leave it."""
    assert who.shadow is not None
    if verdict.outcome != "wins" or site.planning.promote == "never":
        alarms.clear(connection, site.key, READY, at)
        return
    words = " ".join(in_words(site, who, verdict))
    if site.planning.promote == "ask":
        text = f"{words} `ems planner promote {site.key}` lets it take over."
        alarms.raise_alarm(connection, site.key, READY, "info", text, at)
        return
    planners.promote(connection, site.key, ITSELF, "", at)
    alarms.clear(connection, site.key, READY, at)
    alarms.raise_alarm(connection, site.key, CHANGED, "info", f"{words} It plans from now on.", at)


def in_words(site: Site, who: Roles, verdict: Verdict) -> Iterator[str]:
    """What a challenger has shown, in sentences."""
    assert who.shadow is not None
    assert verdict.gain is not None
    gain = verdict.gain
    yield f"Planner {who.shadow.name} would have paid {gain.value:.2f} {site.currency} less than {who.live.name}"
    yield f"in {verdict.days} days (95 %: {gain.low:.2f} to {gain.high:.2f})."
