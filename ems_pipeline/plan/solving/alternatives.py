"""What another battery action would cost in the next slots: the linear problem is solved again for each."""

from __future__ import annotations

from ems_pipeline import units
from ems_pipeline.plan.model.build import Built
from ems_pipeline.plan.model.laws import flows
from ems_pipeline.plan.result.actions import choices, meter_w
from ems_pipeline.plan.result.plan import Alternative, Plan
from ems_pipeline.plan.solving.second import Settled


def resolved(plan: Plan, built: Built, settled: Settled, slots: int, time_limit_s: float) -> tuple[Alternative, ...]:
    """Every other action in the first ``slots``, each by solving the linear problem again from the last basis."""
    found = []
    for i, battery in enumerate(plan.problem.batteries):
        for action, power_w, other in choices(plan, i):
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
        if (moves := model.column(f"{battery.key} {side} on", t)) is not None:
            held[moves] = float(power_kw > 0)
    if (imports := model.column("one direction at the meter", t)) is not None:
        held[imports] = float(meter_w(plan, i, power_w)[0][t] > 0)
    for name, side in ((flows.GRID_TO_BATTERY, "charge"), (flows.BATTERY_TO_GRID, "discharge")):
        if (moves := model.column(name, t)) is not None:
            held[moves] = float(sides[side] > 0)
    one_way = model.column(f"{battery.key} one way", t)
    bounds = {column: (value, value) for column, value in held.items()}
    return bounds | ({} if one_way is None else {one_way: (0.0, 1.0)})
