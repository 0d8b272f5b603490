"""From problem to plan: build, solve, make exclusive, settle, read the powers back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from ems_pipeline.plan.model import Arrays, Block
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.problem.accept import accept
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.rule.rule import by_rule
from ems_pipeline.plan.solving import solver
from ems_pipeline.plan.solving.alternatives import resolved
from ems_pipeline.plan.solving.exclusive import one_way
from ems_pipeline.plan.solving.marginal import marginals
from ems_pipeline.plan.solving.read import read
from ems_pipeline.plan.solving.search import Round, Search, Stopwatch, keeps_the_laws, rounds
from ems_pipeline.plan.solving.second import settle
from ems_pipeline.plan.value.exact import is_exact
from ems_pipeline.plan.value.weighed import weighed

GAP = 1e-4
TOLERANCE = 1e-5
"""A plan as close to the best as a hundred-thousandth of what the bare load costs is as good."""
EFFORT: Mapping[str, Mapping[str, Any]] = {
    "daily": {"time_limit_s": 30.0, "gap": GAP, "tolerance": TOLERANCE},
    "rolling": {"time_limit_s": 8.0, "gap": 1e-3, "tolerance": 2e-3},
}
"""By kind of plan. A rolling plan is made again in 15 minutes from what was measured; proving its last cents took most
of its time."""
MOST_CONFLICTS = 20
RESOLVED_SLOTS = 8
"""Two hours: a plan is replaced before, unless planning fails."""


def solve(
    problem: Problem,
    time_limit_s: float = 30.0,
    stage2: bool = True,
    gap: float = GAP,
    tolerance: float = TOLERANCE,
    resolved_slots: int = RESOLVED_SLOTS,
) -> Plan:
    """The cheapest plan of ``problem``, from a fresh model; never dearer than the simple rule's (`rule`).

    Where the problem has courses and stored energy alone decides it (`value.exact`), the plan of least expected money.

    Args:
        time_limit_s: for all solves together; when it is hit the best verified plan so far is ``feasible``.
        stage2: settle: among plans of equal money take the calmest, and say what limits and marginal values are.
        gap: relative distance to the best possible objective that counts as optimal.
        resolved_slots: in how many of the first slots other battery actions are solved again instead of bounded.
        tolerance: the same as a share of what the bare load costs; it counts where the objective is near zero.

    Raises:
        ProblemInvalid: a value no plan can be made of; the text names all of them.
    """
    accept(problem)
    begun = perf_counter()
    refused: list[str] = []
    if is_exact(problem) and keeps_the_laws(plan := weighed(problem), "stored value", refused):
        return dataclasses.replace(plan, solve_s=perf_counter() - begun)
    search, watch = Search(problem, gap, tolerance, by_rule(problem), refused=refused), Stopwatch(time_limit_s)
    watch.build_s += perf_counter() - begun
    last = rounds(search, watch)
    if stage2 and search.origin is not None and watch.left_s:
        _second_stage(search, search.origin, watch, resolved_slots)
    search.fall_back()
    if search.best is None:
        reasons = _conflicts(last, watch)
        return Plan(
            problem, "failed", conflicts=reasons, refused=tuple(search.refused), build_s=watch.build_s,
            solve_s=watch.solve_s,
        )  # fmt: skip
    return dataclasses.replace(
        search.best,
        status="optimal" if search.is_proven or search.is_settled(last) else "feasible",
        gap=search.proven_gap(last),
        refused=tuple(search.refused),
        build_s=watch.build_s,
        solve_s=watch.solve_s,
    )


def _second_stage(search: Search, origin: Round, watch: Stopwatch, resolved_slots: int) -> None:
    """Settle the best plan's switches and directions: its calmest form, if as cheap, and its marginal values."""
    problem, first, begun = search.problem, origin.plan, perf_counter()
    if first is None:
        return
    arrays = _one_way_only(origin, first)
    settled = settle(problem, origin.built, arrays, origin.found, watch.left_s)
    watch.solve_s += perf_counter() - begun
    if settled is None:
        return
    calm, _ = one_way(read(problem, origin.built, dataclasses.replace(origin.found, x=settled.x)))
    search.offer(calm, origin, settled.given_up)
    best = first if search.best is None else search.best
    begun = perf_counter()
    others = resolved(best, origin.built, settled, resolved_slots, watch.left_s)
    watch.solve_s += perf_counter() - begun
    values = marginals(origin.built, settled, problem.slots)
    search.best = dataclasses.replace(best, marginals=values, alternatives=others)


def _one_way_only(origin: Round, plan: Plan) -> Arrays:
    """The round's model, each battery held to the plan's direction where having both would have paid."""
    upper = origin.arrays.upper.copy()
    for i, (store, slots) in enumerate(zip(origin.built.batteries, origin.costly, strict=False)):
        charges = plan.charge_w[i, slots] > 0
        upper[store.discharge[slots[charges]]] = 0.0
        upper[store.charge[slots[~charges]]] = 0.0
    return dataclasses.replace(origin.arrays, upper=upper)


def _conflicts(last: Round | None, watch: Stopwatch) -> tuple[str, ...]:
    """Names of constraints that cannot hold together, with their slots; or that time ran out."""
    if last is None or last.found.status != "infeasible":
        return (f"no plan was found within {watch.limit_s:g} s; raise the time limit or shorten the horizon",)
    relaxed = dataclasses.replace(last.arrays, integer=np.zeros_like(last.arrays.integer))
    rows, columns = solver.conflicts(relaxed)
    built = last.built
    named = [_name(built.model.row_blocks, int(at), "") for at in rows]
    named += [_name(built.model.column_blocks, int(at), " bounds") for at in columns]
    return tuple(dict.fromkeys(named))[:MOST_CONFLICTS] or ("only the on/off decisions conflict",)


def _name(blocks: list[Block], number: int, kind: str) -> str:
    block = next(b for b in blocks if b.first <= number < b.first + b.count)
    return f"{block.name}{kind} in slot {int(block.slots[number - block.first])}"
