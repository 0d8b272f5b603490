"""Every sentence of a plan's rows, checked against the arithmetic it claims, on random sites and on those that lied."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from ems_pipeline.plan import Plan, Problem, solve
from ems_pipeline.plan.model.laws.bus import import_limit_w
from ems_pipeline.plan.problem import ChargingSession, DeferrableRun, GridLimits, HeatPumpUnit, HeatStore
from ems_pipeline.plan.wording.decision import Decision
from ems_pipeline.plan.wording.modes import device_decisions
from ems_pipeline_tests.plan.random_sites import problems
from ems_pipeline_tests.plan.test_explain import site

FEW = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
NUMBER = re.compile(r"-?\d+\.?\d*")
HALF_W, PRICE = 50.0, 2e-3
"""Powers below are nothing; prices are printed with three decimals and compared within a thousandth."""


def numbers(text: str) -> list[float]:
    return [float(found) for found in NUMBER.findall(text)]


def battery_claims(plan: Plan, d: Decision) -> None:
    t, problem, said = d.slot, plan.problem, numbers(d.reason)
    i = next(k for k, b in enumerate(problem.batteries) if b.key == d.key)
    b, grid_w, power_w = problem.batteries[i], plan.grid_w[t], d.power_w
    before_wh = plan.energy_wh[i, t - 1] if t else b.initial_wh
    buy, lacks_w = problem.buy_per_kwh[t], grid_w + power_w
    match d.reason.split(":")[0].split(";")[0].split(" at ")[0].split(".")[0]:
        case "Charge from the grid":
            assert -power_w > max(0.0, -lacks_w)
            assert said[0] == pytest.approx(buy, abs=PRICE)
            assert "worth" not in d.reason or said[1] >= buy - PRICE
            assert "paid for" not in d.reason or buy < 0
        case "Charge back to the reserve":
            assert before_wh < b.floor_wh
        case "Sell stored energy":
            assert grid_w < -HALF_W + 1
            assert "kept" not in d.reason or said[1] >= said[2] - PRICE
        case "Store the surplus" | "Store part of the surplus" | "Store what the battery can take of the surplus":
            assert power_w < -HALF_W
            assert ("the rest is sold" in d.reason) == (grid_w < -HALF_W)
        case "Sell the surplus":
            assert grid_w < -HALF_W
            assert "worth" not in d.reason or said[1] <= said[0] + PRICE
        case "The battery is full":
            assert before_wh >= b.ceiling_wh - 1.0
            assert ("sold" in d.reason) == (grid_w < -HALF_W)
        case "Cover the demand instead of buying" | "Cover part of the demand" | "Cover what the battery can":
            assert power_w > HALF_W
            assert ("the rest is bought" in d.reason) == (grid_w > HALF_W)
        case "The battery is":
            assert before_wh <= b.floor_wh + 1.0
            assert grid_w > HALF_W
        case "Keep the charge":
            assert said[0] >= said[1] - PRICE
            assert before_wh > b.floor_wh
            assert abs(power_w) <= HALF_W < grid_w
        case "Leave room":
            assert said[0] <= PRICE
            assert before_wh < b.ceiling_wh
            assert d.wish.limits.charge_limit_w == 0.0
        case "Nothing to store or to cover":
            assert abs(lacks_w) <= HALF_W
            assert problem.pv_available_w[t] - plan.pv_w[:, t].sum() <= HALF_W
        case "Follow the meter":
            extra = next(a.extra for a in plan.alternatives if (a.slot, a.key, a.action) == (t, d.key, "self-use"))
            assert extra is not None
            assert extra <= 1e-3 * abs(buy) * 10.0
        case _:
            assert re.search(r"can take nothing|can give nothing|What binds|not known|beyond the demand", d.reason), d


def device_claims(plan: Plan, d: Decision) -> None:
    t, problem, said = d.slot, plan.problem, numbers(d.reason)
    left_w = import_limit_w(problem)[t] - plan.grid_w[t]
    if d.kind == "pv":
        i = next(k for k, p in enumerate(problem.pv) if p.key == d.key)
        spare_w = problem.pv[i].available_w[t] - plan.pv_w[i, t]
        assert ("All the sun" in d.reason) == (spare_w <= HALF_W)
        if "Nothing is fed in" in d.reason:
            assert problem.sell_per_kwh[t] < 0
            assert plan.grid_w[t] >= -HALF_W
        if "export limit" in d.reason:
            assert -plan.grid_w[t] >= said[0] - HALF_W - 1
        if "Switched off" in d.reason:
            assert problem.buy_per_kwh[t] < 0
        named = d.wish.limits.named
        assert set(named) <= {"export_limit_w"} or named == {"pv_limit_w": 0.0}
    if d.reason.startswith("No room"):
        assert said[0] == pytest.approx(max(left_w, 0.0), abs=1) or "fuse" in d.reason
        assert said[0] < said[1]
    if d.reason.startswith("Wait for cheaper"):
        assert said[0] > said[1] - PRICE
    if d.reason.startswith("The house stays warm"):
        i = next(k for k, u in enumerate(problem.heat_pumps) if u.key == d.key)
        assert plan.indoor_c[i, t] >= problem.heat_pumps[i].store.min_c - 0.05
    if d.reason.startswith(("The house is at", "Heat: the house")):
        assert said[0] <= said[1]
    if d.reason.startswith("A kWh is worth"):
        assert said[0] <= said[1] + PRICE
    if d.reason.startswith("Generate: "):
        assert said[0] >= said[1] - PRICE


@FEW
@given(problems())
def test_each_sentence_is_true(problem: Problem) -> None:
    plan = solve(problem, gap=1e-3)
    for decision in device_decisions(plan):
        if decision.kind == "battery":
            battery_claims(plan, decision)
        else:
            device_claims(plan, decision)


@FEW
@given(problems())
def test_rows_of_a_charger_add_up(problem: Problem) -> None:
    plan = solve(problem, stage2=False, gap=1e-2)
    told = Counter({d.slot: d.power_w for d in device_decisions(plan) if d.kind == "charger"})
    assert all(told[t] == pytest.approx(plan.session_w[:, t].sum()) for t in range(problem.slots))


def reasons(plan: Plan, key: str) -> list[str]:
    return [d.reason for d in device_decisions(plan) if d.key == key]


def test_two_cars_at_one_charger_are_one_row_with_what_both_draw() -> None:
    cars = tuple(ChargingSession(f"box@{k}", "box", k, 4, 1500.0, 1380.0, 3680.0, phases=1) for k in (0, 1))
    plan = solve(dataclasses.replace(site([0.3] * 4, load_w=300.0), batteries=(), sessions=cars))
    rows = [d for d in device_decisions(plan) if d.key == "box"]
    assert [d.power_w for d in rows] == pytest.approx(plan.session_w.sum(axis=0).tolist())
    assert rows[-1].state == pytest.approx(plan.session_w.sum() / 4)
    assert all(d.wish.limits.current_a == pytest.approx(d.power_w / 230, abs=0.01) for d in rows if d.power_w)


def test_a_blocked_heat_pump_in_a_cold_house_does_not_claim_warmth() -> None:
    """The connection has 80 W left, the compressor needs 900."""
    store = HeatStore("house", 180.0, 10_000.0, np.full(4, -10.0), np.zeros(4), 19.9, 20.0, 23.0, 20.0)
    problem = dataclasses.replace(
        site([0.1] * 4, load_w=3600.0),
        batteries=(),
        grid=GridLimits(np.full(4, 3680.0), np.full(4, 9000.0)),
        heat_pumps=(HeatPumpUnit("hp", 900.0, 3200.0, np.full(4, 3.0), store),),
    )
    said = reasons(solve(problem), "hp")
    assert said[-1] == "The house is at 19.4 °C, below 20 °C; the connection has 80 W left, heating needs 900 W."


def test_a_car_for_which_there_is_no_room_does_not_wait_for_cheaper_slots() -> None:
    car = ChargingSession("car", "box", 0, 4, 5000.0, 4140.0, 11_040.0)
    grid = GridLimits(np.full(4, 17_000.0), np.full(4, 9000.0))
    problem = dataclasses.replace(site([0.3] * 4, load_w=16_900.0), batteries=(), sessions=(car,), grid=grid)
    said = "No room: the connection has 100 W left beside the rest, the car needs 4140 W."
    assert reasons(solve(problem), "box") == [said] * 4


def test_a_car_waits_for_slots_that_are_cheaper_and_says_what_they_cost() -> None:
    car = ChargingSession("car", "box", 0, 4, 2000.0, 4140.0, 8000.0)
    said = reasons(solve(dataclasses.replace(site([0.4, 0.1, 0.4, 0.4]), batteries=(), sessions=(car,))), "box")
    assert (
        said[0]
        == "Wait for cheaper slots: a kWh costs 0.400 EUR/kWh here, at most 0.100 EUR/kWh in those it charges in."
    )
    assert said[1] == "Charge the car at 0.100 EUR/kWh."
    assert said[2] == "The car is served."


def test_energy_is_kept_for_what_it_is_worth_not_for_dearer_hours_that_never_come() -> None:
    """Nothing later is dearer; the end is: 0.32 a kWh, while a kWh out of the cells would save 0.9 times 0.30 now."""
    said = reasons(solve(site([0.30] * 4, end_value_per_kwh=0.32)), "pack")
    assert (
        said[0] == "Keep the charge: a kWh in the cells is worth 0.320 EUR/kWh, used now it would save 0.270 EUR/kWh."
    )


def test_a_machine_runs_at_a_time_that_is_no_dearer_than_any_other() -> None:
    machine = DeferrableRun("washing", np.array([2000.0, 0.0, 2000.0]), 0, 8)
    problem = dataclasses.replace(site([0.3, 0.3, 0.3, 0.1, 0.3, 0.1, 0.3, 0.3]), batteries=(), deferrables=(machine,))
    plan = solve(problem)
    assert int(np.argmax(plan.deferrable_w[0] > 0)) == 3
    said = reasons(plan, "washing")
    assert said[3] == "No time in its window is cheaper: at what a kWh is worth then, the run costs 0.10 EUR."
    assert said[0] == "It runs at another time of this plan."


def test_without_a_second_stage_nothing_is_claimed_of_what_was_not_computed() -> None:
    plan = solve(site([0.10, 0.50], initial_wh=0.0), stage2=False)
    assert reasons(plan, "pack")[0] == "Charge from the grid at 0.100 EUR/kWh."
