"""Slots added up to days: costs, savings against each baseline, and the worth of what stays in the battery.

Only slots in which the site and both baselines have a cost are compared (`settled_slots`); coverage says how much of
the day that is. Savings count money on the bill and the change in stored energy, not the wear of the battery: the
throughput stands beside them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ems_pipeline import local_time, time_grid, units
from ems_pipeline.arrays import Array
from ems_pipeline.audit.storage import Storage
from ems_pipeline.plan.assembly import end_value

SETTLED = pl.col("cost").is_not_null() & pl.col("no_battery_cost").is_not_null() & pl.col("self_use_cost").is_not_null()


def meter_cost(grid_w: Array, buy_per_kwh: Array, sell_per_kwh: Array) -> Array:
    """Money of slots at a mean grid power (W, > 0 import), as ``ems.fn_slot_cost`` has it in the database."""
    return np.asarray(np.where(grid_w > 0, grid_w * buy_per_kwh, grid_w * sell_per_kwh) * units.SLOT_HOURS / 1000)


def settle_days(slots: pl.DataFrame, timezone: str, storage: Storage | None) -> pl.DataFrame:
    """One row per local civil day.

    The change in stored energy is worth, per kWh in the cells, what a kWh was typically worth on the day
    (`plan.end_value.typical_price`), without wear: the median over its slots of the buying price where energy was short
    and the selling price where there was too much, times the discharging efficiency. The rule is the same for site and
    baselines, so over consecutive days it cancels but for the price differences between days.

    Args:
        slots: rows of ``ems.audit_interval`` in order; a row before the first day gives the charge it began with.
        timezone: the site's IANA zone.
        storage: the site's batteries, None without one.

    Returns:
        ``[day, slots, settled_slots, coverage_pct, cost, planned_cost, import_wh, export_wh, consumption_wh, pv_wh,
        throughput_wh, self_use_throughput_wh, stored_change_wh, self_use_stored_change_wh, stored_value_per_kwh,
        no_battery_cost, self_use_cost, no_battery_saving, self_use_saving, is_provisional]``; what cannot be known is
        null. ``planned_cost`` is null unless every settled slot was planned.
    """
    day = local_time.day(pl.col("starts_at"), time_grid.zone(timezone))
    known = slots.sort("starts_at").with_columns(
        day=day,
        soc_before=pl.col("soc_pct").shift(1),
        self_use_soc_before=pl.col("self_use_soc_pct").shift(1),
    )
    totals = known.group_by("day", maintain_order=True).agg(
        slots=pl.len(),
        settled_slots=SETTLED.sum(),
        coverage_pct=pl.col("coverage_pct").mean(),
        cost=_sum("cost"),
        planned_cost=pl.when((SETTLED & pl.col("planned_cost").is_null()).sum() == 0).then(_sum("planned_cost")),
        import_wh=_energy(pl.col("grid_w").clip(lower_bound=0)),
        export_wh=_energy(-pl.col("grid_w").clip(upper_bound=0)),
        consumption_wh=_energy(pl.col("load_w") + pl.col("ev_w") + pl.col("heat_pump_w")),
        pv_wh=_energy(pl.col("pv_w")),
        throughput_wh=_energy(pl.col("battery_w").abs()),
        self_use_throughput_wh=_energy(pl.col("self_use_battery_w").abs()),
        stored_change_wh=_stored_change("soc_before", "soc_pct", storage),
        self_use_stored_change_wh=_stored_change("self_use_soc_before", "self_use_soc_pct", storage),
        no_battery_cost=_sum("no_battery_cost"),
        self_use_cost=_sum("self_use_cost"),
        is_provisional=pl.col("is_price_provisional").any(),
    )
    totals = totals.join(_stored_values(known, storage), on="day", how="left", maintain_order="left")
    value = pl.col("stored_value_per_kwh")
    kept, rule_kept = units.kilo(pl.col("stored_change_wh")), units.kilo(pl.col("self_use_stored_change_wh"))
    return totals.with_columns(
        no_battery_saving=pl.col("no_battery_cost") - pl.col("cost") + value * kept,
        self_use_saving=pl.col("self_use_cost") - pl.col("cost") + value * (kept - rule_kept),
    )


def _sum(column: str) -> pl.Expr:
    """Sum over settled slots; null, not 0, where none is."""
    return pl.when(SETTLED.any()).then(pl.col(column).filter(SETTLED).sum())


def _energy(power_w: pl.Expr) -> pl.Expr:
    return pl.when(SETTLED.any()).then(units.slot_energy_wh(power_w.filter(SETTLED).sum()))


def _stored_values(slots: pl.DataFrame, storage: Storage | None) -> pl.DataFrame:
    """What a kWh in the cells is worth per day; days without a price and a measurement are left out."""
    columns = ["buy_per_kwh", "sell_per_kwh", "no_battery_grid_w"]
    worth = {}
    for (day,), rows in slots.drop_nulls(columns).partition_by("day", as_dict=True).items():
        buy, sell, deficit_w = (rows[column].to_numpy() for column in columns)
        price = end_value.typical_price(buy, sell, -deficit_w)
        worth[day] = end_value.cells(price, storage.discharge_efficiency, 0.0) if storage else 0.0
    return pl.DataFrame(
        {"day": list(worth), "stored_value_per_kwh": list(worth.values())},
        schema={"day": pl.Date, "stored_value_per_kwh": pl.Float64},
    )


def _stored_change(before: str, after: str, storage: Storage | None) -> pl.Expr:
    """Energy in the cells at the last known charge of the day minus that before it, Wh; 0 without a battery."""
    if storage is None:
        return pl.lit(0.0)
    first = pl.coalesce(pl.col(before).first(), pl.col(after).drop_nulls().first())
    return (pl.col(after).drop_nulls().last() - first) / 100 * storage.capacity_wh
