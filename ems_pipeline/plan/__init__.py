"""The planner: ``solve(problem) -> plan``, ``verify(problem, plan) -> violations``. Pure: no database, no clock.

    assembly/   a site and what is known about it -> problem
    problem/    what is to be planned, and the door that refuses what no plan can be made of
    model/      problem -> columns and rows; laws/: one physical law = one function
    rule/       the simple rule's plan, by arithmetic: what every plan has to beat
    solving/    rule, rounds of HiGHS, the best verified plan kept, calm -> plan
    value/      what stored energy is worth over several courses, where one battery decides -> plan
    result/     the plan: powers, and all that follows from them
    verifier/   the same laws by arithmetic, sharing nothing with the model
    record.py   frozen records as JSON and back; difference.py: where two of the same form differ
    wording/    powers -> modes with limits, reasons, rows, the plan in words

The mathematics: docs/planner.md. A new law: a function in model/laws/, its arithmetic in
verifier/, a mutation in the tests.
"""

from ems_pipeline.plan.assembly.assemble import assemble
from ems_pipeline.plan.assembly.fleet import as_one
from ems_pipeline.plan.assembly.inputs import (
    EvSession,
    GridEvent,
    InputsInvalid,
    MachineState,
    PlanInputs,
    Service,
    SiteState,
)
from ems_pipeline.plan.problem import Problem, Unmet
from ems_pipeline.plan.problem.accept import ProblemInvalid
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.solving.solve import solve
from ems_pipeline.plan.verifier.verify import verify
from ems_pipeline.plan.verifier.violation import Violation
from ems_pipeline.plan.wording.members import of_members
from ems_pipeline.plan.wording.rows import device_rows, slot_rows

__all__ = [
    "EvSession",
    "GridEvent",
    "InputsInvalid",
    "MachineState",
    "Plan",
    "PlanInputs",
    "Problem",
    "ProblemInvalid",
    "Service",
    "SiteState",
    "Unmet",
    "Violation",
    "as_one",
    "assemble",
    "device_rows",
    "of_members",
    "slot_rows",
    "solve",
    "verify",
]  # fmt: skip
