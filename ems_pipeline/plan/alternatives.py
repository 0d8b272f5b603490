"""What the best other battery action would have cost in each slot."""

from __future__ import annotations

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan import states
from ems_pipeline.plan.plan import Plan
from ems_pipeline.plan.record import Array

H = units.SLOT_HOURS
SAME_W = 50.0
"""An action that moves the same power is no alternative."""
ACTIONS = ("self-use", "hold", "charge", "discharge")


def next_best(plan: Plan, modes: list[list[str]]) -> tuple[Array, tuple[str, ...]]:
    """Extra cost of the best other battery action per slot, the rest unchanged, and its name.

    Energy moved into or out of the cells counts at its marginal value after the slot, so this is the least the other
    action costs. Infinite where no other action moves another power.
    """
    n = plan.problem.slots
    best, names = np.full(n, np.inf), np.full(n, "", dtype=object)
    for i, series in enumerate(modes):
        planned_w = plan.discharge_w[i] - plan.charge_w[i]
        taken = _cost_of(plan, i, planned_w)
        for action in ACTIONS:
            power_w = _action_w(plan, i, action)
            extra = _cost_of(plan, i, power_w) - taken
            differs = np.array([mode != action for mode in series]) & (np.abs(power_w - planned_w) > SAME_W)
            other = differs & (extra < best)
            best, names = np.where(other, extra, best), np.where(other, action, names)
    return np.maximum(best, 0.0), tuple(str(name) for name in names)


def _deficit_w(plan: Plan, i: int) -> Array:
    """What the site lacks without battery ``i``."""
    return np.asarray(plan.grid_w + plan.discharge_w[i] - plan.charge_w[i])


def _action_w(plan: Plan, i: int, action: str) -> Array:
    """Power of battery ``i`` (> 0 discharges) under an action, as far as limits and cells allow."""
    battery = plan.problem.batteries[i]
    before = states.before_wh(plan, i)
    gained, drawn = _efficiencies(plan, i)
    most_out = np.clip((before - battery.floor_wh) * drawn / H, 0.0, battery.discharge_limit_w)
    most_in = np.clip((battery.ceiling_wh - before) / gained / H, 0.0, battery.charge_limit_w)
    wanted = {
        "self-use": _deficit_w(plan, i),
        "hold": np.zeros(plan.problem.slots),
        "charge": -most_in,
        "discharge": most_out,
    }[action]
    return np.clip(wanted, -most_in, most_out)


def _efficiencies(plan: Plan, i: int) -> tuple[Array, Array]:
    """Of charging and discharging battery ``i`` in each slot."""
    battery = plan.problem.batteries[i]
    pairs = np.array([states.efficiencies(battery, wh) for wh in states.before_wh(plan, i)])
    return pairs[:, 0], pairs[:, 1]


def _cost_of(plan: Plan, i: int, power_w: Array) -> Array:
    """Money at the meter plus wear, less the marginal value of what the cells gain, per slot."""
    problem, battery = plan.problem, plan.problem.batteries[i]
    spare_w = problem.pv_available_w - plan.pv_w.sum(axis=0)
    grid_w = _deficit_w(plan, i) - power_w
    grid_w = grid_w - np.clip(grid_w, 0.0, spare_w)
    curtailable_w = sum((plan.pv_w[k] for k, p in enumerate(problem.pv) if p.curtailable), np.zeros(problem.slots))
    unsold_w = np.where(problem.sell_per_kwh < 0, np.minimum(np.maximum(-grid_w, 0.0), curtailable_w), 0.0)
    bought, sold = np.maximum(grid_w, 0.0), np.maximum(-grid_w, 0.0) - unsold_w
    money = problem.buy_per_kwh * _kwh(bought) - problem.sell_per_kwh * _kwh(sold)
    gained, drawn = _efficiencies(plan, i)
    gained_w = np.maximum(-power_w, 0.0) * gained - np.maximum(power_w, 0.0) / drawn
    worth = np.append(plan.marginals.stored_per_kwh[i][1:], battery.end_value_per_kwh) if plan.marginals else 0.0
    return np.asarray(money + battery.wear_per_kwh * _kwh(np.abs(power_w)) - worth * _kwh(gained_w))


def _kwh(power_w: Array) -> Array:
    return np.asarray(units.slot_energy_wh(units.kilo(power_w)))
