"""A plan in which any single law is broken by 1 % is refused, and the law is named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from ems_pipeline.plan import Plan, Problem, assemble, solve, verify


@pytest.fixture(scope="module")
def planned(home, day_inputs) -> tuple[Problem, Plan]:
    problem = assemble(home, day_inputs(24.0))
    plan = solve(problem)
    assert verify(problem, plan) == []
    return problem, plan


Mutation = Callable[[Problem, Plan], tuple[Problem, Plan]]
MUTATIONS: dict[str, Mutation] = {}


def breaks(law: str) -> Callable[[Mutation], Mutation]:
    def register(mutation: Mutation) -> Mutation:
        MUTATIONS[law] = mutation
        return mutation

    return register


def plan_with(plan: Plan, name: str, at: tuple[int, ...], change: Callable[[float], float]) -> Plan:
    values = getattr(plan, name).copy()
    values[at] = change(values[at])
    return dataclasses.replace(plan, **{name: values})


def busiest(values: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(values)), values.shape))


def up(value: float) -> float:
    return value * 1.01


@breaks("balance")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "grid_w", busiest(plan.grid_w), up)


@breaks("import limit")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    limit = np.full(problem.slots, plan.grid_w.max() / 1.01)
    return dataclasses.replace(problem, grid=dataclasses.replace(problem.grid, import_limit_w=limit)), plan


@breaks("export limit")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    limit = np.full(problem.slots, -plan.grid_w.min() / 1.01)
    return dataclasses.replace(problem, grid=dataclasses.replace(problem.grid, export_limit_w=limit)), plan


@breaks("PV available")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "pv_w", busiest(plan.pv_w), up)


@breaks("PV not curtailable")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    stiff = tuple(dataclasses.replace(p, curtailable=False) for p in problem.pv)
    return dataclasses.replace(problem, pv=stiff), plan_with(plan, "pv_w", busiest(plan.pv_w), lambda w: w * 0.99)


@breaks("charge limit")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, charge_limit_w=plan.charge_w.max() / 1.01), plan


@breaks("discharge limit")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, discharge_limit_w=plan.discharge_w.max() / 1.01), plan


@breaks("one direction")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    at = busiest(plan.charge_w)
    return problem, plan_with(plan, "discharge_w", at, lambda _: 0.01 * plan.charge_w[at])


@breaks("stored energy")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "energy_wh", busiest(plan.energy_wh), up)


@breaks("energy floor")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, floor_wh=plan.energy_wh.min() * 1.01), plan


@breaks("energy ceiling")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, ceiling_wh=plan.energy_wh.max() / 1.01), plan


@breaks("inverter AC limit")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    from ems_pipeline.plan.problem import HybridInverter

    pv_w = plan.pv_w.sum(axis=0) + plan.battery_w
    hybrid = HybridInverter("hybrid", np.abs(pv_w).max() / 1.01, tuple(p.key for p in problem.pv), ("pack",))
    return dataclasses.replace(problem, inverters=(hybrid,)), plan


@breaks("presence")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "session_w", (0, problem.sessions[0].first - 1), lambda _: 0.01 * 11_040)


@breaks("current range")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_car(problem, max_w=plan.session_w[0].max() / 1.01), plan


@breaks("energy wanted")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_car(problem, energy_wh=problem.sessions[0].energy_wh / 1.01), plan


@breaks("unmet energy as reported")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_car(problem, energy_wh=problem.sessions[0].energy_wh * 1.01), plan


@breaks("minimum on time")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_car(problem, min_run_slots=_longest(plan.session_w[0] > 0) + 1), plan


@breaks("power range")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_pump(problem, max_w=plan.heat_pump_w.max() / 1.01), plan


@breaks("minimum run")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_pump(problem, min_run_slots=_longest(plan.heat_pump_w[0] > 0) + 1), plan


@breaks("minimum pause")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_pump(problem, min_pause_slots=_longest(plan.heat_pump_w[0] == 0) + 1), plan


@breaks("temperature")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "heat_pump_w", busiest(plan.heat_pump_w), lambda w: w * 0.99)


@breaks("objective")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, dataclasses.replace(plan, objective=up(plan.objective or 0.0))


@breaks("finite numbers")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "grid_w", (0,), lambda _: np.nan)


@breaks("shape")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, dataclasses.replace(plan, grid_w=plan.grid_w[1:])


def _with_battery(problem: Problem, **changes: float) -> Problem:
    return dataclasses.replace(problem, batteries=(dataclasses.replace(problem.batteries[0], **changes),))


def _with_car(problem: Problem, **changes: float) -> Problem:
    first, *others = problem.sessions
    return dataclasses.replace(problem, sessions=(dataclasses.replace(first, **changes), *others))


def _with_pump(problem: Problem, **changes: float) -> Problem:
    return dataclasses.replace(problem, heat_pumps=(dataclasses.replace(problem.heat_pumps[0], **changes),))


def _longest(on: np.ndarray) -> int:
    longest = length = 0
    for here in on:
        length = length + 1 if here else 0
        longest = max(longest, length)
    return longest


@pytest.mark.parametrize("law", MUTATIONS)
def test_a_plan_that_breaks_a_law_by_one_percent_is_refused(law: str, planned: tuple[Problem, Plan]) -> None:
    refused = verify(*MUTATIONS[law](*planned))
    assert law in {violation.law for violation in refused}, [str(v) for v in refused]


def test_a_failed_plan_is_never_executable(planned: tuple[Problem, Plan]) -> None:
    problem, _ = planned
    assert verify(problem, Plan(problem, "failed"))
