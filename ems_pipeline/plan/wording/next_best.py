"""The cheapest other battery action in every slot: as solved again in the next slots, bounded from below beyond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.result.actions import choices, cost_of
from ems_pipeline.plan.result.plan import Plan

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


def next_best(plan: Plan) -> NextBest | None:
    """The cheapest other action of any battery in every slot; None without batteries or marginal values."""
    if not plan.problem.batteries or plan.marginals is None:
        return None
    solved = {(a.key, a.action, a.slot): a.extra for a in plan.alternatives}
    n = plan.problem.slots
    best, action, kind = np.full(n, np.inf), [""] * n, [""] * n
    impossible: list[tuple[str, ...]] = [()] * n
    for i, battery in enumerate(plan.problem.batteries):
        taken = cost_of(plan, i, plan.discharge_w[i] - plan.charge_w[i])
        for name, power_w, other in choices(plan, i):
            bound = cost_of(plan, i, power_w) - taken
            for t in other:
                of = RESOLVED if (battery.key, name, t) in solved else BOUND
                extra = solved.get((battery.key, name, t), float(bound[t]))
                if extra is None:
                    impossible[t] += (name,)
                    kind[t] = kind[t] or IMPOSSIBLE
                elif extra < best[t]:
                    best[t], action[t], kind[t] = extra, name, of
    return NextBest(np.maximum(best, 0.0), tuple(action), tuple(kind), tuple(impossible))
