"""Days that are settled, compared: every baseline played over what was measured, and stored as a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ems_pipeline.arrays import Array
from ems_pipeline.audit import compared
from ems_pipeline.audit.compared import Compared, Day, Wear
from ems_pipeline.audit.settlement import settle_days
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest import bounds
from ems_pipeline.backtest.history import Record
from ems_pipeline.local_time import INSTANT
from ems_pipeline.sites import GridConnection
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import audits, baselines
from ems_pipeline.warehouse.engine import Connection

FORESIGHT = "foresight"
PLANS = {"yesterdays_plan": baselines.day_ahead_plan, "last_plan": baselines.plan_in_force}


def compare_day(connection: Connection, window: SiteWindow, as_known_at: datetime) -> list[Compared]:
    """Play and store the baselines of a settled day; what says the same as before is left as it is.

    Days are compared in order: a timer's battery enters a day with the charge it left the day before with.

    Returns:
        The rows; none where nothing of the day is stored.
    """
    site, day = window.site, settled_day(connection, window)
    if day is None:
        return []
    rows = _rows(connection, window, day)
    if not day.whole["settled_slots"]:
        rows = [Compared(row.baseline, missing="no quarter-hour of the day is settled") for row in rows]
    labelled = compared.frame(rows, day.whole).with_columns(
        site_key=pl.lit(site.key),
        day=pl.lit(window.first),
        currency=pl.lit(site.currency),
        known_at=pl.lit(as_known_at).cast(INSTANT),
    )
    baselines.put(connection, labelled)
    return rows


def settled_day(connection: Connection, window: SiteWindow) -> Day | None:
    """A local day as the audit has it; None where nothing of it is stored."""
    site, start = window.site, window.start
    slots = audits.slots(connection, site.key, start - SLOT, window.end)
    days = settle_days(slots, site.timezone, Storage.of(site.batteries)).filter(pl.col("day") == window.first)
    if days.is_empty():
        return None
    charge_pct = baselines.charge_before(connection, site.key, start)
    return Day(
        slots.filter(pl.col("starts_at") >= start), days.row(0, named=True), Storage.of(site.batteries),
        Wear.of(site.batteries), charge_pct, site.grid.export_limit_w,
    )  # fmt: skip


def _rows(connection: Connection, window: SiteWindow, day: Day) -> list[Compared]:
    site = window.site
    own_pct = baselines.own_charge(connection, site.key, "timer", window.first - timedelta(days=1))
    rows = compared.as_settled(day, has_gensets=bool(site.gensets))
    rows += [compared.at_fixed_tariff(day, site.fixed_tariff), compared.by_timer(day, own_pct)]
    for name, found in PLANS.items():
        plan_id = found(connection, site.key, window.start)
        told_w = None if plan_id is None else _told_w(connection, plan_id, day, window)
        rows.append(compared.open_loop(day, name, told_w))
    return [*rows, foresight(day, site.grid)]


def _told_w(connection: Connection, plan_id: str, day: Day, window: SiteWindow) -> Array:
    """Battery power of a plan per slot of the day, NaN where it does not reach."""
    told = baselines.battery_w(connection, plan_id, window.start, window.end)
    joined = day.slots.select("starts_at").join(told, on="starts_at", how="left", maintain_order="left")
    return joined["battery_w"].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def foresight(day: Day, grid: GridConnection) -> Compared:
    """The day by who knew at its begin all that came: nobody's battery can do it for less (`bounds.foreseen`)."""
    if (why := unforeseen(day)) is not None:
        return Compared(FORESIGHT, missing=why)
    storage, record, limits_w = playing_field(day, grid)
    assert day.start_soc_pct is not None
    worth = day.whole["stored_value_per_kwh"]
    found = bounds.foreseen(record, range(day.slots.height), storage, day.start_soc_pct, limits_w, worth)
    return Compared(
        FORESIGHT, float(found.meter_cost.sum()), day.fuel_cost, day.wear.cost(found.charge_w, found.discharge_w),
        float(found.stored_change_wh.sum()),
    )  # fmt: skip


def unforeseen(day: Day) -> str | None:
    """Why nobody can say what foresight would have made of a day; None: it can be said."""
    settled, whole = int(day.settled.sum()), day.slots.height
    if day.storage is None:
        return compared.NO_BATTERY
    if day.start_soc_pct is None or day.whole["stored_value_per_kwh"] is None:
        return compared.NO_CHARGE
    return None if settled == whole else f"{settled} of {whole} quarter-hours are settled, and it needs all"


def playing_field(day: Day, grid: GridConnection) -> tuple[Storage, Record, tuple[float, float]]:
    """What a day can be lived with otherwise: the battery, what came, limits of import and export, W.

    A connection that carried more than its limit carries it here, too, and a charge outside the battery's window is
    inside it, so that what happened is never better than what could have.
    """
    assert day.storage is not None
    assert day.start_soc_pct is not None
    reached = np.append(day.series("soc_pct")[np.isfinite(day.series("soc_pct"))], day.start_soc_pct)
    storage = replace(
        day.storage,
        floor_pct=min(day.storage.floor_pct, float(reached.min())),
        ceiling_pct=max(day.storage.ceiling_pct, float(reached.max())),
    )
    record = Record(
        day.slots["starts_at"].to_list(), day.series("buy_per_kwh"), day.series("sell_per_kwh"),
        day.consumption_w, day.series("pv_w") + day.series("genset_w"),
    )  # fmt: skip
    most_w = max(grid.import_limit_w, float(np.max(day.deficit_w)), float(np.max(day.series("grid_w"))))
    return storage, record, (most_w, grid.export_limit_w)
