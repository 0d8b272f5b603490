"""A plan once found is kept: whatever later solves do, the best one that the verifier accepts is what comes out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from ems_pipeline.plan import Problem, device_rows, slot_rows, solve, verify
from ems_pipeline.plan.problem import Fuse, HybridInverter
from ems_pipeline.plan.result.complete import complete
from ems_pipeline.plan.rule.rule import by_rule
from ems_pipeline.plan.solving import search, solver
from ems_pipeline.plan.solving.exclusive import one_way
from ems_pipeline_tests.plan.random_sites import problems
from ems_pipeline_tests.plan.small import battery, car, genset, heat_pump, house, machine, planned, roof

FEW = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
NOTHING = solver.Solution("none", np.nan, np.inf, np.zeros(0), np.zeros(0), np.zeros(0))
Run = Callable[..., solver.Solution]


def wasteful() -> Problem:
    """Room is worth money at the end (paid import), feeding in costs before: burning energy in one battery would pay.

    The first guess of exclusivity is taken away, so that the first round burns and is made exclusive afterwards.
    """
    buy = [0.05] * 6 + [-0.5] * 2
    lossy = battery(charge_efficiency=0.8, discharge_efficiency=0.8, initial_wh=9000.0)
    grid = {"export_limit_w": 500.0}
    return house(buy, 100.0, -0.2, grid=grid, batteries=(lossy, dataclasses.replace(lossy, key="second")))


def dearest(run: Run) -> Run:
    """A solver whose answer keeps every row and is as dear as can be."""

    def answer(arrays: Any, *_: Any) -> solver.Solution:
        found = run(dataclasses.replace(arrays, cost=-arrays.cost), 5.0)
        return dataclasses.replace(found, status="feasible", gap=0.99, bound=-99.0)

    return answer


def only_first(monkeypatch: pytest.MonkeyPatch, later: Run) -> list[int]:
    """Rounds without a first guess; after the first solve ``later`` answers."""
    count: list[int] = []
    run = solver.run

    def answer(*args: Any) -> solver.Solution:
        count.append(len(count))
        return run(*args) if len(count) == 1 else later(*args)

    monkeypatch.setattr(solver, "run", answer)
    without_first_guess(monkeypatch)
    return count


def without_first_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    none, meter = np.zeros(0, dtype=np.int32), search.building.exclusions(wasteful()).meter
    monkeypatch.setattr(search.building, "exclusions", lambda problem: search.Exclusions(meter, (none, none)))


def test_a_first_round_survives_later_rounds_that_find_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    best, rule = planned(wasteful()).objective, by_rule(wasteful()).objective
    solves = only_first(monkeypatch, lambda *_: NOTHING)
    plan = planned(wasteful(), stage2=False)
    assert len(solves) == 3  # half of the time, then all that is left
    assert plan.status == "feasible"
    assert best is not None
    assert plan.objective is not None
    assert rule is not None
    assert best - 1e-6 <= plan.objective <= rule
    assert plan.gap is not None


def test_a_later_round_that_is_dearer_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.MonkeyPatch.context() as only:
        only_first(only, lambda *_: NOTHING)
        kept = planned(wasteful(), stage2=False).objective

    only_first(monkeypatch, dearest(solver.run))
    assert planned(wasteful(), stage2=False).objective == pytest.approx(kept)


def test_rounds_begin_where_the_one_before_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[Any] = []
    run = solver.run

    def watched(arrays: Any, limit: float, gap: float, close: float, start: Any) -> solver.Solution:
        starts.append(start)
        return run(arrays, limit, gap, close, start)

    monkeypatch.setattr(solver, "run", watched)
    without_first_guess(monkeypatch)
    planned(wasteful(), stage2=False)
    assert starts[0] is None
    assert len(starts) > 1
    assert all(begin is not None and len(begin[0]) for begin in starts[1:])


@pytest.mark.parametrize("limit_s", [0.0, 1e-9, 1e-3])
def test_without_time_the_simple_rule_runs(limit_s: float, home, day_inputs) -> None:
    from ems_pipeline.plan import assemble

    problem = assemble(home, day_inputs(36.0))
    plan = planned(problem, time_limit_s=limit_s)
    assert (plan.status, plan.by_rule) == ("feasible", True)
    assert plan.objective == pytest.approx(by_rule(problem).objective)
    rows = slot_rows(plan)
    assert rows.height == problem.slots
    assert all(reason.startswith("By the simple rule,") for reason in rows["reason"])
    assert device_rows(plan).height > 0


def test_a_solver_that_finds_nothing_leaves_the_simple_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "run", lambda *_: NOTHING)
    assert planned(wasteful()).by_rule


def test_a_plan_dearer_than_the_simple_rule_is_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver's best so far, with a gap of 99 %: buying what the battery could give."""
    monkeypatch.setattr(solver, "run", dearest(solver.run))
    problem = house([0.4] * 8, 1000.0, batteries=(battery(),))
    plan = planned(problem)
    assert plan.by_rule
    assert plan.objective == pytest.approx(0.0)


def test_a_plan_the_verifier_refuses_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    read = search.read

    def wrong(*args: Any) -> Any:
        plan = read(*args)
        return dataclasses.replace(plan, objective=(plan.objective or 0.0) - 1.0)

    monkeypatch.setattr(search, "read", wrong)
    monkeypatch.setattr(search, "one_way", lambda plan: (plan, ()))
    assert planned(house([0.4, 0.1, 0.4], 1000.0, batteries=(battery(),))).by_rule


@FEW
@given(problems())
def test_the_rule_keeps_every_law_and_no_plan_is_dearer(problem: Problem) -> None:
    rule = by_rule(problem)
    assert [str(v) for v in verify(problem, rule)] == []
    plan = solve(problem, gap=1e-3)
    assert plan.objective is not None
    assert rule.objective is not None
    assert plan.objective <= rule.objective + 1e-5 * (1 + abs(rule.objective))


def test_the_rule_charges_at_once_keeps_warm_and_follows_the_meter() -> None:
    """By hand: 2 kWh for a car at 11.04 kW take one slot; the battery covers what the sun does not, then the meter."""
    sun = [0.0, 3000.0, 3000.0, 0.0]
    problem = house(
        [0.3] * 4, 500.0, pv=(roof(sun),), batteries=(battery(initial_wh=500.0, charge_limit_w=1000.0),),
        sessions=(car(1, 4, 2000.0),),
    )  # fmt: skip
    plan = by_rule(problem)
    assert plan.session_w[0] == pytest.approx([0.0, 8000.0, 0.0, 0.0])
    assert plan.discharge_w[0] == pytest.approx([500.0, 1500.0, 0.0, 500.0])
    assert plan.charge_w[0] == pytest.approx([0.0, 0.0, 1000.0, 0.0])
    assert plan.grid_w == pytest.approx([0.0, 4000.0, -1500.0, 0.0])


def test_the_rule_sells_nothing_at_a_loss() -> None:
    plan = by_rule(house([0.3] * 2, 500.0, -0.1, pv=(roof([3000.0] * 2),)))
    assert plan.pv_w[0] == pytest.approx([500.0] * 2)


def test_the_rule_stays_behind_connection_and_fuse() -> None:
    fuse = Fuse("garage", 6000.0, ("box", "second"))
    problem = house(
        [0.3] * 8, 1000.0, grid={"import_limit_w": 9000.0}, fuses=(fuse,), deferrables=(machine([2000.0] * 2, 0, 8),),
        sessions=(car(0, 8, 4000.0), car(0, 8, 2000.0, key="other", charger="second")),
        heat_pumps=(heat_pump(8, -5.0, 20.0),), gensets=(genset(was_on=True, state_slots=0, min_run_slots=2),),
    )  # fmt: skip
    plan = by_rule(problem)
    assert [str(v) for v in verify(problem, plan)] == []
    assert plan.session_w.sum(axis=0).max() == pytest.approx(6000.0)
    assert plan.grid_w.max() <= 9000.0


def test_netting_a_battery_keeps_its_cells_and_its_inverter() -> None:
    """2 kW in and 1 kW out at once leave 600 W in the cells: 750 W in alone, and 250 W that the bus no longer needs."""
    lossy = battery(charge_efficiency=0.8, discharge_efficiency=1.0)
    hybrid = HybridInverter("hybrid", 2500.0, ("roof",), ("pack",))
    problem = house([0.3] * 2, 3000.0, pv=(roof([3000.0] * 2),), batteries=(lossy,), inverters=(hybrid,))
    powers = {"pv_w": 3000.0, "charge_w": 2000.0, "discharge_w": 1000.0}
    plan = complete(dataclasses.replace(by_rule(problem), **{k: np.full((1, 2), w) for k, w in powers.items()}))
    netted, costly = one_way(plan)
    assert netted.charge_w[0] == pytest.approx([750.0] * 2)
    assert netted.discharge_w[0] == pytest.approx([0.0] * 2)
    assert netted.energy_wh == pytest.approx(plan.energy_wh)
    assert netted.grid_w == pytest.approx(plan.grid_w - 250.0)
    assert [len(slots) for slots in costly] == [0]
    tight = dataclasses.replace(problem, inverters=(dataclasses.replace(hybrid, ac_limit_w=2100.0),))
    clipped, _ = one_way(dataclasses.replace(plan, problem=tight))
    assert clipped.pv_w[0] == pytest.approx([2850.0] * 2)
    assert clipped.grid_w == pytest.approx(plan.grid_w - 100.0)


def test_netting_that_costs_money_names_its_slots() -> None:
    """Buying at -0.3: burning energy is paid for."""
    lossy = battery(charge_efficiency=0.8, discharge_efficiency=0.8)
    problem = house([-0.3, 0.3], 1000.0, batteries=(lossy,))
    both = np.full((1, 2), 2000.0)
    plan = complete(dataclasses.replace(by_rule(problem), charge_w=both, discharge_w=both))
    _, costly = one_way(plan)
    assert [slots.tolist() for slots in costly] == [[0]]
