"""From problem to plan: build, solve, make exclusive, settle, read the powers back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan import build as building
from ems_pipeline.plan import solver
from ems_pipeline.plan.alternatives import resolved
from ems_pipeline.plan.build import Built, Exclusions
from ems_pipeline.plan.marginal import marginals
from ems_pipeline.plan.model import Arrays, Block
from ems_pipeline.plan.plan import Plan
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.read import read, simultaneous
from ems_pipeline.plan.second import settle
from ems_pipeline.plan.solver import Solution
from ems_pipeline.plan.start import start

GAP = 1e-4
TOLERANCE = 1e-5
"""A plan as close to the best as a hundred-thousandth of what the bare load costs is as good."""
ROUNDS = 4
"""Solves at most: after the first, exclusivity is added where it was violated; the last has it everywhere."""
MOST_CONFLICTS = 20
RESOLVED_SLOTS = 8
"""Two hours: a plan is replaced before, unless planning fails."""


@dataclass
class Stopwatch:
    """Seconds spent, by kind."""

    limit_s: float
    build_s: float = 0.0
    solve_s: float = 0.0

    @property
    def left_s(self) -> float:
        """What remains of the time limit."""
        return max(0.1, self.limit_s - self.solve_s)


def solve(
    problem: Problem,
    time_limit_s: float = 30.0,
    stage2: bool = True,
    gap: float = GAP,
    tolerance: float = TOLERANCE,
    resolved_slots: int = RESOLVED_SLOTS,
) -> Plan:
    """The cheapest plan of ``problem``, from a fresh model.

    Args:
        time_limit_s: for all solves together; when it is hit the best plan so far is ``feasible`` with its gap.
        stage2: settle: among plans of equal money take the calmest, and say what limits and marginal values are.
        gap: relative distance to the best possible objective that counts as optimal.
        resolved_slots: in how many of the first slots other battery actions are solved again instead of bounded.
        tolerance: the same as a share of what the bare load costs; it counts where the objective is near zero.
    """
    watch = Stopwatch(time_limit_s)
    exclusions = building.exclusions(problem)
    for attempt in range(ROUNDS):
        built, arrays, found = _first_stage(problem, exclusions, watch, gap, tolerance)
        if found.status == "infeasible":
            built, arrays, found = _first_stage(problem, exclusions, watch, gap, tolerance, soft=True)
        if not len(found.x):
            reasons = _conflicts(built, arrays, found, watch)
            return Plan(problem, "failed", conflicts=reasons, build_s=watch.build_s, solve_s=watch.solve_s)
        plan = read(problem, built, found)
        both = simultaneous(problem, plan)
        if both is None:
            break
        exclusions = exclusions.wider(*both) if attempt < ROUNDS - 2 else everywhere(problem)
    if stage2:
        plan = _second_stage(plan, built, arrays, found, watch, resolved_slots)
    return dataclasses.replace(plan, build_s=watch.build_s, solve_s=watch.solve_s)


def _first_stage(
    problem: Problem, exclusions: Exclusions, watch: Stopwatch, gap: float, tolerance: float, soft: bool = False
) -> tuple[Built, Arrays, Solution]:
    begun = perf_counter()
    built = building.build(problem, exclusions, soft)
    arrays = built.model.arrays()
    ready = perf_counter()
    watch.build_s += ready - begun
    found = solver.run(arrays, watch.left_s, gap, tolerance * bare_cost(problem), start(problem, built))
    watch.solve_s += perf_counter() - ready
    return built, arrays, found


def _second_stage(
    first: Plan, built: Built, arrays: Arrays, found: Solution, watch: Stopwatch, resolved_slots: int
) -> Plan:
    problem = first.problem
    begun = perf_counter()
    settled = settle(problem, built, arrays, found, watch.left_s)
    watch.solve_s += perf_counter() - begun
    if settled is None:
        return first
    calm = read(problem, built, dataclasses.replace(found, x=settled.x))
    chosen = first if simultaneous(problem, calm) else calm
    begun = perf_counter()
    others = resolved(chosen, built, settled, resolved_slots, watch.left_s)
    watch.solve_s += perf_counter() - begun
    return dataclasses.replace(chosen, marginals=marginals(built, settled, problem.slots), alternatives=others)


def everywhere(problem: Problem) -> Exclusions:
    """Exclusivity in every slot: the fallback that needs no further round."""
    every = np.arange(problem.slots, dtype=np.int32)
    return Exclusions(every, tuple(every for _ in problem.batteries))


def bare_cost(problem: Problem) -> float:
    """What the bare load turns over, in money: a measure of the problem that no trade brings to zero."""
    bare = float(np.abs(problem.buy_per_kwh) @ units.slot_energy_wh(units.kilo(problem.load_w)))
    return max(0.1, bare)


def _conflicts(built: Built, arrays: Arrays, found: Solution, watch: Stopwatch) -> tuple[str, ...]:
    """Names of constraints that cannot hold together, with their slots; or that time ran out."""
    if found.status != "infeasible":
        return (f"no plan was found within {watch.limit_s:g} s; raise the time limit or shorten the horizon",)
    relaxed = dataclasses.replace(arrays, integer=np.zeros_like(arrays.integer))
    rows, columns = solver.conflicts(relaxed)
    named = [_name(built.model.row_blocks, int(at), "") for at in rows]
    named += [_name(built.model.column_blocks, int(at), " bounds") for at in columns]
    return tuple(dict.fromkeys(named))[:MOST_CONFLICTS] or ("only the on/off decisions conflict",)


def _name(blocks: list[Block], number: int, kind: str) -> str:
    block = next(b for b in blocks if b.first <= number < b.first + b.count)
    return f"{block.name}{kind} in slot {int(block.slots[number - block.first])}"
