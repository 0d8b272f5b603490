"""What a battery could do in a slot of a plan, and what it would cost at the meter, by arithmetic.

An action is a power of one battery in one slot; the rest of the slot is taken as planned, except PV, and the energy
moved counts at its marginal value, that of the first kWh.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import covered
from ems_pipeline.plan.result import states
from ems_pipeline.plan.result.moment import IDLE_W, kept_per_kwh
from ems_pipeline.plan.result.plan import Plan

ACTIONS = ("self-use", "hold", "charge", "discharge")


def choices(plan: Plan, i: int) -> Iterator[tuple[str, Array, list[int]]]:
    """Actions of battery ``i``: name, power, slots where neither the plan nor an action before it moves as much."""
    taken = [plan.discharge_w[i] - plan.charge_w[i]]
    for action in ACTIONS:
        power_w = _action_w(plan, i, action)
        other = np.all([np.abs(power_w - known) > IDLE_W for known in taken], axis=0)
        taken.append(np.where(other, power_w, np.inf))
        yield action, power_w, np.flatnonzero(other).tolist()


def cost_of(plan: Plan, i: int, power_w: Array) -> Array:
    """Money at the meter plus wear, less the marginal value of what the cells gain, per slot."""
    problem, battery = plan.problem, plan.problem.batteries[i]
    bought, sold = meter_w(plan, i, power_w)
    money = problem.import_per_kwh * _kwh(bought) - problem.sell_per_kwh * _kwh(sold)
    before_wh = states.before_wh(plan, i)
    gained_w = states.gained_w(battery, before_wh, np.maximum(-power_w, 0.0), np.maximum(power_w, 0.0))
    worth = kept_per_kwh(plan, i) if plan.marginals else 0.0
    wear = np.where(power_w < 0, battery.wear_per_kwh, battery.wear_out_per_kwh)
    return np.asarray(money + wear * _kwh(np.abs(power_w)) - worth * _kwh(gained_w))


def meter_w(plan: Plan, i: int, power_w: Array | float) -> tuple[Array, Array]:
    """Import and export when battery ``i`` moves ``power_w`` and of the rest only PV answers."""
    problem = plan.problem
    spare_w = problem.pv_available_w - plan.pv_w.sum(axis=0)
    grid_w = _deficit_w(plan, i) - power_w
    grid_w = grid_w - np.clip(grid_w, 0.0, spare_w)
    curtailable_w = sum((plan.pv_w[k] for k, p in enumerate(problem.pv) if p.curtailable), np.zeros(problem.slots))
    unsold_w = np.where(problem.sell_per_kwh < 0, np.minimum(np.maximum(-grid_w, 0.0), curtailable_w), 0.0)
    return np.maximum(grid_w, 0.0), np.maximum(-grid_w, 0.0) - unsold_w


def _action_w(plan: Plan, i: int, action: str) -> Array:
    """Power of battery ``i`` (> 0 discharges) under an action, as far as limits, contract and cells allow."""
    problem, battery = plan.problem, plan.problem.batteries[i]
    most_in, most_out = states.full_and_empty_w(battery, states.before_wh(plan, i))
    unused_w, lacking_w = problem.pv_available_w - plan.pv_w.sum(axis=0), _deficit_w(plan, i)
    left_w, missing_w = np.maximum(unused_w - lacking_w, 0.0), np.maximum(lacking_w, 0.0)
    most_in = np.where(covered(problem.grid.no_grid_to_battery, problem.slots), np.minimum(most_in, left_w), most_in)
    most_out = np.where(
        covered(problem.grid.no_battery_to_grid, problem.slots), np.minimum(most_out, missing_w), most_out
    )
    return {
        "self-use": states.following_w(plan, i),
        "hold": np.zeros(problem.slots),
        "charge": states.able_w(battery, -most_in),
        "discharge": states.able_w(battery, most_out),
    }[action]


def _deficit_w(plan: Plan, i: int) -> Array:
    """What the site lacks without battery ``i``."""
    return np.asarray(plan.grid_w + plan.discharge_w[i] - plan.charge_w[i])


def _kwh(power_w: Array) -> Array:
    return np.asarray(units.slot_energy_wh(units.kilo(power_w)))
