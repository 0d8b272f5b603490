"""What a generating set cost in each quarter-hour: fuel, starts, service; and the days without any.

Energy is measured, and so are the hours turned where the set tells its hour meter, warm-up and cool-down included. Fuel
is the gas meter's where there is one, else energy and hours by the fuel curve, at the price of the local day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ems_pipeline import local_time, time_grid, units
from ems_pipeline.arrays import Array
from ems_pipeline.sites import Genset

TURNS = 0.01
"""Share of the most power from which a set without an hour meter counts as turning the whole quarter-hour."""
LEAST_H = 0.01
"""Half a minute: less on the hour meter is its rounding."""
MOST_H = 1.05 * units.SLOT_HOURS
"""More cannot be turned in a quarter-hour: a meter replaced or read wrongly."""
SETTLED = pl.col("cost").is_not_null() & pl.col("no_genset_cost").is_not_null()


@dataclass(frozen=True)
class Ran:
    """A set's measured quarter-hours in order, NaN where not measured; the first is the one before the window.

    ``power_w``: means. ``hours``, ``gas_m3``: counters at their ends.
    """

    power_w: Array
    hours: Array
    gas_m3: Array


@dataclass(frozen=True)
class SetCost:
    """Per quarter-hour of the window, money of the site and kg; NaN where it cannot be known."""

    fuel: Array
    start: Array
    service: Array
    co2_kg: Array

    @classmethod
    def of(cls, genset: Genset, ran: Ran, days: Sequence[date]) -> SetCost:
        """Args: days: local day of each quarter-hour of the window; LookupError where fuel has no price on one."""
        curves = {day: genset.fuel_on(day) for day in set(days)}
        per_kwh, idle, m3_per_kwh = (np.array([curves[day][i] for day in days]) for i in range(3))
        turned_h = turned(genset, ran)
        kwh = units.kilo(units.slot_energy_wh(np.maximum(ran.power_w[1:], 0.0)))
        burnt = per_kwh * kwh + idle * turned_h[1:]
        if genset.fuel is not None:
            by_meter = np.diff(ran.gas_m3) * per_kwh / m3_per_kwh
            burnt = np.where(by_meter >= 0, by_meter, burnt)  # NaN and a meter set back are not
        begun = np.where(turned_h[1:] > 0, np.where(np.isnan(turned_h[:-1]), np.nan, turned_h[:-1] == 0), 0.0)
        begun = np.where(np.isnan(turned_h[1:]), np.nan, begun)
        co2 = np.full(len(kwh), np.nan) if genset.co2 is None else genset.co2 * kwh
        return cls(burnt, genset.price_of_start * begun, genset.service_cost_per_h * turned_h[1:], co2)


def turned(genset: Genset, ran: Ran) -> Array:
    """Hours turned in each quarter-hour, that before the window included: by the hour meter, else by power."""
    by_power = np.where(np.isnan(ran.power_w), np.nan, (ran.power_w >= TURNS * genset.max_power_w) * units.SLOT_HOURS)
    by_meter = np.diff(ran.hours, prepend=np.nan)
    by_meter = np.where(by_meter < LEAST_H, np.where(by_meter < 0, np.nan, 0.0), by_meter)
    is_told = (by_meter <= MOST_H) & ~((by_meter == 0) & (by_power > 0))  # a stuck meter is none
    return np.where(is_told, np.minimum(by_meter, units.SLOT_HOURS), by_power)


def settle_days(slots: pl.DataFrame, timezone: str, import_limit_w: float) -> pl.DataFrame:
    """What the sets of a site came to on each local day, and what the day would have been without them.

    Args:
        slots: rows of ``ems.audit_interval``.
        import_limit_w: of the connection; beyond it nothing can be bought, whatever a baseline wants.

    Returns:
        ``[day, genset_wh, genset_cost, genset_co2_kg, no_genset_cost, no_genset_saving, no_genset_over_wh,
        import_peak_w, no_genset_peak_w]``, over quarter-hours in which site and baseline have a cost; null where none
        has.
    """
    day = local_time.day(pl.col("starts_at"), time_grid.zone(timezone))
    parts = pl.sum_horizontal("genset_fuel_cost", "genset_start_cost", "genset_service_cost", ignore_nulls=False)

    def total(what: pl.Expr) -> pl.Expr:
        return pl.when(SETTLED.any()).then(what.filter(SETTLED).sum())

    over_w = (pl.col("no_genset_grid_w") - import_limit_w).clip(lower_bound=0)
    days = slots.group_by(day.alias("day"), maintain_order=True).agg(
        genset_wh=total(units.slot_energy_wh(pl.col("genset_w"))),
        genset_cost=total(parts),
        genset_co2_kg=pl.when((SETTLED & pl.col("genset_co2_kg").is_null()).sum() == 0).then(
            total(pl.col("genset_co2_kg"))
        ),
        no_genset_cost=total(pl.col("no_genset_cost")),
        site_cost=total(pl.col("cost")),
        no_genset_over_wh=total(units.slot_energy_wh(over_w)),
        import_peak_w=pl.col("grid_w").filter(SETTLED).max().clip(lower_bound=0),
        no_genset_peak_w=pl.col("no_genset_grid_w").filter(SETTLED).max().clip(lower_bound=0),
    )
    return days.with_columns(no_genset_saving=pl.col("no_genset_cost") - pl.col("site_cost")).drop("site_cost")
