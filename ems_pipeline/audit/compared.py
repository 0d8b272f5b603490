"""A settled day beside what it would have been: what was measured and every baseline, a row each.

All of them are sums over the same quarter-hours, those that are settled, and value what stays in the battery alike.
Cars, heat pumps and generating sets did what they did. A baseline that cannot be known has no figures but the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.audit import baselines
from ems_pipeline.audit.baselines import Course
from ems_pipeline.audit.settlement import SETTLED, meter_cost
from ems_pipeline.audit.storage import Storage
from ems_pipeline.sites import Battery, FixedTariff


@dataclass(frozen=True)
class Wear:
    """Money per kWh that goes into and out of the batteries, weighted by capacity as `Storage.of` does."""

    in_per_kwh: float
    out_per_kwh: float

    @classmethod
    def of(cls, batteries: Sequence[Battery]) -> Wear:
        """Nothing wears where no battery is."""
        whole = sum(b.capacity_wh for b in batteries) or 1.0
        into = sum(b.wear_per_kwh * b.capacity_wh for b in batteries) / whole
        return cls(into, sum(b.wear_out_per_kwh * b.capacity_wh for b in batteries) / whole)

    def cost(self, charge_w: Array, discharge_w: Array) -> float | None:
        """Of mean powers over slots, both >= 0; None where one is not known."""
        into, out = (units.kilo(units.slot_energy_wh(float(np.sum(power_w)))) for power_w in (charge_w, discharge_w))
        worn = self.in_per_kwh * into + self.out_per_kwh * out
        return worn if np.isfinite(worn) else None


@dataclass(frozen=True)
class Compared:
    """A row of ``ems.baseline_day``: money of the site, > 0 paid; None: not known, ``missing`` says why."""

    baseline: str
    energy_cost: float | None = None
    fuel_cost: float | None = None
    wear_cost: float | None = None
    stored_change_wh: float | None = None
    end_soc_pct: float | None = None
    is_modelled: bool = True
    missing: str | None = None


@dataclass(frozen=True)
class Day:
    """A local day that is over, slot by slot, NaN where nothing was measured.

    Attributes:
        slots: rows of ``ems.audit_interval`` of the day, in order.
        whole: its row as `settlement.settle_days` adds it up.
        storage, wear: of the site's batteries; None without one.
        start_soc_pct: measured charge before the first slot; None where it is not known.
        export_limit_w: of the connection.
    """

    slots: pl.DataFrame
    whole: dict[str, Any]
    storage: Storage | None
    wear: Wear
    start_soc_pct: float | None
    export_limit_w: float

    def series(self, name: str) -> Array:
        """A column as numbers, NaN where it is not known."""
        return self.slots[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()

    @property
    def settled(self) -> Array:
        """Whether a slot counts."""
        return self.slots.select(SETTLED).to_series().to_numpy()

    @property
    def deficit_w(self) -> Array:
        """Consumption less PV and generating sets, W."""
        return self.consumption_w - self.series("pv_w") - self.series("genset_w")

    @property
    def consumption_w(self) -> Array:
        """House, cars and heat pumps, W."""
        return self.series("load_w") + self.series("ev_w") + self.series("heat_pump_w")

    @property
    def fuel_cost(self) -> float:
        """Fuel, starts and service over the settled slots; every settled slot knows them."""
        parts = ("genset_fuel_cost", "genset_start_cost", "genset_service_cost")
        return float(self.slots.filter(SETTLED).select(pl.sum_horizontal(*parts).sum()).item())

    def energy_cost(self, grid_w: Array, fixed: FixedTariff | None = None) -> float:
        """Money at the meter over the settled slots, at the prices of the time or at fixed ones."""
        buy, sell = self.series("buy_per_kwh"), self.series("sell_per_kwh")
        if fixed is not None:
            buy, sell = np.full(len(buy), fixed.buy_per_kwh), np.full(len(sell), fixed.sell_per_kwh)
        return float(meter_cost(grid_w, buy, sell)[self.settled].sum())

    def wear_cost(self, battery_w: Array) -> float | None:
        """Of battery powers, > 0 discharges."""
        here = battery_w[self.settled]
        return self.wear.cost(np.maximum(-here, 0.0), np.maximum(here, 0.0))

    def played(self, name: str, course: Course, start_soc_pct: float, *, is_kept: bool) -> Compared:
        """The row of a battery that was played; ``is_kept``: it enters the next day with its own charge."""
        assert self.storage is not None
        end_pct = float(course.soc_pct[-1])
        changed_wh = (end_pct - start_soc_pct) / 100 * self.storage.capacity_wh
        cost, worn = self.energy_cost(course.grid_w), self.wear_cost(course.battery_w)
        return Compared(name, cost, self.fuel_cost, worn, changed_wh, end_pct if is_kept else None)


NO_BATTERY = "the site has no battery"
NO_CHARGE = "the charge at the day's begin was not measured"


def as_settled(day: Day, *, has_gensets: bool) -> list[Compared]:
    """What was measured, no battery, no generating set, self-use: the rows that ``ems.audit_day`` has as columns."""
    whole, grid_w = day.whole, day.series("grid_w")
    rows = [
        Compared(
            "measured", day.energy_cost(grid_w), day.fuel_cost, day.wear_cost(day.series("battery_w")),
            whole["stored_change_wh"], is_modelled=False,
        ),
        Compared(
            "none", day.energy_cost(day.series("no_battery_grid_w")), day.fuel_cost, 0.0, 0.0, is_modelled=False
        ),
    ]  # fmt: skip
    if has_gensets:
        apart_w = day.series("no_genset_grid_w")
        rows.append(replace(rows[0], baseline="no_genset", energy_cost=day.energy_cost(apart_w), fuel_cost=0.0))
    return [*rows, _self_use(day, "self_use", None)]


def _self_use(day: Day, name: str, fixed: FixedTariff | None) -> Compared:
    cost = day.energy_cost(day.series("self_use_grid_w"), fixed)
    worn, changed_wh = day.wear_cost(day.series("self_use_battery_w")), day.whole["self_use_stored_change_wh"]
    return Compared(name, cost, day.fuel_cost, worn, changed_wh, is_modelled=day.storage is not None)


def at_fixed_tariff(day: Day, fixed: FixedTariff | None) -> Compared:
    """The home under a contract of one price, its battery on self-use, as no price tells it to do anything else."""
    if fixed is None:
        return Compared("fixed_tariff", missing="the site file states no fixed_tariff")
    return _self_use(day, "fixed_tariff", fixed)


def by_timer(day: Day, own_soc_pct: float | None) -> Compared:
    """A timer; ``own_soc_pct``: the charge with which its battery left the day before, where that is known."""
    if day.storage is None:
        return Compared("timer", missing=NO_BATTERY)
    start_pct = day.start_soc_pct if own_soc_pct is None else own_soc_pct
    if start_pct is None:
        return Compared("timer", missing=NO_CHARGE)
    buy, one_day = day.series("buy_per_kwh"), np.zeros(day.slots.height)
    course = baselines.timer(day.deficit_w, buy, one_day, day.storage, start_pct, day.export_limit_w)
    return day.played("timer", course, start_pct, is_kept=True)


def open_loop(day: Day, name: str, told_w: Array | None) -> Compared:
    """The battery powers of a plan, executed whatever came.

    Args:
        told_w: of each slot, > 0 discharges, NaN where the plan does not reach; None: there was no plan.
    """
    if day.storage is None:
        return Compared(name, missing=NO_BATTERY)
    if told_w is None:
        return Compared(name, missing="no executable plan was known when the day began")
    if day.start_soc_pct is None:
        return Compared(name, missing=NO_CHARGE)
    if (reached := int(np.isfinite(told_w).sum())) < len(told_w):
        return Compared(name, missing=f"the plan reaches {reached} of {len(told_w)} quarter-hours of the day")
    course = baselines.blindly(told_w, day.deficit_w, day.storage, day.start_soc_pct, day.export_limit_w)
    return day.played(name, course, day.start_soc_pct, is_kept=False)


def frame(rows: Sequence[Compared], whole: dict[str, Any]) -> pl.DataFrame:
    """Rows of ``ems.baseline_day``, their stored energy valued as that of the site."""
    value, texts = whole["stored_value_per_kwh"], ("baseline", "missing")
    names = list(asdict(rows[0]))
    kinds = {n: pl.String if n in texts else pl.Boolean if n == "is_modelled" else pl.Float64 for n in names}
    return pl.DataFrame([asdict(row) for row in rows], schema=kinds).with_columns(
        stored_value=units.kilo(pl.col("stored_change_wh")) * pl.lit(value, pl.Float64),
        settled_slots=pl.lit(whole["settled_slots"]).cast(pl.Int32),
        slots=pl.lit(whole["slots"]).cast(pl.Int32),
    )
