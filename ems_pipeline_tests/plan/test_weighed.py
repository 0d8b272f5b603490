"""Plans over several courses: what stored energy is worth on average decides."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from ems_pipeline.plan import Plan, Problem, device_rows, solve, verify
from ems_pipeline.plan.assembly.courses import Missed, courses
from ems_pipeline.plan.problem import Course, PvSource
from ems_pipeline.plan.problem.accept import ProblemInvalid
from ems_pipeline.plan.value.ahead import Battery
from ems_pipeline.plan.value.exact import is_exact
from ems_pipeline.plan.value.stock import after_first, at_each
from ems_pipeline.plan.value.worth import Worth
from ems_pipeline_tests.plan.small import battery, car, house

CHEAP_THEN_DEAR = [0.10] * 8 + [0.40] * 8
LOSSY = {"charge_efficiency": 0.9, "discharge_efficiency": 0.9}


def course(deficit_w: list[float], later_w: float = 0.0, hours: int = 0, buy: float = 0.1) -> Course:
    return Course(np.array(deficit_w + [later_w] * hours), np.full(hours, buy), np.full(hours, 0.05))


def weighing(problem: Problem, *courses: Course) -> Plan:
    problem = dataclasses.replace(problem, courses=courses)
    assert is_exact(problem)
    plan = solve(problem)
    assert not verify(problem, plan)
    return plan


def first_mode(plan: Plan) -> str:
    return str(device_rows(plan).filter(pl.col("kind") == "battery")["mode"][0])


@pytest.mark.parametrize("seed", range(4))
def test_what_a_kwh_is_worth_in_one_course_is_what_the_program_pays_less_for_having_it(seed: int) -> None:
    """Least money of the same problem begun with other energies, by the linear program to nine digits."""
    rng = np.random.default_rng(seed)
    load_w, sun_w = rng.uniform(200, 2500, 10), np.maximum(0.0, 2500 * np.sin(np.arange(10) * 2))
    pack = battery(**LOSSY, wear_per_kwh=0.01, floor_wh=1000.0, ceiling_wh=3000.0, end_value_per_kwh=0.15)
    plain = house(rng.uniform(0.1, 0.4, 10), load_w, 0.05, pv=(PvSource("roof", sun_w),), batteries=(pack,))
    sure = dataclasses.replace(plain, courses=(course((load_w - sun_w).tolist()),))
    worth = Worth.of(Battery.of(pack), at_each(sure, Battery.of(pack))[0])
    begins, paid = np.linspace(1000.0, 3000.0, 7), []
    for initial_wh in begins:
        begun = dataclasses.replace(plain, batteries=(dataclasses.replace(pack, initial_wh=initial_wh),))
        objective = solve(begun, gap=1e-9, tolerance=1e-9, stage2=False).objective
        assert objective is not None
        paid.append(objective - 0.15 * initial_wh / 1000)
    earned = np.cumsum(worth.per_kwh * np.diff(worth.ends, prepend=worth.floor))
    less = np.interp(begins / 1000, [worth.floor, *worth.ends], [0.0, *earned])
    assert np.array(paid[0]) - paid == pytest.approx(less, abs=1e-6)


def test_problems_a_slot_apart_are_worth_together_what_each_is_alone() -> None:
    """To the last bit, also where paths that move on differ in the midst of the horizon and in hours after it."""
    rng, pack, slots = np.random.default_rng(6), battery(**LOSSY, end_value_per_kwh=0.2), 40
    cells = Battery.of(pack)
    first = house(np.repeat(rng.uniform(0.1, 0.4, slots // 4), 4), 500.0, 0.05, batteries=(pack,))
    paths = np.tile(rng.uniform(-4000, 3000, (3, slots + 24)), (6, 1, 1))
    for k in range(1, 6):
        paths[k, :, [20 + k, slots + 1 + k]] += 700.0
    after = [(rng.uniform(0.1, 0.5, 24), np.full(24, 0.05)) for _ in range(3)]
    ways = [tuple(Course(path[k:], *side) for path, side in zip(paths[k], after, strict=True)) for k in range(6)]
    together = after_first(dataclasses.replace(first, courses=ways[0]), cells, paths)
    for k, courses_of in enumerate(ways):
        own = dataclasses.replace(house(first.buy_per_kwh[k:], 500.0, 0.05, batteries=(pack,)), courses=courses_of)
        alone, among = Worth.of(cells, at_each(own, cells)[1]), Worth.of(cells, together[k])
        prices = np.linspace(0.0, 0.5, 301).tolist()
        assert [alone.down_to(price) for price in prices] == [among.down_to(price) for price in prices]


def test_half_a_chance_of_a_dear_evening_is_worth_half() -> None:
    """A kWh bought now at 0.10 saves 0.40 in one course of two and nothing in the other: 0.2 on average pays for it,
    and does not at 0.25."""
    needs, needs_not = course([0.0] * 8 + [5000.0] * 12), course([0.0] * 20)
    for cheap, mode in ((0.10, "charge"), (0.25, "self-use")):
        problem = house([cheap] * 8 + [0.40] * 12, 0.0, 0.0, batteries=(battery(initial_wh=0.0),))
        plan = weighing(problem, needs, needs_not)
        assert plan.marginals is not None
        assert plan.marginals.stored_per_kwh[0][8] == pytest.approx(0.2, abs=0.01)
        assert (first_mode(plan) == "charge") == (mode == "charge"), mode


def test_on_a_flat_tariff_a_battery_is_told_to_follow_the_meter_whatever_may_come() -> None:
    rng = np.random.default_rng(1)
    paths = [course(rng.uniform(-3000, 3000, 32).tolist(), 500.0, 24, 0.3) for _ in range(7)]
    for deficit_w in (-2000.0, 0.0, 2000.0):
        sun = PvSource("roof", np.full(32, max(0.0, -deficit_w)))
        problem = house([0.3] * 32, max(0.0, deficit_w), 0.08, pv=(sun,), batteries=(battery(**LOSSY),))
        rows = device_rows(weighing(problem, *paths)).filter(pl.col("kind") == "battery")
        assert set(rows["mode"]) == {"self-use"}


def test_hours_after_the_horizon_say_what_is_kept_for_them() -> None:
    """Nothing is lacking within the horizon; after it the sun fills the cells in both courses, or 2 kW are lacking."""
    problem = house([0.2] * 8, 1000.0, 0.05, batteries=(battery(**LOSSY),))
    dark = weighing(problem, course([1000.0] * 8, 2000.0, 24, 0.5))
    bright = weighing(problem, course([1000.0] * 8, -3000.0, 24, 0.5))
    assert first_mode(dark) in ("hold", "charge")
    assert first_mode(bright) == "self-use"


def test_a_site_with_a_car_is_decided_by_the_program_and_courses_change_nothing() -> None:
    plain = house(CHEAP_THEN_DEAR, batteries=(battery(),), sessions=(car(0, 12, 5000.0),))
    with_courses = dataclasses.replace(plain, courses=(course([500.0] * 16),) * 3)
    assert not is_exact(with_courses)
    plans = [solve(problem) for problem in (plain, with_courses)]
    assert np.array_equal(plans[0].grid_w, plans[1].grid_w)


def test_a_document_without_courses_is_what_it_was_before_there_were_any() -> None:
    plain = house(CHEAP_THEN_DEAR)
    assert "courses" not in plain.to_json()
    given = dataclasses.replace(plain, courses=(course([500.0] * 16, 100.0, 24),))
    assert Problem.from_json(given.to_json()).to_json() == given.to_json()


def test_courses_of_another_length_are_refused() -> None:
    with pytest.raises(ProblemInvalid, match=r"courses\[0\] has 15, 0 and 0 values .* give 16 slots"):
        solve(dataclasses.replace(house(CHEAP_THEN_DEAR), courses=(course([500.0] * 15),)))


def test_a_past_hour_in_which_buying_was_paid_does_not_keep_a_plan_from_being_weighed() -> None:
    """Buying at -0.05 and selling at -0.10 eight days ago count as 0 after the horizon; all else is as it was."""
    buy, sell = np.full(10 * 96, 0.30), np.full(10 * 96, 0.05)
    buy[192:196], sell[192:196] = -0.05, -0.10
    missed = [Missed(back, np.zeros(96), np.zeros(96)) for back in range(6, 9)]
    ways = courses(np.full(96, 500.0), np.zeros(96), missed, np.zeros(96), 16, buy, sell)
    assert {float(price) for way in ways for price in way.buy_per_kwh} == {0.0, 0.30}
    problem = house([0.3] * 16, 500.0, 0.05, batteries=(battery(),))
    assert is_exact(dataclasses.replace(problem, courses=ways))
