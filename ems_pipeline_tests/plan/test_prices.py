"""Penalties and priorities are money, stated once: a plan of one price is a plan at another, whatever the price is.

The plan made at one price may be kept at the other, so the best one there costs no more than it. With that in both
directions money is continuous in every price, each price moves it by what is bought at it, and a dearer wish is never
missed more.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ems_pipeline.plan import Plan, Problem, solve, verify
from ems_pipeline.plan.verifier.money import cost
from ems_pipeline_tests.plan.random_sites import problems
from ems_pipeline_tests.plan.small import car, heat_pump, house

FEW = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
PRICES = {
    "sessions": ("unmet_price_per_kwh",),
    "batteries": ("outside_price_per_kwh", "wear_per_kwh", "end_value_per_kwh"),
    "deferrables": ("skip_price",),
    "gensets": ("fuel_per_kwh", "idle_fuel_per_h", "start_cost"),
}
GRID = ("over_limit_price_per_kwh", "peak_price_per_kw")
CLOSE = 1e-4
FACTORS = [0.0, 0.5, 1 - 1e-6, 1 + 1e-6, 1.5, 1000.0]


def priced(problem: Problem, kind: str, price: str, factor: float) -> Problem:
    """One price of every device of a kind (or of the contract, or of comfort), times a factor, and never quite 0."""

    def dearer(record: Any) -> Any:
        return dataclasses.replace(record, **{price: getattr(record, price) * factor + 1e-9})

    if kind == "grid":
        return dataclasses.replace(problem, grid=dearer(problem.grid))
    if kind == "comfort":
        units = [
            dataclasses.replace(u, store=dearer(u.store), tank=u.tank and dearer(u.tank)) for u in problem.heat_pumps
        ]
        return dataclasses.replace(problem, heat_pumps=tuple(units))
    return dataclasses.replace(problem, **{kind: tuple(dearer(one) for one in getattr(problem, kind))})


KINDS = [(kind, price) for kind, prices in PRICES.items() for price in prices]
KINDS += [("grid", price) for price in GRID] + [("comfort", "outside_price_per_kh"), ("comfort", "end_value_per_k")]


def planned(problem: Problem) -> Plan:
    plan = solve(problem, stage2=False, gap=CLOSE / 10, tolerance=CLOSE / 10)
    assert verify(problem, plan) == []
    return plan


@FEW
@given(problems(), st.sampled_from(KINDS), st.sampled_from(FACTORS))
def test_a_plan_of_one_price_is_no_better_at_another_than_its_own(
    problem: Problem, which: tuple[str, str], factor: float
) -> None:
    other = priced(problem, *which, factor)
    here, there = planned(problem), planned(other)
    for site, own, foreign in ((problem, here, there), (other, there, here)):
        kept = cost(site, foreign)
        assert own.objective is not None
        assert own.objective <= kept + CLOSE * (1 + abs(kept))


@pytest.mark.parametrize("price", np.geomspace(0.05, 5e5, 8).tolist())
def test_comfort_and_a_leaving_car_trade_places_at_the_prices_stated(price: float) -> None:
    """Behind 4 kW there is room for one of the two: kelvin-hours are paid for until they are dearer."""

    def site(kelvin: float) -> Problem:
        pump = heat_pump(8, 0.0, 19.6, outside_price_per_kh=kelvin, min_run_slots=2)
        leaving = car(0, 4, 3300.0, min_w=1380.0, max_w=3680.0, phases=1)
        return house([0.25] * 8, 700.0, 0.05, grid={"import_limit_w": 4000.0}, heat_pumps=(pump,), sessions=(leaving,))

    here, dearer = planned(site(price)), planned(site(price * 1.01))
    assert here.objective is not None
    assert dearer.objective is not None
    cold = sum(item.amount for item in here.unmet if item.what == "outside the comfort band")
    assert -1e-6 <= dearer.objective - here.objective <= 0.01 * price * cold + CLOSE * (1 + here.objective)
    left = sum(item.amount for item in dearer.unmet if item.what == "outside the comfort band")
    assert left <= cold + CLOSE * (1 + here.objective) / (0.01 * price)
