"""The plan of a simple rule, by arithmetic: cars charge at once, houses are kept warm, batteries follow the meter.

It keeps every law, looks at no price but the sign of the selling price, and takes milliseconds. Each plan begins with
it: a solver has to do better in money, and where it does not, this is what runs.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.model.laws.bus import net_limit_w, usable_pv_w
from ems_pipeline.plan.model.laws.obligations import drawn_w, must_run, still_warming
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.result.complete import complete
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.rule import loads as rule_loads
from ems_pipeline.plan.rule import storage as rule_storage
from ems_pipeline.plan.rule import switched as rule_switched


def by_rule(problem: Problem) -> Plan:
    """What devices would do without a planner; ``feasible``, its gap unknown."""
    room_w = (net_limit_w(problem) + usable_pv_w(problem) - problem.load_w - drawn_w(problem)).tolist()
    session_w = rule_loads.cars(problem, room_w)
    groups = rule_switched.Groups(problem)
    deferrable_w = rule_loads.machines(problem, room_w, groups)
    switched_w = rule_switched.loads(problem, room_w, groups)
    heat_pump_w, tank_w = rule_loads.heat_pumps(problem, room_w)
    genset_w, genset_on = _gensets(problem)
    plan = Plan(
        problem,
        "feasible",
        by_rule=True,
        session_w=session_w,
        deferrable_w=deferrable_w,
        switched_w=switched_w,
        heat_pump_w=heat_pump_w,
        tank_w=tank_w,
        genset_w=genset_w,
        genset_on=genset_on,
    )
    net_w = plan.drawn_w - genset_w.sum(axis=0)
    fed = [w > 0 for car, w in zip(problem.sessions, session_w, strict=True) if car.spares_batteries]
    rests = np.any(fed, axis=0) if fed else np.zeros(problem.slots, dtype=bool)
    pv_w, charge_w, discharge_w = rule_storage.self_use(problem, net_w, rests)
    return complete(dataclasses.replace(plan, pv_w=pv_w, charge_w=charge_w, discharge_w=discharge_w))


def _gensets(problem: Problem) -> tuple[Array, Array]:
    """Off, but for what runs and has to go on: at its least power once it is warm."""
    power_w, on = np.zeros((2, len(problem.gensets), problem.slots))
    for i, unit in enumerate(problem.gensets):
        owed = must_run(unit, problem.slots)
        on[i, :owed] = 1.0
        power_w[i, still_warming(unit) : owed] = unit.min_w
    return power_w, on
