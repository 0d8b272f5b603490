"""Generating sets: minimum load, fuel, starts, warm-up, lead and cool-down, ramp.

How often and how long they may do so says `genset_limits`, what sets do together `switchboard`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws import genset_limits
from ems_pipeline.plan.model.laws.obligations import allowed, first, may_turn, must_pause, must_run, still_warming
from ems_pipeline.plan.model.laws.switching import Switched, into_window, starts, stays
from ems_pipeline.plan.problem import GensetUnit, Problem

H = units.SLOT_HOURS


@dataclass(frozen=True)
class Generating:
    """Columns of one set: turning, started, power above the minimum."""

    on: Index
    begun: Index
    power: Switched


def genset(model: Model, problem: Problem, unit: GensetUnit, balance_rows: Index) -> Generating:
    """Turning costs fuel and service by the hour, power fuel by the kWh, each start its price; load after the warm-up.

    ``power = min * carrying + above``, ``above <= (max - min) * carrying``, ``carrying = on - starts in the warm-up``.
    Lead and cool-down lie beside the slots in which it is on, so that each start pays for both.
    """
    every = np.arange(problem.slots, dtype=np.int32)
    low, high = units.kilo(unit.min_w), units.kilo(unit.max_w)
    on = _turning(model, unit, every)
    spared = H * unit.counts_per_kwh * low * _slots_without_load(unit, problem.slots)
    beside = _turning_per_h(unit) * unit.beside_h
    begun = starts(model, unit.key, every, on, unit.was_on, unit.start_cost + beside - spared)
    _start_from_standstill(model, unit, every, on, begun)
    above = model.columns(f"{unit.key} power above minimum", every, 0.0, high - low, H * unit.counts_per_kwh)
    power = Switched(every, low, on, above, begun, unit.warm_up_slots, still_warming(unit))
    _maximum_power(model, unit, power, high - low)
    power.draw(model, balance_rows, 1.0)
    run = max(unit.min_run_slots, unit.warm_up_slots)
    stays(model, unit.key, every, on, begun, run, unit.min_pause_slots, unit.was_on)
    _lead(model, unit, every, begun)
    genset_limits.starts_per_day(model, problem, unit, begun)
    genset_limits.starts_per_2h(model, unit, begun)
    genset_limits.run_hours(model, unit, on, begun)
    genset_limits.low_load(model, unit, power)
    return Generating(on, begun, power)


def _turning(model: Model, unit: GensetUnit, every: Index) -> Index:
    """Columns "on"; each hour costs fuel and service, with load also the fuel of the minimum load."""
    n = len(every)
    wanted = first(n, must_run(unit, n))
    may = may_turn(unit, n) * (1 - first(n, must_pause(unit, n)))
    loaded = 1 - first(n, still_warming(unit))
    cost = H * (_turning_per_h(unit) + unit.counts_per_kwh * units.kilo(unit.min_w) * loaded)
    return model.columns(f"{unit.key} on", every, wanted, may, cost, integer=True)


def _turning_per_h(unit: GensetUnit) -> float:
    """What an hour of turning costs, without load."""
    return unit.idle_fuel_per_h + unit.service_per_h + unit.even_per_h


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


def _maximum_power(model: Model, unit: GensetUnit, power: Switched, most_kw: float) -> None:
    """``above <= (max - min) * carrying``; in the first slot with load less by what the ramp costs of its mean."""
    every, loss_kw = power.slots, units.kilo(unit.ramp_loss_w)
    carried = np.full(len(every), -most_kw)
    if unit.was_on and unit.state_slots is not None and 0 <= unit.warm_up_slots - unit.state_slots < len(every):
        carried[unit.warm_up_slots - unit.state_slots] += loss_kw
    rows = model.rows(f"{unit.key} maximum power", every, -np.inf, 0.0)
    model.add(rows, power.above, 1.0)
    power.carry(model, rows, carried)
    if loss_kw and power.begun is not None:
        into_window(model, rows, power.begun, range(-unit.warm_up_slots, 1 - unit.warm_up_slots), carried * 0 + loss_kw)


def _lead(model: Model, unit: GensetUnit, every: Index, begun: Index) -> None:
    """No start whose lead would fall into a slot in which the set must not turn."""
    after = np.flatnonzero(allowed(unit, len(every))[:-1] == 0).astype(np.int32) + 1
    if unit.lead_h and len(after):
        rows = model.rows(f"{unit.key} lead", after, 0.0, 0.0)
        model.add(rows, begun[after], 1.0)
