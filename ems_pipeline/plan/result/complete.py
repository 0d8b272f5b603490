"""From the powers of a plan to all that follows from them."""

from __future__ import annotations

import dataclasses

from ems_pipeline.plan.result import money, shortfall, states
from ems_pipeline.plan.result.plan import Plan


def complete(plan: Plan) -> Plan:
    """The plan with everything that follows from its powers: meter, states, money, what was not met."""
    grid_w = plan.drawn_w + plan.charge_w.sum(axis=0) - plan.discharge_w.sum(axis=0) - plan.pv_w.sum(axis=0)
    plan = states.follow(dataclasses.replace(plan, grid_w=grid_w - plan.genset_w.sum(axis=0)))
    plan = dataclasses.replace(plan, objective=sum(money.parts(plan).values()))
    return dataclasses.replace(plan, unmet=tuple(shortfall.unmet(plan)))
