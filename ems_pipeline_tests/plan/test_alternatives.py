"""What another battery action would have cost: solved again where it will be executed, a bound beyond."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from ems_pipeline.plan import Plan, Problem, assemble, slot_rows, solve
from ems_pipeline.plan.model import build as building
from ems_pipeline.plan.problem import ChargeBand, DemandEvent, PowerStep
from ems_pipeline.plan.solving import solver
from ems_pipeline.plan.solving.second import with_switches_fixed
from ems_pipeline.plan.solving.stakes import bare_cost
from ems_pipeline.plan.wording.next_best import next_best
from ems_pipeline_tests.plan.random_sites import problems
from ems_pipeline_tests.plan.test_explain import site

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def cheap_then_dear() -> Problem:
    """250 Wh per slot; half a kWh bought at 0.10 serves a slot at 0.50 and one at 0.30, without any loss."""
    lossless = {"charge_efficiency": 1.0, "discharge_efficiency": 1.0}
    return site([0.10, 0.50, 0.30], initial_wh=0.0, capacity_wh=500.0, ceiling_wh=500.0, **lossless)


def extras(plan: Plan, slot: int) -> dict[str, float | None]:
    return {a.action: a.extra for a in plan.alternatives if a.slot == slot}


def test_what_not_charging_costs_is_the_dear_slots_bought_not_the_first_kwh_of_them() -> None:
    plan = solve(cheap_then_dear())
    assert plan.charge_w[0, 0] == pytest.approx(2000.0, abs=0.1)
    # By hand: without 0.5 kWh at 0.10, a quarter kWh each is bought at 0.50 and 0.30.
    by_hand = 0.25 * 0.50 + 0.25 * 0.30 - 0.5 * 0.10
    # Nothing is stored yet: following the meter, holding and discharging are one.
    assert extras(plan, 0) == {"self-use": pytest.approx(by_hand)}
    row = slot_rows(plan).row(0, named=True)
    assert (row["next_best_action"], row["next_best_kind"]) == ("self-use", "re-solved")
    assert row["next_best_cost"] == pytest.approx(0.15)
    bound = slot_rows(solve(cheap_then_dear(), resolved_slots=0)).row(0, named=True)
    assert bound["next_best_kind"] == "bound"
    assert bound["next_best_cost"] < 0.15 - 0.01


def test_in_the_next_slots_figures_are_solved_again_and_beyond_they_are_bounds(home, day_inputs) -> None:
    plan = solve(assemble(home, day_inputs(24.0)), gap=1e-2, resolved_slots=5)
    kinds = slot_rows(plan)["next_best_kind"].to_list()
    assert set(kinds[:5]) <= {"re-solved", "impossible", None}
    assert "re-solved" in kinds[:5]
    assert set(kinds[5:]) <= {"bound", None}
    assert {a.slot for a in plan.alternatives} <= set(range(5))


@FEW
@given(problems())
def test_no_alternative_costs_less_than_the_plan_beyond_its_gap(problem: Problem) -> None:
    gap = 1e-4
    plan = solve(problem, gap=gap)
    least = -(gap * abs(plan.objective or 0.0) + 2e-5 * bare_cost(problem))
    for other in plan.alternatives:
        assert other.extra is None or other.extra >= least, other


@FEW
@given(problems())
def test_solving_again_from_the_last_basis_finds_what_solving_from_nothing_finds(problem: Problem) -> None:
    """Held to its own powers the plan costs what it costs; half of them cost what a fresh model says."""
    exclusions = building.exclusions(problem)
    built = building.build(problem, exclusions)
    arrays = built.model.arrays()
    found = solver.run(arrays, 30.0, 1e-3)
    if not len(found.x):
        return
    fixed = with_switches_fixed(arrays, found.x)
    linear = solver.Linear(fixed, near=found.x)
    best = linear.run(30.0)
    for store in built.batteries:
        for slot in range(4):
            column = int(store.discharge[slot])
            for value in (float(best.x[column]), 0.0, 0.5 * fixed.upper[column]):
                status, objective = linear.narrowed({column: (value, value)}, 30.0)
                lower, upper = fixed.lower.copy(), fixed.upper.copy()
                lower[column] = upper[column] = value
                cold = solver.run(dataclasses.replace(fixed, lower=lower, upper=upper), 30.0)
                assert status == cold.status
                if status == "optimal":
                    assert objective == pytest.approx(cold.objective, abs=1e-6 * (1 + abs(cold.objective)))
    assert linear.run(30.0).objective == pytest.approx(best.objective, abs=1e-7)


def test_an_action_that_the_other_switches_forbid_is_said_to_be_impossible() -> None:
    """An answered event keeps import below its baseline: who charges fully would have to take the answer back."""
    problem = site([0.3, 0.3, 0.3], initial_wh=2000.0)
    event = DemandEvent("paid", 0, 1, baseline_w=1000.0, price_per_kwh=5.0)
    plan = solve(dataclasses.replace(problem, grid=dataclasses.replace(problem.grid, events=(event,))))
    assert extras(plan, 0)["charge"] is None
    assert (extras(plan, 0)["hold"] or 0.0) > 1.0
    row = slot_rows(plan).row(0, named=True)
    assert row["next_best_kind"] == "re-solved"
    assert row["reason"].endswith("To charge fully is impossible with the other switches as planned.")


def test_where_every_other_action_is_impossible_the_row_says_so_without_a_cost() -> None:
    plan = solve(cheap_then_dear())
    nothing = tuple(dataclasses.replace(a, extra=None) for a in plan.alternatives)
    row = slot_rows(dataclasses.replace(plan, alternatives=nothing)).row(0, named=True)
    assert (row["next_best_kind"], row["next_best_cost"], row["next_best_action"]) == ("impossible", None, None)


def test_a_step_of_power_is_not_skipped_to_make_an_alternative_cheap() -> None:
    """A converter is poor below 1 kW: covering 2 kW pays the poor step before the good one, by hand."""
    steps = (PowerStep(1000.0, 0.5, 0.5), PowerStep(2000.0, 1.0, 1.0))
    problem = site([0.30, 0.30], load_w=2000.0, initial_wh=4000.0, end_value_per_kwh=0.29)
    problem = dataclasses.replace(problem, batteries=(dataclasses.replace(problem.batteries[0], steps=steps),))
    plan = solve(problem)
    assert plan.discharge_w.max() < 1.0
    # 0.5 kWh replaced at 0.30 need 0.25 / 0.5 + 0.25 kWh from the cells, worth 0.29 each.
    assert extras(plan, 0)["self-use"] == pytest.approx(0.75 * 0.29 - 0.5 * 0.30)


def test_charging_fully_respects_taper_bands_and_room() -> None:
    problem = site([0.5, 0.2], initial_wh=3000.0, end_value_per_kwh=0.1)
    bands = (ChargeBand(2500.0, 0.9, 0.9), ChargeBand(4000.0, 0.8, 0.9))
    problem = dataclasses.replace(problem, batteries=(dataclasses.replace(problem.batteries[0], bands=bands),))
    plan = solve(problem)
    charge = next(a for a in plan.alternatives if a.slot == 0 and a.action == "charge")
    assert charge.power_w == pytest.approx(-2000.0)
    nearly_full = dataclasses.replace(problem.batteries[0], initial_wh=3900.0)
    plan = solve(dataclasses.replace(problem, batteries=(nearly_full,)))
    charge = next(a for a in plan.alternatives if a.slot == 0 and a.action == "charge")
    assert charge.power_w == pytest.approx(-4 * 100.0 / 0.8)


def test_the_cheapest_action_of_all_batteries_is_named() -> None:
    plan = solve(cheap_then_dear())
    best = next_best(plan)
    assert best is not None
    for slot in range(3):
        known = [a.extra for a in plan.alternatives if a.slot == slot and a.extra is not None]
        assert best.extra[slot] == pytest.approx(max(0.0, min(known)) if known else np.inf)


def test_a_plan_with_alternatives_survives_json() -> None:
    plan = solve(cheap_then_dear())
    assert plan.alternatives
    assert Plan.from_json(plan.to_json()).to_json() == plan.to_json()
