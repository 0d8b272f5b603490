"""The planner: ``solve(problem) -> plan``, ``verify(problem, plan) -> violations``. Pure: no database, no clock.

    inputs.py    what a plan may know                          assemble.py  site + inputs -> Problem (problem.py)
    accept.py    the door: what no plan can be made of         rule.py      the simple rule's plan, by arithmetic
    laws/        one physical law = one function               build.py     laws -> model.py's columns and rows
    solver.py    HiGHS                                         search.py    rounds of solves, the best plan kept
    read.py      solution -> plan.py                           exclusive.py one direction per battery and slot
    solve.py     rule, rounds, calm                            modes.py     powers -> modes, limits, reasons
    verify.py    the same laws by arithmetic, independent      explain.py   the plan in words

The mathematics: docs/planner.md. A new law: a function in laws/, its arithmetic in verify.py, a mutation in the tests.
"""

from ems_pipeline.plan.accept import ProblemInvalid
from ems_pipeline.plan.assemble import assemble
from ems_pipeline.plan.inputs import EvSession, GridEvent, InputsInvalid, MachineState, PlanInputs, SiteState
from ems_pipeline.plan.plan import Plan, Unmet
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.solve import solve
from ems_pipeline.plan.verify import verify
from ems_pipeline.plan.violation import Violation

__all__ = [
    "EvSession",
    "GridEvent",
    "InputsInvalid",
    "MachineState",
    "Plan",
    "PlanInputs",
    "Problem",
    "ProblemInvalid",
    "SiteState",
    "Unmet",
    "Violation",
    "assemble",
    "solve",
    "verify",
]  # fmt: skip
