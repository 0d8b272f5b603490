"""Goals as fields of the problem: which slots they touch, who of two counts, what the end of the horizon asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ems_pipeline.plan import PlanInputs, Problem, assemble
from ems_pipeline.sites import Site
from ems_pipeline.sites.goal import Goal, Source
from ems_pipeline.time_grid import SLOT
from ems_pipeline_tests.plan.conftest import START

Make = Callable[..., PlanInputs]


def problem(home: Site, inputs: PlanInputs, *goals: Goal) -> Problem:
    return assemble(home, dataclasses.replace(inputs, goals=goals))


def of(asset: str, first: int, end: int, **wants: Any) -> Goal:
    return Goal(asset, START + first * SLOT, START + end * SLOT, **wants)


def test_a_car_on_the_sun_has_nothing_from_anywhere_in_the_slots_of_its_goal(home: Site, day_inputs: Make) -> None:
    """Car 2 comes at 17:20 UTC: its slots are 22 to 73. Dearest is 5.6 CZK about, so the sun is worth 11.2."""
    usual = problem(home, day_inputs()).sessions
    first, second = problem(home, day_inputs(), of("car-2", 0, 96, source=Source.SOLAR)).sessions
    assert first.anywhere_w is usual[0].anywhere_w is None
    assert second.anywhere_w is not None
    assert (second.anywhere_w[22:74].max(), second.anywhere_w[96:].min()) == (0.0, second.max_w)
    assert second.steady == ()
    dearest = float(abs(day_inputs().buy_per_kwh).max())
    assert second.unmet_price_per_kwh == pytest.approx(2 * dearest)
    assert second.unmet_price_per_kwh < usual[1].unmet_price_per_kwh


def test_the_least_power_of_the_sun_does_not_wait_and_a_later_goal_counts_whole(home: Site, day_inputs: Make) -> None:
    early, late = of("car-2", 20, 40, source=Source.MIN_SOLAR), of("car-2", 30, 34, energy_wh=9000.0)
    _, car = problem(home, day_inputs(), early, late).sessions
    assert car.anywhere_w is not None
    assert car.anywhere_w[28:36].tolist() == [1380.0] * 2 + [3680.0] * 4 + [1380.0] * 2
    assert [w.first for w in car.steady] == [*range(20, 30), *range(34, 40)]
    assert car.unmet_price_per_kwh == 20.0


def test_a_house_that_may_be_cold_until_an_instant_is_to_be_warm_at_that_instant(home: Site, day_inputs: Make) -> None:
    """A slot's temperature is that of its end: the last slot of the goal has the usual band."""
    house = problem(home, day_inputs(), of("heating", 2, 10, comfort_min_c=16.0)).heat_pumps[0].store
    assert house.least_c[:12].tolist() == [20.0] * 2 + [16.0] * 7 + [20.0] * 3
    assert set(house.most_c.tolist()) == {22.5}
    five_past = dataclasses.replace(
        of("heating", 2, 10, comfort_min_c=16.0), until_at=START + 10 * SLOT + timedelta(minutes=5)
    )
    assert problem(home, day_inputs(), five_past).heat_pumps[0].store.least_c[8:12].tolist() == [16, 16, 20, 20]


def test_away_beyond_the_horizon_asks_for_no_warm_house_at_its_end(home: Site, day_inputs: Make) -> None:
    pump = home.heat_pumps[0]
    kept = pump.model_copy(update={"house": pump.house.model_copy(update={"keep_at_end_c": 21.0})})
    site, far = home.model_copy(update={"heat_pumps": (kept,)}), day_inputs(24.0)
    floors = [
        problem(site, far, of("heating", 0, end, comfort_min_c=16.0)).heat_pumps[0].store.end_floor_c
        for end in (96, 97)
    ]
    assert floors == [21.0, 16.0]
