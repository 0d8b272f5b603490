"""A plan begins where the plan before it stood: sooner found, the same money, whatever that plan was."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.plan import Plan, Problem, solve, solver, verify
from ems_pipeline.plan.build import build, exclusions
from ems_pipeline.plan.problem import GensetUnit, GridLimits, PreviousPower
from ems_pipeline.plan.read import read
from ems_pipeline.plan.start import start
from ems_pipeline_tests.plan.random_sites import START, problems
from ems_pipeline_tests.plan.test_laws import COST_TOLERANCE, FEW


def powers(plan: Plan) -> tuple[PreviousPower, ...]:
    """What a plan wants of each machine that the next one may start from."""
    problem = plan.problem
    return (
        *(PreviousPower(u.key, w) for u, w in zip(problem.heat_pumps, plan.heat_pump_w, strict=True)),
        *(PreviousPower(c.charger, w) for c, w in zip(problem.sessions, plan.session_w, strict=True)),
        *(PreviousPower(g.key, w) for g, w in zip(problem.gensets, plan.genset_w, strict=True)),
    )


@FEW
@given(problems(), st.integers(0, 2**32 - 1))
def test_a_start_changes_neither_the_money_nor_the_laws_even_when_it_is_nonsense(problem: Problem, seed: int) -> None:
    plan = solve(problem, stage2=False)
    rng, keys = np.random.default_rng(seed), [previous.key for previous in powers(plan)]
    nonsense = tuple(PreviousPower(key, rng.choice([0.0, 3000.0], problem.slots)) for key in keys)
    for before in (powers(plan), nonsense):
        started = dataclasses.replace(problem, previous=before)
        again = solve(started, stage2=False)
        assert (again.status, verify(started, again)) == ("optimal", [])
        assert again.objective == pytest.approx(plan.objective, rel=COST_TOLERANCE, abs=COST_TOLERANCE)
        assert again.to_json() == solve(started, stage2=False).to_json()


@FEW
@given(problems())
def test_a_start_is_the_pattern_of_switches_of_the_plan_before(problem: Problem) -> None:
    built = build(problem, exclusions(problem))
    found = solver.run(built.model.arrays(), 30.0)
    plan = read(problem, built, found)
    begin = start(dataclasses.replace(problem, previous=powers(plan)), built)
    if begin is not None:
        assert found.x[begin[0]].round().tolist() == begin[1].tolist()


def test_a_genset_that_carried_load_had_been_turning_for_its_warm_up() -> None:
    unit = GensetUnit("diesel", 1500.0, 5000.0, 0.2, warm_up_slots=2)
    flat = np.full(8, 0.3)
    problem = Problem("farm", "EUR", START, flat, flat, np.zeros(8), GridLimits(flat, flat), gensets=(unit,))
    loaded_w = np.array([0.0, 0.0, 0.0, 2000.0, 2000.0, 0.0, 0.0, 0.0])
    problem = dataclasses.replace(problem, previous=(PreviousPower("diesel", loaded_w),))
    built = build(problem, exclusions(problem))
    columns, values = start(problem, built) or pytest.fail("the plan before says when the set turned")
    assert columns.tolist() == built.gensets[0].on.tolist()
    assert values.tolist() == [0, 1, 1, 1, 1, 0, 0, 0]


def test_without_a_plan_before_there_is_no_start() -> None:
    flat = np.full(8, 0.3)
    unit = GensetUnit("diesel", 1500.0, 5000.0, 0.2)
    problem = Problem("farm", "EUR", START, flat, flat, np.zeros(8), GridLimits(flat, flat), gensets=(unit,))
    assert start(problem, build(problem, exclusions(problem))) is None
