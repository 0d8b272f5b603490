"""What no planner can beat, and what needs none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.audit.baselines import self_use, timer
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.closed_loop import Lived
from ems_pipeline.backtest.history import Record
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.solving import solver

TIME_LIMIT_S = 600.0
DAY = 96


def by_itself(record: Record, slots: range, storage: Storage, start_soc_pct: float, export_limit_w: float) -> Lived:
    """Self-use: the rule that needs no planner (`audit.baselines.self_use`)."""
    here = slice(slots.start, slots.stop)
    course = self_use(record.load_w[here] - record.pv_w[here], storage, start_soc_pct, export_limit_w)
    return Lived(course.grid_w, course.battery_w, course.soc_pct, ())


def by_timer(record: Record, slots: range, storage: Storage, start_soc_pct: float, export_limit_w: float) -> Lived:
    """A timer, every 96 quarter-hours being a day (`audit.baselines.timer`)."""
    here = slice(slots.start, slots.stop)
    days = np.arange(len(slots), dtype=float) // DAY
    deficit_w = record.load_w[here] - record.pv_w[here]
    course = timer(deficit_w, record.buy_per_kwh[here], days, storage, start_soc_pct, export_limit_w)
    return Lived(course.grid_w, course.battery_w, course.soc_pct, ())


@dataclass(frozen=True)
class Foreseen:
    """Per slot what is done by who knows all of them: money at the meter, W into and out of the battery, change in the
    cells, Wh.
    """

    meter_cost: Array
    charge_w: Array
    discharge_w: Array
    stored_change_wh: Array


def least_cost(
    record: Record, slots: range, storage: Storage, start_soc_pct: float, limits_w: tuple[float, float],
    stored_per_kwh: float,
) -> Array:  # fmt: skip
    """Money of each slot less the worth of its change in stored energy, as in `foreseen`: nobody can do it for less."""
    found = foreseen(record, slots, storage, start_soc_pct, limits_w, stored_per_kwh)
    return np.asarray(found.meter_cost - stored_per_kwh * units.kilo(found.stored_change_wh))


def foreseen(
    record: Record, slots: range, storage: Storage, start_soc_pct: float, limits_w: tuple[float, float],
    stored_per_kwh: float,
) -> Foreseen:  # fmt: skip
    """What costs least with load, PV and prices of all slots known at the first one.

    A linear program, so its battery may charge and discharge at once where burning energy pays: the bound is then below
    what any battery can reach.

    Args:
        limits_w: of import and of export.
        stored_per_kwh: worth of a kWh in the cells at the end, as `intervals.costs` counts it in every slot.
    """
    here, n, h = slice(slots.start, slots.stop), len(slots), units.SLOT_HOURS
    every = np.arange(n, dtype=np.int32)
    buy, sell = record.buy_per_kwh[here], record.sell_per_kwh[here]
    model = Model()
    imported = model.columns("import", every, 0.0, units.kilo(limits_w[0]), h * buy)
    exported = model.columns("export", every, 0.0, units.kilo(limits_w[1]), -h * sell)
    charge = model.columns("charge", every, 0.0, units.kilo(storage.charge_limit_w))
    discharge = model.columns("discharge", every, 0.0, units.kilo(storage.discharge_limit_w))
    used = model.columns("pv", every, 0.0, units.kilo(record.pv_w[here]))
    low, high = (units.kilo(pct / 100 * storage.capacity_wh) for pct in (storage.floor_pct, storage.ceiling_pct))
    stored = model.columns("energy", every, low, high)
    load = units.kilo(record.load_w[here])
    bus = model.rows("balance", every, load, load)
    for columns, sign in ((imported, 1.0), (exported, -1.0), (charge, -1.0), (discharge, 1.0), (used, 1.0)):
        model.add(bus, columns, sign)
    start = np.zeros(n)
    start[0] = units.kilo(start_soc_pct / 100 * storage.capacity_wh)
    cells = model.rows("energy balance", every, start, start)
    model.add(cells, stored, 1.0)
    model.add(cells[1:], stored[:-1], -1.0)
    model.add(cells, charge, -h * storage.charge_efficiency)
    model.add(cells, discharge, h / storage.discharge_efficiency)
    arrays = model.arrays()
    arrays.cost[stored[-1]] -= stored_per_kwh
    found = solver.run(arrays, TIME_LIMIT_S)
    x = found.x
    money = h * (x[imported] * buy - x[exported] * sell)
    changed_wh = 1000 * np.diff(x[stored], prepend=start[0])
    return Foreseen(np.asarray(money), 1000 * x[charge], 1000 * x[discharge], np.asarray(changed_wh))
