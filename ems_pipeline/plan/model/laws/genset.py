"""Generating sets: minimum load, fuel, starts, warm-up and the hours they may run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.obligations import allowed, first, must_pause, must_run, still_warming
from ems_pipeline.plan.model.laws.switching import Switched, starts, stays
from ems_pipeline.plan.problem import GensetUnit, Problem

H = units.SLOT_HOURS


@dataclass(frozen=True)
class Generating:
    """Columns of one set: turning, started, power above the minimum."""

    on: Index
    begun: Index
    power: Switched


def genset(model: Model, problem: Problem, unit: GensetUnit, balance_rows: Index) -> Generating:
    """Turning costs fuel by the hour, power fuel by the kWh, each start its price; load only after the warm-up.

    ``power = min * carrying + above``, ``above <= (max - min) * carrying``, ``carrying = on - starts in the warm-up``.
    """
    every = np.arange(problem.slots, dtype=np.int32)
    low, high = units.kilo(unit.min_w), units.kilo(unit.max_w)
    on = _turning(model, unit, every)
    spared = H * unit.fuel_per_kwh * low * _slots_without_load(unit, problem.slots)
    begun = starts(model, unit.key, every, on, unit.was_on, unit.start_cost - spared)
    _start_from_standstill(model, unit, every, on, begun)
    above = model.columns(f"{unit.key} power above minimum", every, 0.0, high - low, H * unit.fuel_per_kwh)
    power = Switched(every, low, on, above, begun, unit.warm_up_slots, still_warming(unit))
    rows = model.rows(f"{unit.key} maximum power", every, -np.inf, 0.0)
    model.add(rows, above, 1.0)
    power.carry(model, rows, low - high)
    power.draw(model, balance_rows, 1.0)
    run = max(unit.min_run_slots, unit.warm_up_slots)
    stays(model, unit.key, every, on, begun, run, unit.min_pause_slots, unit.was_on)
    _starts_per_day(model, problem, unit, begun)
    _run_hours(model, unit, on)
    return Generating(on, begun, power)


def _turning(model: Model, unit: GensetUnit, every: Index) -> Index:
    """Columns "on"; each hour costs fuel, with load also that of the minimum load."""
    n = len(every)
    wanted = first(n, must_run(unit, n))
    may = allowed(unit, n) * (1 - first(n, must_pause(unit, n)))
    loaded = 1 - first(n, still_warming(unit))
    cost = H * (unit.idle_fuel_per_h + unit.fuel_per_kwh * units.kilo(unit.min_w) * loaded)
    return model.columns(f"{unit.key} on", every, wanted, may, cost, integer=True)


def _slots_without_load(unit: GensetUnit, slots: int) -> Array:
    """For a start in each slot, how many slots inside the horizon it turns without load that "on" counts as loaded."""
    at = np.arange(slots)
    return np.asarray(np.maximum(np.minimum(at + unit.warm_up_slots, slots) - np.maximum(at, still_warming(unit)), 0.0))


def _start_from_standstill(model: Model, unit: GensetUnit, every: Index, on: Index, begun: Index) -> None:
    """``start[t] + on[t-1] <= 1``: the warm-up of a running set must not be claimed to save its minimum load."""
    upper = np.ones(len(every))
    upper[0] = 1.0 - unit.was_on
    rows = model.rows(f"{unit.key} starts from standstill", every, -np.inf, upper)
    model.add(rows, begun, 1.0)
    model.add(rows[1:], on[:-1], 1.0)


def _starts_per_day(model: Model, problem: Problem, unit: GensetUnit, begun: Index) -> None:
    """At most so many starts on each local day."""
    if unit.starts_per_day is None:
        return
    days = problem.days
    at = np.array([day[0] for day in days], dtype=np.int32)
    most = np.full(len(days), float(unit.starts_per_day))
    most[0] = max(0.0, most[0] - unit.starts_before)
    rows = model.rows(f"{unit.key} starts per day", at, -np.inf, most)
    for row, (begin, end) in zip(rows, days, strict=True):
        model.add(np.full(end - begin, row, dtype=np.int32), begun[begin:end], 1.0)


def _run_hours(model: Model, unit: GensetUnit, on: Index) -> None:
    """No more hours than are left to the next service."""
    if unit.run_hours_left is None:
        return
    row = model.rows(f"{unit.key} run hours", np.zeros(1, dtype=np.int32), -np.inf, unit.run_hours_left)
    model.add(np.repeat(row, len(on)), on, H)
