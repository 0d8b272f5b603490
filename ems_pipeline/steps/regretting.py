"""Days that are settled, split by what cost them more than they had to: `backtest.regret` over what is stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from ems_pipeline.arrays import Array
from ems_pipeline.audit.baselines import blindly
from ems_pipeline.audit.compared import Day
from ems_pipeline.backtest import regret
from ems_pipeline.backtest.regret import AsTold, Believed, Field, Link, Part
from ems_pipeline.local_time import INSTANT
from ems_pipeline.plan.solving.solve import EFFORT
from ems_pipeline.sites import PvArray, Site
from ems_pipeline.sites.wish import Unfit, Wish
from ems_pipeline.steps import comparing
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.warehouse import regrets
from ems_pipeline.warehouse.engine import Connection

SUN = PvArray(key="sun", device=None, peak_power_w=1_000.0, tilt_deg=35, azimuth_deg=180)
"""Stands for all that feeds the bus; what it gives is measured."""


class NotSplit(ValueError):
    """What a day cost more cannot be split any further; the text says why."""


def regret_day(connection: Connection, window: SiteWindow, as_known_at: datetime) -> list[Part]:
    """Split and store what a settled day cost more than it had to; what says the same as before is left as it is.

    Returns:
        The parts; none where nothing of the day is stored.
    """
    day = comparing.settled_day(connection, window)
    if day is None:
        return []
    parts = _parts(connection, window, day)
    kinds = {"part": pl.String, "amount": pl.Float64, "missing": pl.String}
    labelled = pl.DataFrame([asdict(part) for part in parts], schema=kinds).with_columns(
        site_key=pl.lit(window.site.key),
        day=pl.lit(window.first),
        currency=pl.lit(window.site.currency),
        known_at=pl.lit(as_known_at).cast(INSTANT),
    )
    regrets.put(connection, labelled)
    return parts


def _parts(connection: Connection, window: SiteWindow, day: Day) -> list[Part]:
    site = window.site
    best = comparing.foresight(day, site.grid)
    if best.missing is not None:
        return regret.unknown(best.missing)
    assert best.energy_cost is not None
    assert best.stored_change_wh is not None
    field = _field(site, day)
    measured = day.energy_cost(day.series("grid_w")) - field.worth * day.whole["stored_change_wh"] / 1000
    foreseen = best.energy_cost - field.worth * best.stored_change_wh / 1000
    links = [_as_modelled(field, day), *_as_decided(connection, window, field, day)]
    return regret.split(measured, [*links, Link("mode", foreseen)])


def _field(site: Site, day: Day) -> Field:
    """The day with all batteries as one, whose window holds what was measured."""
    storage, record, limits_w = comparing.playing_field(day, site.grid)
    assert day.start_soc_pct is not None
    one = site.batteries[0].model_copy(update={
        "capacity_wh": storage.capacity_wh, "charge_limit_w": storage.charge_limit_w,
        "discharge_limit_w": storage.discharge_limit_w, "charge_efficiency": storage.charge_efficiency,
        "discharge_efficiency": storage.discharge_efficiency, "min_soc_pct": storage.floor_pct,
        "max_soc_pct": storage.ceiling_pct,
    })  # fmt: skip
    home = site.model_copy(update={"batteries": (one,), "pv": (SUN,)})
    return Field(home, record, day.start_soc_pct, limits_w, day.whole["stored_value_per_kwh"])


def _as_modelled(field: Field, day: Day) -> Link:
    """The powers that the battery had, done by one of its few numbers."""
    did_w = day.series("battery_w")
    if (gaps := int(np.isnan(did_w).sum())) > 0:
        return Link("model", None, f"power of the battery was not measured in {gaps} quarter-hours")
    course = blindly(did_w, day.deficit_w, field.storage, field.start_soc_pct, field.limits_w[1])
    return Link("model", field.net_cost(course.grid_w, course.soc_pct))


def _as_decided(connection: Connection, window: SiteWindow, field: Field, day: Day) -> list[Link]:
    """From what devices were told to what they would have been told by who knew all."""
    others = regret.PARTS[1:-1]
    try:
        decisions = _decisions(connection, window, day)
        believed = _believed(connection, window, day, decisions)
    except NotSplit as fault:
        return [Link(part, None, str(fault)) for part in others]
    came = {
        "load_w": "load_w", "pv_available_w": "pv_w", "ev_w": "ev_w", "heat_pump_w": "heat_pump_w",
        "genset_w": "genset_w", "buy_per_kwh": "buy_per_kwh", "sell_per_kwh": "sell_per_kwh",
    }  # fmt: skip
    known = {name: day.series(measured) for name, measured in came.items()}
    return [_as_told(window.site, field, decisions), *regret.decided(field, believed, known)]


def _decisions(connection: Connection, window: SiteWindow, day: Day) -> list[dict[str, Any] | None]:
    """The plan of each slot, None where none held.

    Raises:
        NotSplit: several batteries are told apart, or no plan held when the day began.
    """
    site = window.site
    if len(site.batteries) != 1:
        raise NotSplit(f"{len(site.batteries)} batteries are told each its own, and one can be lived through")
    rows = regrets.decisions(connection, site.key, site.batteries[0].key, window.start, window.end)
    held = {row["starts_at"]: row for row in rows.iter_rows(named=True)}
    found = [held.get(at) for at in day.slots["starts_at"]]
    if found[0] is None:
        raise NotSplit("no plan held when the day began")
    return found


def _as_told(site: Site, field: Field, decisions: Sequence[dict[str, Any] | None]) -> Link:
    """What the plans told, obeyed by a battery of its few numbers."""
    wishes = list[Wish | None]()
    for one in decisions:
        if one is not None and one["mode"] is None:
            return Link("execution", None, "what the plans told the battery is not stored")
        wish = None if one is None else site.wish(site.batteries[0].key, one["mode"], json.loads(one["limits"] or "{}"))
        if isinstance(wish, Unfit):
            return Link("execution", None, f"a plan {wish.fault}")
        wishes.append(wish)
    return Link("execution", field.under(AsTold(wishes)))


def _believed(
    connection: Connection, window: SiteWindow, day: Day, decisions: Sequence[dict[str, Any] | None]
) -> Believed:
    """What the plans expected; where none held, the one before is what was known.

    Raises:
        NotSplit: a plan ended before the day did.
    """
    starts = day.slots["starts_at"].to_list()
    place = {at: t for t, at in enumerate(starts)}
    rows = regrets.believed(connection, window.site.key, window.start, window.end)
    held, of = ([place[at] for at in rows[name]] for name in ("held_at", "starts_at"))
    series = {name: np.full((len(starts), len(starts)), np.nan) for name in regrets.BELIEVED}
    for name, matrix in series.items():
        matrix[held, of] = rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    for t, one in enumerate(decisions):
        for matrix in series.values():
            if one is None:
                matrix[t, t:] = matrix[t - 1, t:]
            if not np.isfinite(matrix[t, t:]).all():
                raise NotSplit(f"the plan that held at {starts[t]:%H:%M} UTC ends before the day does")
    is_fresh = np.array(
        [one is not None and one["horizon_start"] == at for one, at in zip(decisions, starts, strict=True)]
    )
    options = next((one["options"] for one in decisions if one is not None and one["options"]), None)
    solved_with = EFFORT["rolling"] if options is None else json.loads(options)
    return Believed(series, is_fresh, _misread_wh(day, decisions, is_fresh), solved_with)


def _misread_wh(day: Day, decisions: Sequence[dict[str, Any] | None], is_fresh: Array) -> Array:
    """Energy in the cells that a plan was told less what was measured at its begin, Wh; 0 where either is not known."""
    assert day.storage is not None
    assert day.start_soc_pct is not None
    begun_pct = np.append(day.start_soc_pct, day.series("soc_pct")[:-1])
    told_wh = [np.nan if one is None or one["initial_wh"] is None else one["initial_wh"] for one in decisions]
    misread_wh = np.array(told_wh) - begun_pct / 100 * day.storage.capacity_wh
    return np.where(is_fresh & np.isfinite(misread_wh), misread_wh, 0.0)
