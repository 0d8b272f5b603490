"""How much money a problem turns over, and how much a plan could save at most: scales for what counts as nothing."""

from __future__ import annotations

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.model.laws.bus import import_limit_w, unavoidable_export_w
from ems_pipeline.plan.problem import Problem


def bare_cost(problem: Problem) -> float:
    """What the bare load turns over, in money: a measure of the problem that no trade brings to zero."""
    bare = float(np.abs(problem.buy_per_kwh) @ units.slot_energy_wh(units.kilo(problem.load_w)))
    return max(0.1, bare)


def at_stake(problem: Problem, known: float) -> float:
    """By how much no plan can be cheaper than one of ``known`` money: from what meter, stores and events can bring.

    A bound, not an estimate: every slot at the best price and the most power, every store full at the end.
    """
    most_in = np.minimum(import_limit_w(problem), problem.load_w + _most_drawn_w(problem))
    most_out = np.minimum(problem.grid.export_limit_w, problem.pv_available_w + _most_given_w(problem))
    paid = np.maximum(-problem.import_per_kwh * most_in, 0.0) + np.maximum(problem.sell_per_kwh * most_out, 0.0)
    for event in problem.grid.events:
        sold = problem.grid.export_limit_w + unavoidable_export_w(problem) if event.is_net else np.zeros(problem.slots)
        most_w = np.maximum(event.baseline_w + sold, 0.0)
        paid[event.first : event.end] += event.price_per_kwh * most_w[event.first : event.end]
    return known + float(units.kilo(units.slot_energy_wh(paid)).sum()) + _most_valued(problem)


def _most_drawn_w(problem: Problem) -> Array:
    """What planned devices could draw at once, W per slot."""
    steady = sum(b.charge_limit_w for b in problem.batteries) + sum(car.max_w for car in problem.sessions)
    steady += sum(unit.max_w for unit in problem.heat_pumps)
    return np.full(problem.slots, steady + sum(float(machine.profile_w.max()) for machine in problem.deferrables))


def _most_given_w(problem: Problem) -> float:
    return sum(b.discharge_limit_w for b in problem.batteries) + sum(unit.max_w for unit in problem.gensets)


def _most_valued(problem: Problem) -> float:
    """Value of stores that end full, and of cars that have all they could want."""
    cells = sum(b.end_value_per_kwh * units.kilo(max(0.0, b.ceiling_wh - b.initial_wh)) for b in problem.batteries)
    stores = [store for unit in problem.heat_pumps for store in (unit.store, unit.tank) if store is not None]
    heat = sum(store.end_value_per_k * max(0.0, float(store.most_c[-1]) - store.initial_c) for store in stores)
    ahead = sum(car.later_value_per_kwh * units.kilo(car.later_wh) for car in problem.sessions)
    return float(cells + heat + ahead)
