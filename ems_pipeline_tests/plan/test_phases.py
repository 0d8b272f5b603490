"""A charger that charges by one phase or by three: what the plan may ask of it, what the second opinion refuses."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import device_rows, solve, verify
from ems_pipeline.plan.problem import ChargingSession
from ems_pipeline.plan.rule.rule import by_rule
from ems_pipeline_tests.plan.by_hand import FLAT, acting, laws
from ems_pipeline_tests.plan.small import car, house, roof


def switching(first: int, end: int, energy_wh: float, **changes: Any) -> ChargingSession:
    """6 to 16 A by one phase (1380 to 3680 W) or by three (4140 to 11,040 W)."""
    return car(first, end, energy_wh, min_w=1380.0, switches_phases=True, **changes)


def test_the_gap_is_between_the_most_by_one_phase_and_the_least_by_three() -> None:
    assert switching(0, 4, 1.0).gap_w == (3680.0, 4140.0)
    assert switching(0, 4, 1.0, max_w=22_080.0).gap_w is None, "7360 W by one phase of 32 A, 4140 W by three"
    assert car(0, 4, 1.0).gap_w is None


def test_a_little_sun_is_charged_by_one_phase_where_the_charger_switches() -> None:
    """2 kW are left over: three phases need 4.1 kW."""
    sunny = [2500.0] * 4

    def charged(session: ChargingSession) -> list[float]:
        waiting = dataclasses.replace(session, anywhere_w=np.zeros(4), unmet_price_per_kwh=3.0)
        plan = solve(house(FLAT, sell=0.5, pv=(roof(sunny),), sessions=(waiting,)))
        assert verify(plan.problem, plan) == []
        return [round(float(w), 1) for w in plan.session_w[0]]

    assert charged(car(0, 4, 9000.0)) == [0.0] * 4
    assert charged(switching(0, 4, 9000.0)) == [2000.0] * 4


@pytest.mark.parametrize(("limit_w", "most_w"), [(4400.0, 3680.0), (4700.0, 4200.0), (2000.0, 1500.0)])
def test_a_narrow_connection_gives_what_one_phase_or_three_can(limit_w: float, most_w: float) -> None:
    """500 W of load: what is left lies in the gap, above it, below it."""
    plan = solve(house(FLAT, grid={"import_limit_w": limit_w}, sessions=(switching(0, 4, 20_000.0),)))
    assert (plan.status, verify(plan.problem, plan)) == ("optimal", [])
    assert plan.session_w[0] == pytest.approx([most_w] * 4)


@pytest.mark.parametrize(("power_w", "phases", "current_a"), [(2300.0, 1, 10.0), (3680.0, 1, 16.0), (6900.0, 3, 10.0)])
def test_a_row_tells_phases_with_the_current(power_w: float, phases: int, current_a: float) -> None:
    plan = acting(house(FLAT, sessions=(switching(0, 4, 9000.0),)), session_w=[power_w, 0.0, 0.0, 0.0])
    (told,) = device_rows(plan).filter(asset_key="box", mode="charge")["limits"].to_list()
    assert json.loads(told) == {"current_a": current_a, "phases": phases}


def test_the_second_opinion_refuses_what_neither_one_phase_nor_three_can_give() -> None:
    problem = house(FLAT, sessions=(switching(0, 4, 9000.0),))
    assert laws(problem, session_w=[3900.0, 0, 0, 0]) == {"phases": (220.0, 0)}
    assert laws(problem, session_w=[3680.0, 4140.0, 0, 0]) == {}


def test_what_one_slot_cannot_give_is_charged_in_two() -> None:
    """975 Wh in the cheap quarter-hour would be 3900 W; the rest is the least by one phase, 345 Wh, beside it."""
    plan = solve(house([4.0, 1.0, 4.0, 4.0], grid={"import_limit_w": 4400.0}, sessions=(switching(0, 4, 975.0),)))
    assert (plan.status, verify(plan.problem, plan)) == ("optimal", [])
    assert sorted(plan.session_w[0].round(1)) == [0.0, 0.0, 1380.0, 2520.0]


def test_the_simple_rule_stays_out_of_the_gap() -> None:
    plan = by_rule(house(FLAT, grid={"import_limit_w": 4400.0}, sessions=(switching(0, 4, 20_000.0),)))
    assert plan.session_w[0] == pytest.approx([3680.0] * 4)
