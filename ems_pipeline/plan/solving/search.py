"""Rounds of solves for the cheapest plan, each from where the one before stood; the best plan is always kept."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from ems_pipeline.arrays import Index
from ems_pipeline.plan.model import Arrays
from ems_pipeline.plan.model import build as building
from ems_pipeline.plan.model.build import Built, Exclusions
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.solving import solver
from ems_pipeline.plan.solving.exclusive import one_way
from ems_pipeline.plan.solving.read import read
from ems_pipeline.plan.solving.solver import Solution
from ems_pipeline.plan.solving.stakes import at_stake, bare_cost
from ems_pipeline.plan.solving.start import from_round, start
from ems_pipeline.plan.verifier.verify import verify

EQUAL = 2e-6
"""A difference of money below this share of what the bare load costs (and of 1) is none: calm may cost half of it."""
HALF = 0.5
ONE_WAY = "one direction"
"""The law that a round leaves open where both directions of a battery pay: the next one closes it."""
ROUNDS = 4
"""Solves at most: after the first, exclusivity is added where its absence paid; the last has it everywhere."""


@dataclass
class Stopwatch:
    """Seconds spent, by kind."""

    limit_s: float
    build_s: float = 0.0
    solve_s: float = 0.0

    @property
    def left_s(self) -> float:
        """What remains of the time limit."""
        return max(0.0, self.limit_s - self.solve_s)


@dataclass(frozen=True)
class Round:
    """One solve: the model, its solution, the plan made of it, and where that plan paid for one direction."""

    built: Built
    arrays: Arrays
    found: Solution
    plan: Plan | None = None
    costly: tuple[Index, ...] = ()


@dataclass
class Search:
    """The best verified plan so far, the round it came from, and what no plan can beat; ``rule`` where it has none."""

    problem: Problem
    gap: float
    tolerance: float
    rule: Plan
    best: Plan | None = None
    origin: Round | None = None
    bound: float = -np.inf
    refused: list[str] = field(default_factory=list)
    """Plans that broke a law, with the first it broke: model and verifier differ there."""

    def offer(self, plan: Plan, origin: Round | None, may_cost: float = 0.0) -> None:
        """Keep a plan if nothing known is cheaper by more than it may cost, and the verifier accepts it."""
        known = min(_money(self.rule), np.inf if self.best is None else _money(self.best))
        is_cheap = _money(plan) <= known + may_cost + EQUAL * max(1.0, bare_cost(self.problem))
        open_slots = origin is not None and any(map(len, origin.costly))
        if is_cheap and keeps_the_laws(plan, "solver", self.refused, {ONE_WAY} if open_slots else set()):
            self.best, self.origin = plan, origin

    def fall_back(self) -> None:
        """Where no round found a plan worth having, the rule's is the best, if it keeps the laws."""
        if self.best is None and keeps_the_laws(self.rule, "simple rule", self.refused):
            self.best = self.rule

    @property
    def is_proven(self) -> bool:
        """Whether nothing is left to be found."""
        if self.best is None:
            return False
        close = max(self.gap * abs(_money(self.best)), self.tolerance * bare_cost(self.problem))
        return _money(self.best) - self.bound <= close

    def is_settled(self, last: Round | None) -> bool:
        """Whether the best plan is the optimum of a round that needed no repair."""
        is_repaired = last is None or self.origin is not last or any(map(len, last.costly))
        return not is_repaired and last is not None and last.found.status == "optimal"

    def proven_gap(self, last: Round | None) -> float | None:
        """Proven distance of the best plan to the best possible one, relative; None where nothing is proven."""
        if last is not None and self.is_settled(last):
            return last.found.gap
        if self.best is None or not np.isfinite(self.bound):
            return None
        return max(0.0, _money(self.best) - self.bound) / max(abs(_money(self.best)), EQUAL)


def keeps_the_laws(plan: Plan, maker: str, refused: list[str], open_laws: Set[str] = frozenset()) -> bool:
    """Whether the verifier accepts a plan; of one it refuses the first law it breaks joins ``refused``.

    Args:
        open_laws: those a later round is still to see to; to break them is no fault of the maker.
    """
    broken = verify(plan.problem, plan)
    refused += [f"{maker}: {found}" for found in broken if found.law not in open_laws][:1]
    return not broken


def rounds(search: Search, watch: Stopwatch) -> Round | None:
    """Solve, make exclusive, and again with exclusivity where its absence paid; the last round that found something.

    As long as a round may leave something to be made exclusive, it takes no more than half of the time that is left.
    """
    problem, last = search.problem, None
    exclusions, share = building.exclusions(problem), HALF if _may_burn(problem) else 1.0
    stakes = at_stake(problem, _money(search.rule))
    for attempt in range(ROUNDS):
        if not watch.left_s:
            break
        this = _round(search, exclusions, watch.left_s * share, watch, stakes, last)
        search.bound = max(search.bound, this.found.bound)
        if this.plan is None and this.found.status == "none" and share < 1.0:
            share = 1.0  # nothing was found in its half of the time
            continue
        if this.plan is None:
            return last or this
        search.offer(this.plan, this)
        last = this
        is_exclusive = not any(map(len, this.costly))
        if search.is_proven or (is_exclusive and this.found.status == "optimal"):
            break
        if is_exclusive:
            share = 1.0
        elif attempt < ROUNDS - 2:
            exclusions = exclusions.wider(this.costly)
        else:
            exclusions, share = everywhere(problem), 1.0
    return last


def _may_burn(problem: Problem) -> bool:
    """Whether energy could be in the way somewhere: then a round may burn it where no binary stands against it."""
    stiff = any(not source.curtailable for source in problem.pv) or bool(problem.gensets)
    return problem.exclusive and bool(problem.batteries) and (stiff or float(problem.sell_per_kwh.min()) < 0)


def _round(
    search: Search, exclusions: Exclusions, limit_s: float, watch: Stopwatch, stakes: float, before: Round | None
) -> Round:
    problem, begun = search.problem, perf_counter()
    built = building.build(problem, exclusions, stakes)
    arrays = built.model.arrays()
    begin = start(problem, built)
    if before is not None and before.plan is not None:
        begin = from_round(built, before.found.x, before.built, before.plan)
    ready = perf_counter()
    watch.build_s += ready - begun
    close = search.tolerance * bare_cost(problem)
    found = solver.run(arrays, limit_s, search.gap, close, begin)
    watch.solve_s += perf_counter() - ready
    if not len(found.x):
        return Round(built, arrays, found)
    plan = read(problem, built, found)
    return Round(built, arrays, found, *(one_way(plan) if problem.exclusive else (plan, ())))


def everywhere(problem: Problem) -> Exclusions:
    """Exclusivity in every slot: the fallback that needs no further round."""
    every = np.arange(problem.slots, dtype=np.int32)
    return Exclusions(every, tuple(every for _ in problem.batteries))


def _money(plan: Plan) -> float:
    return np.inf if plan.objective is None else plan.objective
