"""Events that count what is exported: a firm limit below 0, a baseline that is net; hand-computed."""

from __future__ import annotations

import numpy as np
import pytest

from ems_pipeline.plan import Plan, Problem
from ems_pipeline.plan.problem import DemandEvent, Window
from ems_pipeline_tests.plan.small import battery, house, planned, roof

LIMIT = DemandEvent("firm", 1, 3, limit_w=-3000.0)


def half_full(*events: DemandEvent, sell: float = 0.1, pv_w: float = 0.0, **grid: object) -> Problem:
    """Four slots at 0.30, 1 kW of load; 5 kWh in the cells, worth 0.25 each at the end."""
    store = (battery(end_value_per_kwh=0.25),)
    sun = (roof([pv_w] * 4),) if pv_w else ()
    return house([0.3] * 4, 1000.0, sell=sell, grid={"events": events} | grid, batteries=store, pv=sun)


def test_a_firm_limit_below_zero_is_fed_in_from_the_battery() -> None:
    """4 kW are given in both slots: 3 kW go out; without the event the battery covers its 1 kW and sells nothing."""
    plan = planned(half_full(LIMIT))
    assert plan.grid_w.tolist() == pytest.approx([0.0, -3000.0, -3000.0, 0.0], abs=0.5)
    assert planned(half_full()).grid_w.min() == pytest.approx(0.0, abs=0.5)
    assert plan.unmet == ()


def test_what_nobody_can_feed_in_is_priced_and_named() -> None:
    """A site with a load of 1 kW and nothing else misses 4 kW in two slots: 2 kWh at 1000, and 1 kWh bought at 0.30."""
    plan = planned(house([0.3] * 4, 1000.0, sell=0.1, grid={"events": (LIMIT,)}))
    assert [(u.key, u.what, u.amount) for u in plan.unmet] == [("grid", "beyond the grid limit", pytest.approx(2.0))]
    assert plan.objective == pytest.approx(2.0 * 1000.0 + 1.0 * 0.3)


def test_no_more_is_wanted_than_the_connection_lets_out() -> None:
    plan = planned(half_full(LIMIT, export_limit_w=1000.0))
    assert plan.grid_w[1:3].tolist() == pytest.approx([-1000.0, -1000.0], abs=0.5)
    assert plan.unmet == ()


def test_a_battery_that_may_not_be_sold_feeds_nothing_in() -> None:
    bound = (Window(0, 4),)
    plan = planned(half_full(LIMIT, no_battery_to_grid=bound))
    assert np.minimum(plan.discharge_w[0], -plan.grid_w).max() <= 0.5
    assert [u.what for u in plan.unmet] == ["beyond the grid limit"]


def paid(baseline_w: float, *, is_net: bool, price: float = 0.5) -> DemandEvent:
    return DemandEvent("paid", 1, 3, None, baseline_w, price, is_net=is_net)


def earned(plan: Plan) -> float:
    return float(-plan.grid_w[1:3].sum()) / 4000.0


def test_a_net_event_pays_for_what_is_fed_in() -> None:
    """Against a baseline of 0 it pays 0.50, the sale 0.10 for 4 kW that go out; the other kind pays for nothing."""
    plan, other = (planned(half_full(paid(0.0, is_net=is_net))) for is_net in (True, False))
    assert earned(plan) == pytest.approx(2.0)
    assert earned(other) == pytest.approx(0.0, abs=1e-3)
    assert plan.objective == pytest.approx(-2.0 * 0.6 + 3.0 * 0.25)  # 2 kWh out, half a kWh served: 2.5 + 0.5 leave


def test_a_baseline_below_zero_pays_beyond_it_only() -> None:
    """1 kW would be fed in anyway: of the 4 kW 3 are paid for, half a kWh of each slot less."""
    plan = planned(half_full(paid(-1000.0, is_net=True)))
    free = planned(half_full(paid(0.0, is_net=True)))
    assert plan.objective - free.objective == pytest.approx(0.5 * 0.5)


def test_a_lower_baseline_never_earns_more_and_a_looser_limit_never_costs_more() -> None:
    by_baseline = [planned(half_full(paid(w, is_net=True))).objective for w in (2000.0, 0.0, -2000.0, -9000.0)]
    assert by_baseline == sorted(by_baseline)
    by_limit = [planned(half_full(DemandEvent("firm", 1, 3, w))).objective for w in (-4000.0, -2000.0, 0.0, 2000.0)]
    assert by_limit == sorted(by_limit, reverse=True)
    assert by_limit[0] > by_limit[-1]
