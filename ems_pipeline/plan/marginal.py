"""What a kWh more would be worth where, which limits bind, and what the best other action would have cost.

Marginal values are duals of the linear problem with fixed switches: money per kWh more demand at the meter, per kWh
more in a battery, per kelvin more in a heat store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan.build import Built
from ems_pipeline.plan.model import Block
from ems_pipeline.plan.record import Array, Record
from ems_pipeline.plan.second import Settled

if TYPE_CHECKING:
    from ems_pipeline.plan.plan import Plan

H = units.SLOT_HOURS
DUAL_TOLERANCE = 1e-6
PHYSICS = ("balance", "steps", "start", "house or tank", "enough to be off")
"""Names (or their ends) of rows that define quantities rather than limit them."""
STATES = (" energy", " temperature")
SAME_W = 50.0
"""An action that moves the same power is no alternative."""
ACTIONS = ("self-use", "hold", "charge", "discharge")


@dataclass(frozen=True, eq=False)
class Marginals(Record):
    """Per slot: marginal value at the meter, in each battery (rows) and heat store, names of binding limits."""

    meter_per_kwh: Array
    stored_per_kwh: Array
    heat_per_k: Array
    binding: tuple[str, ...]


def marginals(built: Built, settled: Settled, slots: int) -> Marginals:
    """Read the duals."""
    dual = settled.money.row_dual
    rows = {block.name: block for block in built.model.row_blocks}
    stored = [-_of(dual, block) for name, block in rows.items() if name.endswith(" energy balance")]
    heat = [-_of(dual, block) for name, block in rows.items() if name.endswith(" heat balance")]
    return Marginals(
        dual[built.balance] / H,
        np.array(stored) if stored else np.zeros((0, slots)),
        np.array(heat) if heat else np.zeros((0, slots)),
        tuple(_binding(built, settled, slots)),
    )


def _of(values: Array, block: Block) -> Array:
    return np.asarray(values[block.first : block.first + block.count])


def _binding(built: Built, settled: Settled, slots: int) -> list[str]:
    """Names of limits that hold back the objective, per slot."""
    names: list[list[str]] = [[] for _ in range(slots)]
    for block in built.model.row_blocks:
        if block.first >= len(settled.money.row_dual) or block.name.endswith(PHYSICS):
            continue
        for at in np.flatnonzero(np.abs(_of(settled.money.row_dual, block)) > DUAL_TOLERANCE):
            names[block.slots[at]].append(block.name)
    for block in built.model.column_blocks:
        if block.first < len(settled.money.column_dual):
            _bounds(block, settled, names)
    return ["; ".join(found) for found in names]


def _bounds(block: Block, settled: Settled, names: list[list[str]]) -> None:
    """Columns at a bound with a price on it; a power at zero or a fixed switch is not worth a word."""
    dual = _of(settled.money.column_dual, block)
    open_ = _of(settled.arrays.upper, block) > _of(settled.arrays.lower, block)
    for at in np.flatnonzero((dual < -DUAL_TOLERANCE) & open_):
        names[block.slots[at]].append(f"{block.name} at most")
    if block.name.endswith(STATES):
        for at in np.flatnonzero((dual > DUAL_TOLERANCE) & open_):
            names[block.slots[at]].append(f"{block.name} at least")


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
    before = np.concatenate([[battery.initial_wh], plan.energy_wh[i][:-1]])
    most_out = np.clip((before - battery.floor_wh) * battery.discharge_efficiency / H, 0.0, battery.discharge_limit_w)
    most_in = np.clip((battery.ceiling_wh - before) / battery.charge_efficiency / H, 0.0, battery.charge_limit_w)
    wanted = {
        "self-use": _deficit_w(plan, i),
        "hold": np.zeros(plan.problem.slots),
        "charge": -most_in,
        "discharge": most_out,
    }[action]
    return np.clip(wanted, -most_in, most_out)


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
    gained_w = np.maximum(-power_w, 0.0) * battery.charge_efficiency
    gained_w = gained_w - np.maximum(power_w, 0.0) / battery.discharge_efficiency
    worth = np.append(plan.marginals.stored_per_kwh[i][1:], battery.end_value_per_kwh) if plan.marginals else 0.0
    return np.asarray(money + battery.wear_per_kwh * _kwh(np.abs(power_w)) - worth * _kwh(gained_w))


def _kwh(power_w: Array) -> Array:
    return np.asarray(units.slot_energy_wh(units.kilo(power_w)))
