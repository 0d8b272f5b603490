"""The plan of least expected money: what the battery does along the forecast when all courses are as likely."""

from __future__ import annotations

import dataclasses

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.result.complete import complete
from ems_pipeline.plan.result.moment import IDLE_W
from ems_pipeline.plan.result.plan import Marginals, Plan
from ems_pipeline.plan.value import worth as worths
from ems_pipeline.plan.value.worth import AS_GOOD, Battery, Slot

NOISE_KWH = 1e-6


def weighed(problem: Problem) -> Plan:
    """The plan, with what a kWh in the cells is worth on average; ``optimal`` in the mean over the courses.

    Its powers are those along the forecast; each slot's move is decided by what is expected after it in all courses.
    """
    battery = Battery.of(problem.batteries[0])
    expected = worths.expected(problem, battery)
    energy = _along(problem, battery, expected)
    gained_kwh = np.diff(energy)
    gained_w = units.from_kilo(units.slot_power_w(np.where(np.abs(gained_kwh) > NOISE_KWH, gained_kwh, 0.0)))
    charge_w, discharge_w = np.maximum(gained_w, 0.0) / battery.gains, np.maximum(-gained_w, 0.0) * battery.gives
    nothing = np.zeros((0, problem.slots))
    plan = Plan(
        problem, "optimal", gap=0.0, weighed=len(problem.courses), charge_w=charge_w[None],
        discharge_w=discharge_w[None], pv_w=_used_w(problem, discharge_w - charge_w), session_w=nothing,
        heat_pump_w=nothing, tank_w=nothing, deferrable_w=nothing, switched_w=nothing, genset_w=nothing,
        genset_on=nothing,
    )  # fmt: skip
    plan = complete(plan)
    return dataclasses.replace(plan, marginals=_marginals(plan, battery, expected, energy))


def _along(problem: Problem, battery: Battery, expected: Array) -> Array:
    """Energy in the cells at the begin of each slot and at the end of the last, kWh, as forecast."""
    lacks_kw = units.kilo(problem.load_w - problem.pv_available_w)
    grid, energy = problem.grid, np.empty(problem.slots + 1)
    energy[0] = units.kilo(problem.batteries[0].initial_wh)
    sell = np.maximum(problem.sell_per_kwh, 0.0)
    levels = worths.best_levels(battery, problem.buy_per_kwh, sell, expected[1:], AS_GOOD)
    for t in range(problem.slots):
        one = slice(t, t + 1)
        limits = units.kilo(float(grid.import_limit_w[t])), units.kilo(float(grid.export_limit_w[t]))
        slot = Slot(problem.buy_per_kwh[one], sell[one], lacks_kw[one], units.SLOT_HOURS, *limits)
        energy[t + 1] = worths.after(battery, slot, levels[:, one], energy[t].reshape(1, 1)).item()
    return energy


def _used_w(problem: Problem, battery_w: Array) -> Array:
    """Use of each array: what the meter may not let out, or who sells would pay for, is left, in equal shares."""
    offered_w = problem.pv_available_w
    sellable_w = np.where(problem.sell_per_kwh < 0, 0.0, problem.grid.export_limit_w)
    left_w = np.clip(offered_w + battery_w - problem.load_w - sellable_w, 0.0, offered_w)
    share = np.divide(left_w, offered_w, out=np.zeros(problem.slots), where=offered_w > 0)
    return np.array([source.available_w * (1 - share) for source in problem.pv]).reshape(-1, problem.slots)


def _marginals(plan: Plan, battery: Battery, expected: Array, energy: Array) -> Marginals:
    """What a kWh more is worth on average: in the cells at the begin of each slot, and at the meter as forecast."""
    half = (battery.levels[1] - battery.levels[0]) / 2
    low, high = np.maximum(energy - half, battery.levels[0]), np.minimum(energy + half, battery.levels[-1])
    courses = [np.interp((a, b), battery.levels, row) for a, b, row in zip(low, high, expected, strict=True)]
    stored = np.array([less - more for less, more in courses]) / (high - low)
    problem, kept = plan.problem, stored[1:]
    at_bus = np.where(plan.battery_w > 0, kept / battery.gives, kept * battery.gains)
    sell = np.maximum(problem.sell_per_kwh, 0.0)
    at_bus = np.clip(at_bus, sell, problem.buy_per_kwh)
    meter = np.where(plan.grid_w > IDLE_W, problem.buy_per_kwh, np.where(plan.grid_w < -IDLE_W, sell, at_bus))
    return Marginals(meter, stored[None, :-1], np.zeros((0, problem.slots)), ("",) * problem.slots)
