"""A plan in which any single law is broken by 1 % is refused, and the law is named."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ems_pipeline.plan
from ems_pipeline.plan import Plan, Problem, assemble, solve, verify
from ems_pipeline.plan.problem import (
    BatteryStore,
    ChargingSession,
    DeferrableRun,
    DemandEvent,
    Fuse,
    GensetUnit,
    GridLimits,
    HeatPumpUnit,
    HeatStore,
    Taper,
    Window,
)
from ems_pipeline_tests.plan.random_sites import START


@pytest.fixture(scope="module")
def planned(home, day_inputs) -> tuple[Problem, Plan]:
    problem = assemble(home, day_inputs(24.0))
    plan = solve(problem)
    assert verify(problem, plan) == []
    return problem, plan


@pytest.fixture(scope="module")
def workshop(home, day_inputs) -> tuple[Problem, Plan]:
    """A small site with the devices the demo site lacks."""
    slots = 24
    cop = np.full(slots, 3.0)
    cold = HeatStore("house", 200.0, 8000.0, np.full(slots, 0.0), np.zeros(slots), 20.5, 20.0, 22.5, 5.0)
    tank = HeatStore("tank", 3.0, 230.0, np.full(slots, 20.0), np.full(slots, -600.0), 44.0, 42.0, 56.0, 2.0)
    dear = np.where(np.arange(slots) < 12, 0.9, 0.3)
    problem = Problem(
        site="workshop",
        currency="EUR",
        start_at=START,
        buy_per_kwh=dear,
        sell_per_kwh=dear - 0.2,
        load_w=np.full(slots, 3000.0),
        grid=GridLimits(
            np.full(slots, 12_000.0),
            np.full(slots, 5000.0),
            peak_price_per_kw=0.5,
            peak_so_far_w=2500.0,
            events=(DemandEvent("paid", 14, 16, baseline_w=4000.0, price_per_kwh=0.2),),
        ),
        batteries=(
            BatteryStore("pack", 8000.0, 4000.0, 4000.0, 0.96, 0.96, 800.0, 8000.0, 5000.0, end_value_per_kwh=0.5,
                         tapers=(Taper(6400.0, 2000.0, 1.0),)),
        ),
        sessions=(
            ChargingSession("left", "box-1", 8, 24, 9000.0, 1380.0, 3680.0, phases=1),
            ChargingSession("right", "box-2", 8, 24, 9000.0, 1380.0, 3680.0, phases=1),
        ),
        fuses=(Fuse("garage", 5000.0, ("box-1", "box-2")),),
        heat_pumps=(HeatPumpUnit("pump", 900.0, 2500.0, cop, cold, tank=tank, tank_cop=0.7 * cop),),
        deferrables=(DeferrableRun("mill", np.array([1500.0, 2500.0]), 0, 20),),
        gensets=(
            GensetUnit("diesel", 1500.0, 6000.0, 0.35, 0.2, 0.3, min_run_slots=3, warm_up_slots=1, starts_per_day=2,
                       run_hours_left=3.0, blocked=(Window(10, 12),)),
        ),
        day_breaks=(12,),
    )  # fmt: skip
    plan = solve(problem, gap=0.02)
    assert [str(v) for v in verify(problem, plan)] == []
    return problem, plan


Mutation = Callable[[Problem, Plan], tuple[Problem, Plan]]
MUTATIONS: dict[str, tuple[str, Mutation]] = {}


def breaks(law: str, site: str = "planned") -> Callable[[Mutation], Mutation]:
    def register(mutation: Mutation) -> Mutation:
        MUTATIONS[law] = (site, mutation)
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


@breaks("shared fuse", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    fuse = dataclasses.replace(problem.fuses[0], limit_w=plan.session_w.sum(axis=0).max() / 1.01)
    return dataclasses.replace(problem, fuses=(fuse,)), plan


@breaks("charge taper", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    before = np.concatenate([[problem.batteries[0].initial_wh], plan.energy_wh[0][:-1]])
    taper = problem.batteries[0].tapers[0]
    used = float((plan.charge_w[0] + taper.slope_w_per_wh * (before - taper.from_wh)).max())
    return _with_battery(problem, tapers=(dataclasses.replace(taper, limit_w=used - 0.01 * abs(used)),)), plan


@breaks("runs once in its window", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "deferrable_w", busiest(plan.deferrable_w), up)


@breaks("house or tank", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    at = busiest(plan.tank_w)
    return problem, plan_with(plan, "tank_w", at, lambda w: w * 0.99)


@breaks("tank power", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "tank_w", busiest(plan.tank_w), up)


def _with_genset(problem: Problem, **changes: object) -> Problem:
    return dataclasses.replace(problem, gensets=(dataclasses.replace(problem.gensets[0], **changes),))


@breaks("genset switch", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "genset_on", busiest(plan.genset_on), lambda w: w * 0.99)


@breaks("genset minimum load", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    loaded = plan.genset_w[plan.genset_w > 0]
    return _with_genset(problem, min_w=float(loaded.min()) * 1.01), plan


@breaks("genset maximum load", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_genset(problem, max_w=float(plan.genset_w.max()) / 1.01), plan


@breaks("genset off or warming up", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_genset(problem, warm_up_slots=problem.gensets[0].warm_up_slots + 1), plan


@breaks("genset minimum run", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_genset(problem, min_run_slots=_longest(plan.genset_on[0] > 0) + 1), plan


@breaks("genset minimum pause", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    on = np.zeros(problem.slots)
    on[[2, 3, 4, 6, 7, 8]] = 1.0
    return _with_genset(problem, min_pause_slots=2), dataclasses.replace(plan, genset_on=on[None, :])


@breaks("genset quiet hours", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    first = int(np.argmax(plan.genset_on[0]))
    return _with_genset(problem, blocked=(Window(first, first + 1),)), plan


@breaks("genset run hours", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_genset(problem, run_hours_left=float(plan.genset_on.sum()) / 4 / 1.01), plan


@breaks("genset starts per day", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_genset(problem, starts_per_day=0), plan


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
def test_a_plan_that_breaks_a_law_by_one_percent_is_refused(law: str, request: pytest.FixtureRequest) -> None:
    site, mutation = MUTATIONS[law]
    refused = verify(*mutation(*request.getfixturevalue(site)))
    assert law in {violation.law for violation in refused}, [str(v) for v in refused]


@pytest.mark.parametrize("money", ["peak_price_per_kw", "over_limit_price_per_kwh"])
def test_a_contract_priced_one_percent_higher_no_longer_matches_the_objective(money: str, workshop) -> None:
    problem, plan = workshop
    dearer = dataclasses.replace(problem.grid, **{money: getattr(problem.grid, money) * 1.01})
    refused = verify(dataclasses.replace(problem, grid=dearer), plan)
    assert {v.law for v in refused} == ({"objective"} if money == "peak_price_per_kw" else set())


def test_a_failed_plan_is_never_executable(planned: tuple[Problem, Plan]) -> None:
    problem, _ = planned
    assert verify(problem, Plan(problem, "failed"))


def test_the_verifier_shares_no_code_with_the_model() -> None:
    package = Path(ems_pipeline.plan.__file__).parent
    files = [package / f"{name}.py" for name in ("verify", "verify_devices", "verify_money", "resimulate", "violation")]
    imported = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ems_pipeline"):
                imported |= {node.module} if node.module != "ems_pipeline.plan" else {a.name for a in node.names}
    own = {f"ems_pipeline.plan.{path.stem}" for path in files} | {path.stem for path in files}
    records = {f"ems_pipeline.plan.{name}" for name in ("plan", "problem", "record")}
    assert imported - own == records
