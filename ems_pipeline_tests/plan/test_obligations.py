"""What was switched shortly before the horizon: it goes on, pauses and warms up as if the horizon had begun then."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ems_pipeline.plan import Plan, Problem, solve, verify
from ems_pipeline.plan.problem import GensetUnit, GridLimits, HeatPumpUnit, HeatStore, Window
from ems_pipeline.plan.result import shortfall
from ems_pipeline_tests.plan.random_sites import START

SLOTS = 12


def with_genset(buy: float = 0.1, load_w: float = 4000.0, export_w: float = 0.0, **unit: object) -> Problem:
    """Fuel at 0.35: worth running only where buying is dearer."""
    diesel = GensetUnit("diesel", 1500.0, 4000.0, 0.35, idle_fuel_per_h=0.2, start_cost=0.5)
    return Problem(
        "small", "EUR", START, np.full(SLOTS, buy), np.full(SLOTS, -0.1), np.full(SLOTS, load_w),
        GridLimits(np.full(SLOTS, 9000.0), np.full(SLOTS, export_w)),
        gensets=(dataclasses.replace(diesel, **unit),), day_breaks=(6,),
    )  # fmt: skip


def planned(problem: Problem) -> Plan:
    plan = solve(problem)
    assert plan.status == "optimal"
    assert [str(v) for v in verify(problem, plan)] == []
    return plan


@pytest.mark.parametrize(("slots", "left"), [(0, 4), (1, 3), (3, 1), (4, 0), (None, 0)])
def test_a_set_switched_on_lately_runs_out_its_minimum(slots: int | None, left: int) -> None:
    plan = planned(with_genset(min_run_slots=4, was_on=True, state_slots=slots))
    assert plan.genset_on[0].tolist() == [1.0] * left + [0.0] * (SLOTS - left)


def test_a_set_that_warms_up_since_a_slot_takes_load_after_the_rest_of_its_warm_up() -> None:
    plan = planned(with_genset(0.1, min_run_slots=4, warm_up_slots=3, was_on=True, state_slots=1))
    assert plan.genset_on[0, :4].tolist() == [1.0, 1.0, 1.0, 0.0]
    assert plan.genset_w[0, :3].tolist() == [0.0, 0.0, 1500.0]
    # By hand: three slots at 0.2 per hour idle, one slot of 1.5 kW at 0.35; the rest is bought at 0.10.
    bought_kwh = SLOTS * 1.0 - 1.5 / 4
    assert plan.objective == pytest.approx(3 * 0.05 + 1.5 / 4 * 0.35 + bought_kwh * 0.1)


@pytest.mark.parametrize(("slots", "first"), [(0, 3), (1, 2), (2, 1), (None, 0)])
def test_a_set_switched_off_lately_waits_out_its_pause(slots: int | None, first: int) -> None:
    plan = planned(with_genset(2.0, min_pause_slots=3, was_on=False, state_slots=slots))
    assert int(np.argmax(plan.genset_on[0] > 0)) == first


def test_starts_already_made_count_on_their_day_only() -> None:
    limits = {"starts_per_day": 1, "run_hours_left": 1.0}
    assert planned(with_genset(2.0, **limits)).genset_on[0, :6].sum() > 0
    later = planned(with_genset(2.0, **limits, starts_before=1))
    assert later.genset_on[0, :6].sum() == 0
    assert later.genset_on[0, 6:].sum() == 4
    assert planned(with_genset(2.0, **limits, starts_before=5)).genset_on[0, :6].sum() == 0


def test_quiet_hours_and_the_next_service_end_a_minimum_run() -> None:
    quiet = planned(with_genset(min_run_slots=6, was_on=True, state_slots=0, blocked=(Window(2, 4),)))
    assert quiet.genset_on[0].tolist() == [1.0] * 2 + [0.0] * 10
    due = planned(with_genset(min_run_slots=6, was_on=True, state_slots=0, run_hours_left=0.8))
    assert due.genset_on[0].tolist() == [1.0] * 3 + [0.0] * 9


def test_power_nobody_can_take_is_exported_beyond_the_limit_and_named() -> None:
    plan = planned(with_genset(load_w=200.0, min_run_slots=2, was_on=True, state_slots=0))
    assert plan.grid_w[:2].tolist() == pytest.approx([-1300.0] * 2)
    assert [str(item) for item in plan.unmet] == ["grid: beyond the grid limit 0.65 kWh"]


def heated(**unit: object) -> Problem:
    """A house warm enough for hours, next to its upper edge."""
    store = HeatStore("house", 150.0, 3000.0, np.full(SLOTS, 10.0), np.zeros(SLOTS), 22.4, 20.0, 22.5, 5.0)
    pump = HeatPumpUnit("pump", 1000.0, 3000.0, np.full(SLOTS, 4.0), store)
    return Problem(
        "small", "EUR", START, np.full(SLOTS, 0.3), np.full(SLOTS, 0.1), np.full(SLOTS, 300.0),
        GridLimits(np.full(SLOTS, 9000.0), np.full(SLOTS, 9000.0)),
        heat_pumps=(dataclasses.replace(pump, **unit),),
    )  # fmt: skip


@pytest.mark.parametrize("run", [2, 4])
def test_a_heat_pump_runs_out_its_minimum_even_into_too_warm(run: int) -> None:
    plan = planned(heated(min_run_slots=run, was_on=True, state_slots=1))
    assert plan.heat_pump_w[0, : run - 1].tolist() == pytest.approx([1000.0] * (run - 1), abs=0.1)
    assert (plan.heat_pump_w[0, run - 1 : 6] == 0).all()
    assert [item.what for item in plan.unmet] == ["outside the comfort band"]


@pytest.mark.parametrize("pause", [2, 4])
def test_a_heat_pump_waits_out_its_pause_even_into_too_cold(pause: int) -> None:
    problem = heated(min_pause_slots=pause, was_on=False, state_slots=0)
    cold = dataclasses.replace(problem.heat_pumps[0].store, initial_c=19.0)
    plan = planned(dataclasses.replace(problem, heat_pumps=(dataclasses.replace(problem.heat_pumps[0], store=cold),)))
    assert int(np.argmax(plan.heat_pump_w[0] > 0)) == pause


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ({"state_slots": 2}, "genset minimum run"),
        ({"warm_up_slots": 2, "state_slots": 1}, "genset off or warming up"),
        ({"starts_before": 1}, "genset starts per day"),
    ],
)
def test_a_plan_that_forgets_what_was_before_is_refused(change: dict[str, object], law: str) -> None:
    was_on = law != "genset starts per day"
    terms = {"min_run_slots": 4, "was_on": was_on, "state_slots": None, "starts_per_day": 1}
    buy = 0.1 if law == "genset minimum run" else 2.0
    problem = with_genset(buy, **terms)
    plan = planned(problem)
    changed = dataclasses.replace(problem.gensets[0], **change)
    refused = verify(dataclasses.replace(problem, gensets=(changed,)), plan)
    assert law in {violation.law for violation in refused}, [str(v) for v in refused]


@pytest.mark.parametrize(("below_k", "is_told"), [(0.004, False), (0.05, True)])
def test_what_no_thermometer_shows_is_no_unmet_wish(below_k: float, is_told: bool) -> None:
    """Four slots of 0.004 K below the band are 0.004 K h, of 0.05 K a twentieth of a kelvin-hour."""
    plan = planned(heated())
    path = plan.indoor_c.copy()
    path[:] = 21.0
    path[0, :4] = 20.0 - below_k
    found = [item.what for item in shortfall.unmet(dataclasses.replace(plan, indoor_c=path))]
    assert ("outside the comfort band" in found) is is_told
