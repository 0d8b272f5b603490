"""From problem to plan: build, solve, make exclusive, read the powers back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan import build as building
from ems_pipeline.plan import solver
from ems_pipeline.plan.build import Built, Exclusions
from ems_pipeline.plan.plan import Plan
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.read import read, simultaneous

ROUNDS = 4
"""Solves at most: after the first, exclusivity is added where it was violated; the last has it everywhere."""


@dataclass
class Spent:
    """Seconds since the start of planning, by kind."""

    build_s: float = 0.0
    solve_s: float = 0.0


def solve(problem: Problem, time_limit_s: float = 30.0, stage2: bool = True) -> Plan:
    """The cheapest plan of ``problem``.

    Args:
        time_limit_s: for all solves together; when it is hit the best plan so far is ``feasible`` with its gap.
        stage2: choose, among plans of equal money, the one with least wear and least change.
    """
    spent = Spent()
    exclusions = building.exclusions(problem)
    for attempt in range(ROUNDS):
        begun = perf_counter()
        built = building.build(problem, exclusions)
        arrays = built.model.arrays()
        ready = perf_counter()
        spent.build_s += ready - begun
        found = solver.run(arrays, max(0.1, time_limit_s - spent.solve_s), money_tolerance(problem))
        spent.solve_s += perf_counter() - ready
        if not len(found.x):
            return Plan(problem, "failed", conflicts=(found.status,), build_s=spent.build_s, solve_s=spent.solve_s)
        plan = read(problem, built, found)
        both = simultaneous(problem, plan)
        if both is None:
            return dataclasses.replace(plan, build_s=spent.build_s, solve_s=spent.solve_s)
        exclusions = exclusions.wider(*both) if attempt < ROUNDS - 2 else everywhere(problem)
    raise AssertionError("with exclusivity everywhere no plan does both at once")


def everywhere(problem: Problem) -> Exclusions:
    """Exclusivity in every slot: the fallback that needs no further round."""
    every = np.arange(problem.slots, dtype=np.int32)
    return Exclusions(every, tuple(every for _ in problem.batteries))


def money_tolerance(problem: Problem) -> float:
    """A hundred-thousandth of what the bare load costs: a plan this close to the best is as good."""
    bare = float(np.abs(problem.buy_per_kwh) @ units.slot_energy_wh(units.kilo(problem.load_w)))
    return max(1e-6, 1e-5 * bare)


__all__ = ["Built", "solve"]
