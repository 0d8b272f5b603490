"""What the best other battery action would have cost: solved again in the next slots, bounded from below beyond.

An action is a power of one battery in one slot; all else may be decided anew, except switches. Beyond the next slots
the rest of the slot is taken as planned and the energy moved counts at its marginal value, that of the first kWh.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan import states
from ems_pipeline.plan.build import Built
from ems_pipeline.plan.moment import IDLE_W, kept_per_kwh
from ems_pipeline.plan.plan import Alternative, Plan
from ems_pipeline.plan.record import Array
from ems_pipeline.plan.second import Settled

ACTIONS = ("self-use", "hold", "charge", "discharge")
RESOLVED, BOUND, IMPOSSIBLE = "re-solved", "bound", "impossible"


@dataclass(frozen=True)
class NextBest:
    """Per slot: what the cheapest other action costs more (infinite where there is none), its name, kind of figure.

    ``impossible`` names the actions that cannot be taken with the other switches as planned.
    """

    extra: Array
    action: tuple[str, ...]
    kind: tuple[str, ...]
    impossible: tuple[tuple[str, ...], ...]


def resolved(plan: Plan, built: Built, settled: Settled, slots: int, time_limit_s: float) -> tuple[Alternative, ...]:
    """Every other action in the first ``slots``, each by solving the linear problem again from the last basis."""
    found = []
    for i, battery in enumerate(plan.problem.batteries):
        for action, power_w, other in _choices(plan, i):
            for t in (slot for slot in other if slot < slots):
                held = _held(plan, built, i, t, float(power_w[t]))
                status, cost = settled.linear.narrowed(held, time_limit_s)
                if status in ("optimal", "infeasible"):
                    extra = cost - settled.money.objective if status == "optimal" else None
                    found.append(Alternative(t, battery.key, action, float(power_w[t]), extra))
    return tuple(sorted(found, key=lambda other: other.slot))


def _held(plan: Plan, built: Built, i: int, t: int, power_w: float) -> dict[int, tuple[float, float]]:
    """Bounds that make battery ``i`` move ``power_w`` in slot ``t``; the slot's own switches are set to suit."""
    battery, store, model = plan.problem.batteries[i], built.batteries[i], built.model
    sides = {"charge": float(units.kilo(max(-power_w, 0.0))), "discharge": float(units.kilo(max(power_w, 0.0)))}
    held = {int(store.charge[t]): sides["charge"], int(store.discharge[t]): sides["discharge"]}
    for side, power_kw in sides.items():
        for number, step in enumerate(battery.steps[:-1], start=1):
            if (reached := model.column(f"{battery.key} {side} step {number} reached", t)) is not None:
                held[reached] = float(power_kw > units.kilo(step.upto_w))
    if (imports := model.column("one direction at the meter", t)) is not None:
        held[imports] = float(_meter_w(plan, i, power_w)[0][t] > 0)
    bounds = {column: (value, value) for column, value in held.items()}
    one_way = model.column(f"{battery.key} one way", t)
    return bounds | ({} if one_way is None else {one_way: (0.0, 1.0)})


def next_best(plan: Plan) -> NextBest | None:
    """The cheapest other action of any battery in every slot; None without batteries or marginal values."""
    if not plan.problem.batteries or plan.marginals is None:
        return None
    solved = {(a.key, a.action, a.slot): a.extra for a in plan.alternatives}
    n = plan.problem.slots
    best, action, kind = np.full(n, np.inf), [""] * n, [""] * n
    impossible: list[tuple[str, ...]] = [()] * n
    for i, battery in enumerate(plan.problem.batteries):
        taken = _cost_of(plan, i, plan.discharge_w[i] - plan.charge_w[i])
        for name, power_w, other in _choices(plan, i):
            bound = _cost_of(plan, i, power_w) - taken
            for t in other:
                of = RESOLVED if (battery.key, name, t) in solved else BOUND
                extra = solved.get((battery.key, name, t), float(bound[t]))
                if extra is None:
                    impossible[t] += (name,)
                    kind[t] = kind[t] or IMPOSSIBLE
                elif extra < best[t]:
                    best[t], action[t], kind[t] = extra, name, of
    return NextBest(np.maximum(best, 0.0), tuple(action), tuple(kind), tuple(impossible))


def _choices(plan: Plan, i: int) -> Iterator[tuple[str, Array, list[int]]]:
    """Actions of battery ``i``: name, power, slots where neither the plan nor an action before it moves as much."""
    taken = [plan.discharge_w[i] - plan.charge_w[i]]
    for action in ACTIONS:
        power_w = _action_w(plan, i, action)
        other = np.all([np.abs(power_w - known) > IDLE_W for known in taken], axis=0)
        taken.append(np.where(other, power_w, np.inf))
        yield action, power_w, np.flatnonzero(other).tolist()


def _deficit_w(plan: Plan, i: int) -> Array:
    """What the site lacks without battery ``i``."""
    return np.asarray(plan.grid_w + plan.discharge_w[i] - plan.charge_w[i])


def _action_w(plan: Plan, i: int, action: str) -> Array:
    """Power of battery ``i`` (> 0 discharges) under an action, as far as limits and cells as planned allow."""
    most_in, most_out = states.full_and_empty_w(plan.problem.batteries[i], states.before_wh(plan, i))
    return {
        "self-use": states.following_w(plan, i),
        "hold": np.zeros(plan.problem.slots),
        "charge": -most_in,
        "discharge": most_out,
    }[action]


def _meter_w(plan: Plan, i: int, power_w: Array | float) -> tuple[Array, Array]:
    """Import and export when battery ``i`` moves ``power_w`` and of the rest only PV answers."""
    problem = plan.problem
    spare_w = problem.pv_available_w - plan.pv_w.sum(axis=0)
    grid_w = _deficit_w(plan, i) - power_w
    grid_w = grid_w - np.clip(grid_w, 0.0, spare_w)
    curtailable_w = sum((plan.pv_w[k] for k, p in enumerate(problem.pv) if p.curtailable), np.zeros(problem.slots))
    unsold_w = np.where(problem.sell_per_kwh < 0, np.minimum(np.maximum(-grid_w, 0.0), curtailable_w), 0.0)
    return np.maximum(grid_w, 0.0), np.maximum(-grid_w, 0.0) - unsold_w


def _cost_of(plan: Plan, i: int, power_w: Array) -> Array:
    """Money at the meter plus wear, less the marginal value of what the cells gain, per slot."""
    problem, battery = plan.problem, plan.problem.batteries[i]
    bought, sold = _meter_w(plan, i, power_w)
    money = problem.buy_per_kwh * _kwh(bought) - problem.sell_per_kwh * _kwh(sold)
    before_wh = states.before_wh(plan, i)
    gained_w = states.gained_w(battery, before_wh, np.maximum(-power_w, 0.0), np.maximum(power_w, 0.0))
    worth = kept_per_kwh(plan, i) if plan.marginals else 0.0
    return np.asarray(money + battery.wear_per_kwh * _kwh(np.abs(power_w)) - worth * _kwh(gained_w))


def _kwh(power_w: Array) -> Array:
    return np.asarray(units.slot_energy_wh(units.kilo(power_w)))
