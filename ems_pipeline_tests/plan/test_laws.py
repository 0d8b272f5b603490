"""Laws that hold for every plan of every site, whatever the prices; sites are drawn at random."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ems_pipeline.plan import Problem, assemble, slot_rows, solve, verify
from ems_pipeline.plan.problem import GridLimits, HeatPumpUnit, HeatStore
from ems_pipeline.plan.problem.misfits import misfits
from ems_pipeline_tests.plan.random_sites import START, problems

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
COST_TOLERANCE = 2e-3
"""Two plans of equal cost may differ by the solver's gap."""


def cost(problem: Problem) -> float:
    plan = solve(problem, stage2=False, gap=1e-3)
    assert plan.status == "optimal"
    assert plan.objective is not None
    return plan.objective


@FEW
@given(problems())
def test_a_problem_inside_physical_limits_always_has_a_plan_that_obeys_every_law(problem: Problem) -> None:
    plan = solve(problem, gap=1e-3)
    assert plan.status == "optimal"
    assert [str(v) for v in verify(problem, plan)] == []
    assert np.minimum(plan.charge_w, plan.discharge_w).max(initial=0.0) <= 1.0
    rows = slot_rows(plan)
    fed = rows["grid_w"] + rows["pv_w"] + rows["battery_w"] + rows["genset_w"]
    drawn = rows["load_w"] + rows["ev_w"] + rows["heat_pump_w"]
    assert np.abs((fed - drawn).to_numpy()).max() < 1e-6


@FEW
@given(problems(), st.sampled_from(["import", "export", "charge", "discharge", "ceiling"]))
def test_a_wider_limit_never_costs_more(problem: Problem, which: str) -> None:
    grid, batteries = problem.grid, problem.batteries
    wider = {
        "import": {"grid": dataclasses.replace(grid, import_limit_w=grid.import_limit_w * 1.5)},
        "export": {"grid": dataclasses.replace(grid, export_limit_w=grid.export_limit_w + 2000)},
        "charge": {
            "batteries": tuple(dataclasses.replace(b, charge_limit_w=b.charge_limit_w * 1.5) for b in batteries)
        },
        "discharge": {
            "batteries": tuple(dataclasses.replace(b, discharge_limit_w=b.discharge_limit_w * 1.5) for b in batteries)
        },
        "ceiling": {
            "batteries": tuple(
                dataclasses.replace(b, ceiling_wh=min(b.ceiling_wh * 1.2, b.capacity_wh)) for b in batteries
            )
        },
    }[which]
    widened = dataclasses.replace(problem, **wider)
    assume(not list(misfits(widened)))  # efficiencies by power and tapers end where the old limit did
    narrow = cost(problem)
    assert cost(widened) <= narrow + COST_TOLERANCE * (1 + abs(narrow))


@FEW
@given(problems())
def test_the_same_problem_gives_the_same_bytes(problem: Problem) -> None:
    again = Problem.from_json(problem.to_json())
    assert solve(problem, gap=1e-3).to_json() == solve(again, gap=1e-3).to_json()


def test_a_battery_below_its_reserve_recovers_and_never_discharges_before(home, day_inputs) -> None:
    problem = assemble(home, day_inputs(24.0, soc_pct=6.0))
    plan = solve(problem)
    floor_wh = problem.batteries[0].floor_wh
    below = plan.energy_wh[0] < floor_wh - 1
    assert below.sum() <= 3
    assert not below[3:].any()
    assert plan.discharge_w[0][below].max(initial=0.0) == 0.0
    assert [u.what for u in plan.unmet if u.key == "pack"] == (["below its reserve"] if below.any() else [])


def test_a_car_that_wants_more_than_the_hours_can_give_is_named_with_the_amount(home, day_inputs) -> None:
    inputs = day_inputs(24.0)
    greedy = dataclasses.replace(inputs.sessions[1], energy_wh=60_000.0)
    plan = solve(assemble(home, dataclasses.replace(inputs, sessions=(inputs.sessions[0], greedy))))
    (missing,) = [item for item in plan.unmet if item.key.startswith("car-2")]
    slots_present = plan.problem.sessions[1].end - plan.problem.sessions[1].first
    assert abs(missing.amount - (60 - slots_present * 3.68 / 4)) < 1e-3
    assert str(missing) == f"{missing.key}: energy missing at departure {missing.amount:.4g} kWh"


def test_load_beyond_the_fuse_is_planned_and_named_not_refused(home, day_inputs) -> None:
    inputs = day_inputs(24.0, soc_pct=15.0)
    load_w = inputs.load_w.copy()
    load_w[40:44] = 20_000.0
    plan = solve(assemble(home, dataclasses.replace(inputs, load_w=load_w, sessions=())))
    assert plan.status == "optimal"
    assert plan.grid_w.max() <= 20_000.0 + 1e-6


def test_paid_import_is_taken_and_pv_is_curtailed_rather_than_sold_at_a_loss(home, day_inputs) -> None:
    inputs = day_inputs(24.0)
    buy = inputs.buy_per_kwh.copy()
    buy[4:8] = -1.0
    problem = assemble(home, dataclasses.replace(inputs, buy_per_kwh=buy, sell_per_kwh=buy - 1.3))
    plan = solve(problem)
    assert verify(problem, plan) == []
    assert (plan.pv_w[:, 4:8] == 0).all()
    assert (plan.grid_w[4:8] > 7000).all()


@pytest.mark.parametrize("pause", [2, 3, 4])
def test_what_ran_before_the_first_slot_pauses_in_full_when_it_is_switched_off(pause: int) -> None:
    """Paid import in slot 1 asks for heat there; heat in slot 0 is dear, so a pause of one slot would pay."""
    slots = 8
    buy = np.array([0.9, -0.9, 0.9, 0.9, -0.9, 0.9, 0.9, 0.9])
    store = HeatStore("house", 180.0, 6000.0, np.full(slots, 5.0), np.zeros(slots), 21.0, 18.0, 24.0, 5.0)
    pump = HeatPumpUnit("pump", 900.0, 3000.0, np.full(slots, 3.0), store, 1, pause, was_on=True)
    grid = GridLimits(np.full(slots, 9000.0), np.zeros(slots))
    problem = Problem("small", "EUR", START, buy, buy, np.full(slots, 100.0), grid, heat_pumps=(pump,))
    plan = solve(problem)
    assert verify(problem, plan) == []
    off = np.flatnonzero(plan.heat_pump_w[0] == 0)
    assert 0 not in off or set(range(pause)) <= set(off.tolist())
