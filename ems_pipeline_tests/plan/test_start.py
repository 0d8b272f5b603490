"""A plan begins where the plan before it stood: sooner found, the same money, whatever that plan was."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.plan import Plan, Problem, solve, verify
from ems_pipeline.plan.model.build import build, exclusions
from ems_pipeline.plan.problem import (
    BatteryStore,
    DeferrableRun,
    GensetUnit,
    GridLimits,
    HeatPumpUnit,
    HeatStore,
    PreviousPower,
)
from ems_pipeline.plan.solving import solver
from ems_pipeline.plan.solving.read import read
from ems_pipeline.plan.solving.start import start
from ems_pipeline_tests.plan.random_sites import START, problems
from ems_pipeline_tests.plan.test_laws import COST_TOLERANCE, FEW


def powers(plan: Plan) -> tuple[PreviousPower, ...]:
    """What a plan wants of each asset that the next one may start from."""
    problem = plan.problem
    return (
        *(PreviousPower(b.key, w) for b, w in zip(problem.batteries, plan.discharge_w - plan.charge_w, strict=True)),
        *(PreviousPower(m.key, w) for m, w in zip(problem.deferrables, plan.deferrable_w, strict=True)),
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
def test_a_start_has_the_machines_as_the_plan_before_had_them(problem: Problem) -> None:
    built = build(problem, exclusions(problem))
    arrays = built.model.arrays()
    found = solver.run(arrays, 30.0)
    plan = read(problem, built, found)
    begin = start(dataclasses.replace(problem, previous=powers(plan)), built)
    if begin is not None:
        directions = np.concatenate([built.imports, *built.charges])
        of_machines = ~np.isin(begin[0], directions)
        bound = np.clip(begin[1], arrays.lower[begin[0]], arrays.upper[begin[0]])  # what it is obliged to, it does
        assert found.x[begin[0]][of_machines].round().tolist() == bound[of_machines].tolist()


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


def test_meter_and_battery_go_the_way_they_went_and_a_machine_runs_when_it_ran() -> None:
    """Selling dearer than buying, and buying paid for: every slot has its switch of direction."""
    cheap, full = np.full(4, -0.1), np.full(4, 9000.0)
    pack = BatteryStore("pack", 4000.0, 2000.0, 2000.0, 1.0, 1.0, 0.0, 4000.0, 1000.0)
    house = HeatStore("house", 100.0, 5000.0, cheap, cheap, 21.0, 20.0, 22.0, 1.0)
    pump = HeatPumpUnit("pump", 1000.0, 2000.0, np.full(4, 3.0), house)
    wash = DeferrableRun("washing", np.full(2, 800.0), 0, 4)
    problem = Problem(
        "home", "EUR", START, cheap, cheap + 0.2, np.full(4, 500.0), GridLimits(full, full),
        batteries=(pack,), heat_pumps=(pump,), deferrables=(wash,),
        previous=(
            PreviousPower("pack", np.array([-2000.0, 2000.0, 2000.0, 2000.0])),
            PreviousPower("pump", np.array([1200.0, 0.0, 0.0, 0.0])),
            PreviousPower("washing", np.array([0.0, 0.0, 800.0, 800.0])),
        ),
    )  # fmt: skip
    built = build(problem, exclusions(problem))
    begin = start(problem, built)
    assert begin is not None
    value = dict(zip(begin[0].tolist(), begin[1].tolist(), strict=True))
    assert [value[c] for c in built.imports.tolist()] == [1, 0, 0, 0]  # net +3700, -1500, -700, -700 W
    assert [value[c] for c in built.charges[0].tolist()] == [1, 0, 0, 0]
    assert [value[c] for c in built.deferrables[0].choice.tolist()] == [0, 0, 1]
    assert [value[c] for c in built.heat_pumps[0].house.on.tolist()] == [1, 0, 0, 0]
