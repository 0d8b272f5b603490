"""A plan in which any single law is broken by 1 % is refused, and the law is named."""

from __future__ import annotations

import ast
import dataclasses
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
    Switchboard,
    Taper,
    Window,
)
from ems_pipeline_tests.plan.breaches_gensets import MUTATIONS
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


@pytest.fixture(scope="module")
def hall() -> tuple[Problem, Plan]:
    """Two sets of 160 kW behind one switchboard, that cut a peak of 300 kW to the 100 kW of the connection."""
    slots = 16
    load = np.where((np.arange(slots) >= 6) & (np.arange(slots) < 11), 300_000.0, 60_000.0)
    sets = tuple(
        GensetUnit(key, 48_000.0, 160_000.0, 2.0, 40.0, 60.0, min_run_slots=4, starts_per_2h=2, service_per_h=30.0,
                   even_per_h=1.0 + i, lead_h=0.04, cool_down_h=0.08, low_load_w=80_000.0, low_load_slots=2,
                   ramp_w_per_s=2_000.0, run_hours_left=1.0, over_hours=1.0, over_hours_price_per_h=100.0)
        for i, key in enumerate(("g1", "g2"))
    )  # fmt: skip
    meter = GridLimits(np.full(slots, 100_000.0), np.zeros(slots))
    problem = Problem(
        "hall", "CZK", START, np.full(slots, 3.0), np.zeros(slots), load, meter, gensets=sets,
        switchboards=(Switchboard("board", ("g1", "g2"), 50_000.0),),
    )  # fmt: skip
    plan = solve(problem)
    assert [str(v) for v in verify(problem, plan)] == []
    return problem, plan


DOCUMENT = Path(__file__).parents[2] / "docs" / "planner.md"


@pytest.mark.parametrize("law", MUTATIONS)
def test_a_plan_that_breaks_a_law_by_one_percent_is_refused(law: str, request: pytest.FixtureRequest) -> None:
    site, mutation = MUTATIONS[law]
    refused = verify(*mutation(*request.getfixturevalue(site)))
    assert law.split(" (")[0] in {violation.law for violation in refused}, [str(v) for v in refused]


def test_every_law_the_verifier_knows_is_broken_here_and_shown_in_the_documentation() -> None:
    known = {
        call.args[0].value
        for path in (Path(ems_pipeline.plan.__file__).parent / "verifier").glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in {"worst", "stays", "Violation"}
        if isinstance(call.args[0], ast.Constant)
    }
    assert known - {"plan"} == {law.split(" (")[0] for law in MUTATIONS}
    table = DOCUMENT.read_text().split("### Every law, broken by one percent")[1].split("\n\n")[2]
    assert set(MUTATIONS) <= {row.split(" | ")[0].removeprefix("| ") for row in table.splitlines()[2:]}


@pytest.mark.parametrize("money", ["peak_price_per_kw", "over_limit_price_per_kwh"])
def test_a_contract_priced_one_percent_higher_no_longer_matches_the_objective(money: str, workshop) -> None:
    problem, plan = workshop
    dearer = dataclasses.replace(problem.grid, **{money: getattr(problem.grid, money) * 1.01})
    refused = verify(dataclasses.replace(problem, grid=dearer), plan)
    assert {v.law for v in refused} == ({"objective"} if money == "peak_price_per_kw" else set())


@pytest.mark.parametrize(
    ("part", "price"),
    [
        ("batteries", "end_value_per_kwh"),
        ("gensets", "fuel_per_kwh"),
        ("gensets", "idle_fuel_per_h"),
        ("gensets", "start_cost"),
        ("gensets", "service_per_h"),
        ("gensets", "even_per_h"),
        ("gensets", "over_hours_price_per_h"),
    ],
)
def test_a_plan_whose_money_leaves_out_one_percent_of_any_price_is_refused(
    part: str, price: str, workshop: tuple[Problem, Plan], hall: tuple[Problem, Plan]
) -> None:
    problem, plan = workshop if getattr(getattr(workshop[0], part)[0], price) else hall
    dearer = tuple(dataclasses.replace(one, **{price: getattr(one, price) * 1.01}) for one in getattr(problem, part))
    assert [v.law for v in verify(dataclasses.replace(problem, **{part: dearer}), plan)] == ["objective"]


def test_what_an_event_pays_is_part_of_the_money() -> None:
    """A house of 1 kW below a baseline of 2 kW for an hour at 0.5 EUR/kWh: 4 h of 0.3 EUR/kWh less 0.5 EUR."""
    flat, wide = np.full(16, 0.3), np.full(16, 5000.0)
    paid = DemandEvent("paid", 4, 8, baseline_w=2000.0, price_per_kwh=0.5)
    problem = Problem("home", "EUR", START, flat, flat, np.full(16, 1000.0), GridLimits(wide, wide, events=(paid,)))
    plan = solve(problem)
    assert (plan.objective, verify(problem, plan)) == (pytest.approx(4 * 0.3 - 0.5), [])
    dearer = dataclasses.replace(problem.grid, events=(dataclasses.replace(paid, price_per_kwh=0.505),))
    assert [v.law for v in verify(dataclasses.replace(problem, grid=dearer), plan)] == ["objective"]


@pytest.mark.parametrize("price", ["buy_per_kwh", "sell_per_kwh"])
def test_a_plan_whose_money_is_of_prices_one_percent_lower_is_refused(price: str, planned) -> None:
    problem, plan = planned
    dearer = dataclasses.replace(problem, **{price: getattr(problem, price) * 1.01})
    assert [v.law for v in verify(dearer, plan)] == ["objective"]


def test_a_failed_plan_is_never_executable(planned: tuple[Problem, Plan]) -> None:
    problem, _ = planned
    assert verify(problem, Plan(problem, "failed"))


def test_the_verifier_shares_no_code_with_the_model() -> None:
    package = Path(ems_pipeline.plan.__file__).parent / "verifier"
    own, imported = "ems_pipeline.plan.verifier", set()
    for path in package.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ems_pipeline"):
                imported.add(node.module)
    assert {name for name in imported if not name.startswith(own)} == {
        "ems_pipeline.arrays", "ems_pipeline.plan.problem", "ems_pipeline.plan.result.plan",
    }  # fmt: skip
