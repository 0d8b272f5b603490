"""The laws of sets behind one switchboard, broken by one percent (counts: by one), in the hall of `test_verify`."""

from __future__ import annotations

import dataclasses

import numpy as np

from ems_pipeline.plan import Plan, Problem
from ems_pipeline.plan.problem import Window
from ems_pipeline_tests.plan.breaches import MUTATIONS, breaks

__all__ = ["MUTATIONS"]


def _with_first(problem: Problem, **changes: object) -> Problem:
    first, *others = problem.gensets
    return dataclasses.replace(problem, gensets=(dataclasses.replace(first, **changes), *others))


def _run(plan: Plan) -> tuple[int, int]:
    """First slot of the first set's only run, and the one after it."""
    on = np.flatnonzero(plan.genset_on[0])
    return int(on[0]), int(on[-1]) + 1


@breaks("genset ramp", "hall")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    most_w, first_w = problem.gensets[0].max_w, float(plan.genset_w[0][_run(plan)[0]]) / 1.01
    return _with_first(problem, ramp_w_per_s=most_w / 1800.0 / (1.0 - first_w / most_w)), plan


@breaks("genset low load", "hall")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_first(problem, low_load_w=float(plan.genset_w[0].max()) * 1.01, low_load_slots=1), plan


@breaks("genset lead in quiet hours", "hall")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    first, _ = _run(plan)
    return _with_first(problem, blocked=(Window(first - 1, first),)), plan


@breaks("genset cool-down in quiet hours", "hall")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    _, end = _run(plan)
    return _with_first(problem, blocked=(Window(end, end + 1),)), plan


@breaks("genset starts per 2 h", "hall")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_first(problem, started_ago=(1,), starts_per_2h=0), plan


@breaks("equal share of load", "hall")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    power_w = plan.genset_w.copy()
    power_w[0], power_w[1] = power_w[0] * 1.01, power_w[1] - 0.01 * power_w[0]
    return problem, dataclasses.replace(plan, genset_w=power_w)


@breaks("spare of the switchboard", "hall")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    loaded = (plan.genset_w > 0).any(axis=0)
    left_w = np.where(plan.genset_w > 0, [[unit.max_w] for unit in problem.gensets] - plan.genset_w, 0.0).sum(axis=0)
    board = dataclasses.replace(problem.switchboards[0], spare_w=float(left_w[loaded].min()) * 1.01)
    return dataclasses.replace(problem, switchboards=(board,)), plan
