"""Plans in which no battery charges and discharges at once, by arithmetic, whatever the solver left.

Where both happen in a slot, the same energy ends up in the cells by one of them alone. The bus then has more than it
needs: less is imported, more exported, or PV stays unused, as the prices of the slot say.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.problem import BatteryStore, Problem, covered
from ems_pipeline.plan.result import states
from ems_pipeline.plan.result.complete import complete
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.solving.read import NOISE_W

KWH = float(units.kilo(units.slot_energy_wh(1.0)))
"""Energy of a watt during a slot."""
MONEY = 1e-9
"""Money below which a slot is as good as before."""


def one_way(plan: Plan) -> tuple[Plan, tuple[Index, ...]]:
    """The plan with one direction per battery and slot, and per battery the slots where that costs money.

    Slots where nothing can take what is left over stay as they are, and are among the costly ones.
    """
    problem, costly = plan.problem, []
    apart = covered(problem.grid.no_battery_to_grid, problem.slots)
    for i, battery in enumerate(problem.batteries):
        both = np.flatnonzero(np.minimum(plan.charge_w[i], plan.discharge_w[i]) > 0)
        if not len(both):
            costly.append(both.astype(np.int32))
            continue
        before_wh, dear = states.before_wh(plan, i), []
        charge_w, discharge_w, pv_w = plan.charge_w.copy(), plan.discharge_w.copy(), plan.pv_w.copy()
        for t in both.tolist():
            charge, discharge = _alone(battery, before_wh[t], charge_w[i, t], discharge_w[i, t])
            sells = not (apart[t] and discharge_w[:, t].sum() - discharge_w[i, t] + discharge > 0)
            spare_w = (charge_w[i, t] - charge) - (discharge_w[i, t] - discharge)
            unused_w = _unused_w(plan, battery.key, t, spare_w, sells)
            if unused_w is None:
                dear.append(t)
                continue
            spared = battery.wear_per_kwh * (charge_w[i, t] - charge)
            spared += battery.wear_out_per_kwh * (discharge_w[i, t] - discharge)
            cost = _meter_cost(problem, t, plan.grid_w[t] - spare_w + unused_w.sum()) - _meter_cost(
                problem, t, plan.grid_w[t]
            )
            if cost * KWH > spared * KWH + MONEY:
                dear.append(t)
            charge_w[i, t], discharge_w[i, t] = charge, discharge
            pv_w[:, t] -= unused_w
        costly.append(np.array(dear, dtype=np.int32))
        plan = complete(dataclasses.replace(plan, charge_w=charge_w, discharge_w=discharge_w, pv_w=pv_w))
    return plan, tuple(costly)


def _alone(battery: BatteryStore, before_wh: float, charge_w: float, discharge_w: float) -> tuple[float, float]:
    """Powers, one of them 0, that leave as much in the cells as both did together."""
    before = np.array(before_wh)
    gained_w = states.gained_w(battery, before, np.array(charge_w), np.array(discharge_w))
    charge, discharge = states.powers_for_w(battery, before, gained_w)
    return float(charge), float(discharge)


def _meter_cost(problem: Problem, t: int, grid_w: float) -> float:
    """Money per hour and kW x 1000 at the meter."""
    return float(grid_w * (problem.import_per_kwh[t] if grid_w > 0 else problem.sell_per_kwh[t]))


def _unused_w(plan: Plan, battery: str, t: int, spare_w: float, sells: bool) -> Array | None:
    """PV to leave unused, per array, when a battery leaves ``spare_w`` to the bus; None where nothing can take it.

    The inverter must pass it; then where buying costs, less is imported, where selling earns, more is exported (if it
    ``sells``), and PV gives way otherwise.
    """
    problem, grid_w = plan.problem, float(plan.grid_w[t])
    curtailable = np.array([source.curtailable for source in problem.pv], dtype=bool)
    free_w = np.where(curtailable, plan.pv_w[:, t], 0.0) if len(curtailable) else np.zeros(0)
    own = np.zeros(len(free_w), dtype=bool)
    must_w = 0.0
    for inverter in problem.inverters:
        if battery in inverter.batteries:
            own = np.array([source.key in inverter.pv for source in problem.pv], dtype=bool)
            flow_w = plan.pv_w[own, t].sum() + sum(
                plan.discharge_w[i, t] - plan.charge_w[i, t]
                for i, other in enumerate(problem.batteries)
                if other.key in inverter.batteries
            )
            must_w = max(0.0, flow_w + spare_w - inverter.ac_limit_w)
    meter_w = spare_w - must_w
    less_import = max(0.0, grid_w) if problem.import_per_kwh[t] >= 0 else 0.0
    more_export = max(0.0, problem.grid.export_limit_w[t] + min(0.0, grid_w)) if sells else 0.0
    welcome = less_import + (more_export if problem.sell_per_kwh[t] >= 0 and less_import >= grid_w else 0.0)
    pv_w = min(max(0.0, meter_w - welcome), max(0.0, free_w.sum() - must_w))
    rest_w = meter_w - pv_w - max(0.0, grid_w) - more_export
    if rest_w > NOISE_W or must_w > free_w[own].sum() + NOISE_W:
        return None
    kept_w = free_w - _share(np.where(own, free_w, 0.0), must_w)
    return free_w - kept_w + _share(kept_w, pv_w)


def _share(of_w: Array, amount_w: float) -> Array:
    """An amount in proportion to what each has."""
    total_w = float(of_w.sum())
    return of_w * (min(1.0, amount_w / total_w) if total_w > 0 else 0.0)
