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
from ems_pipeline.plan.value import stock
from ems_pipeline.plan.value.ahead import Battery
from ems_pipeline.plan.value.worth import Now, Worth, after

NOISE_KWH = 1e-6


def weighed(problem: Problem) -> Plan:
    """The plan, with what a kWh in the cells is worth on average; ``optimal`` in the mean over the courses.

    Its powers are those along the forecast; each slot's move is decided by what is expected after it in all courses.
    """
    battery = Battery.of(problem.batteries[0])
    worths = [Worth.of(battery, one) for one in stock.at_each(problem, battery)]
    energy = _along(problem, battery, worths)
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
    return dataclasses.replace(plan, marginals=_marginals(plan, battery, worths, energy))


def _along(problem: Problem, battery: Battery, worths: list[Worth]) -> Array:
    """Energy in the cells at the begin of each slot and at the end of the last, kWh, as forecast."""
    energy = [units.kilo(problem.batteries[0].initial_wh)]
    sell, lacks_w = np.maximum(problem.sell_per_kwh, 0.0), problem.load_w - problem.pv_available_w
    powers = (units.kilo(side).tolist() for side in (lacks_w, problem.grid.import_limit_w, problem.grid.export_limit_w))
    for now, worth in zip(
        zip(problem.buy_per_kwh.tolist(), sell.tolist(), *powers, strict=True), worths[1:], strict=True
    ):
        energy.append(after(battery, Now(*now), worth, energy[-1]))
    return np.array(energy)


def _used_w(problem: Problem, battery_w: Array) -> Array:
    """Use of each array: what the meter may not let out, or who sells would pay for, is left, in equal shares."""
    offered_w = problem.pv_available_w
    sellable_w = np.where(problem.sell_per_kwh < 0, 0.0, problem.grid.export_limit_w)
    left_w = np.clip(offered_w + battery_w - problem.load_w - sellable_w, 0.0, offered_w)
    share = np.divide(left_w, offered_w, out=np.zeros(problem.slots), where=offered_w > 0)
    return np.array([source.available_w * (1 - share) for source in problem.pv]).reshape(-1, problem.slots)


def _marginals(plan: Plan, battery: Battery, worths: list[Worth], energy: Array) -> Marginals:
    """What a kWh more is worth on average: in the cells at the begin of each slot, and at the meter as forecast."""
    stored = np.array([worth.about(kwh) for worth, kwh in zip(worths, energy.tolist(), strict=True)])
    problem, kept = plan.problem, stored[1:]
    at_bus = np.where(plan.battery_w > 0, kept / battery.gives, kept * battery.gains)
    sell = np.maximum(problem.sell_per_kwh, 0.0)
    at_bus = np.clip(at_bus, sell, problem.buy_per_kwh)
    meter = np.where(plan.grid_w > IDLE_W, problem.buy_per_kwh, np.where(plan.grid_w < -IDLE_W, sell, at_bus))
    return Marginals(meter, stored[None, :-1], np.zeros((0, problem.slots)), ("",) * problem.slots)
