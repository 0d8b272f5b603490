"""Between battery and grid nothing flows that the contract forbids, whatever it would earn; hand-computed."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import Plan, Problem, solve, verify
from ems_pipeline.plan.problem import PvSource, Window
from ems_pipeline.plan.wording.modes import device_decisions
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline_tests.plan.small import battery, house

CHEAP_THEN_DEAR = [0.10, 0.10, 0.10, 0.10, 0.50, 0.50, 0.50, 0.50]
ALWAYS = (Window(0, 8),)


def at_the_meter(pv_w: float = 0.0, sell: float = 0.0, **grid: Any) -> Problem:
    """Eight slots of 2 kW of load, four cheap and four dear; an empty battery of 10 kWh and 5 kW without losses."""
    roof = (PvSource("roof", np.full(8, pv_w)),) if pv_w else ()
    return house(CHEAP_THEN_DEAR, 2000.0, sell=sell, grid=grid, pv=roof, batteries=(battery(initial_wh=0.0),))


def planned(problem: Problem) -> Plan:
    plan = solve(problem, resolved_slots=4)
    assert [str(v) for v in verify(problem, plan)] == []
    return plan


def test_the_grid_fills_no_battery_where_it_may_not() -> None:
    """2 kWh would be moved from 0.10 to 0.50; forbidden, all 4 kWh are bought as they are used."""
    free, bound = planned(at_the_meter()), planned(at_the_meter(no_grid_to_battery=ALWAYS))
    assert free.objective == pytest.approx(4.0 * 0.10)
    assert bound.objective == pytest.approx(2.0 * 0.10 + 2.0 * 0.50)
    told = [d for d in device_decisions(bound) if d.key == "pack"]
    assert {d.wish.mode for d in told} <= {BatteryMode.SELF_USE, BatteryMode.HOLD}
    assert "The grid may not charge it here: bought at 0.100 EUR/kWh" in told[0].reason


def test_pv_is_no_way_around_it() -> None:
    """3 kW of sun, 2 kW of load: 1 kW is left over, and no more is stored though the grid could feed the house."""
    sun = (PvSource("roof", np.repeat([3000.0, 0.0], 4)),)
    plan = planned(dataclasses.replace(at_the_meter(no_grid_to_battery=ALWAYS), pv=sun))
    assert plan.charge_w[0, :4] == pytest.approx(np.full(4, 1000.0))


def test_a_battery_serves_the_house_where_it_may_not_be_sold() -> None:
    """Selling at 0.40 what was bought at 0.10 would pay; forbidden, the battery covers the load and sells nothing."""
    free = planned(at_the_meter(sell=0.40))
    bound = planned(at_the_meter(sell=0.40, no_battery_to_grid=ALWAYS))
    assert free.grid_w.min() < -2000.0
    assert bound.grid_w[4:] == pytest.approx(np.zeros(4), abs=0.5)
    assert bound.objective == pytest.approx(0.4)
    told = [d.wish.mode for d in device_decisions(bound) if d.key == "pack" and d.slot >= 4]
    assert BatteryMode.DISCHARGE not in told


def test_no_sun_is_sold_while_the_battery_feeds_the_house() -> None:
    """With 1 kW of sun and a full battery, the way around would sell the sun and feed 2 kW from the cells."""
    problem = at_the_meter(1000.0, sell=0.60, no_battery_to_grid=ALWAYS)
    plan = planned(dataclasses.replace(problem, batteries=(battery(initial_wh=10_000.0),)))
    assert plan.discharge_w[0].max() <= 2000.0
    assert np.minimum(plan.discharge_w[0], -plan.grid_w).max() <= 0.5


def test_it_holds_in_its_hours_only() -> None:
    """Forbidden in the first two slots, the 2 kWh of the dear hour are bought in the other two."""
    plan = planned(at_the_meter(no_grid_to_battery=(Window(0, 2),)))
    assert plan.charge_w[0, :2] == pytest.approx([0, 0])
    assert plan.charge_w[0, 2:4].sum() == pytest.approx(8000.0, abs=1.0)


@pytest.mark.parametrize("law", ["no_grid_to_battery", "no_battery_to_grid"])
def test_fewer_forbidden_hours_never_cost_more(law: str) -> None:
    cost = [planned(at_the_meter(2600.0, 0.4, **{law: (Window(0, end),)})).objective for end in (2, 4, 6, 8)]
    assert all(less <= more + 1e-6 for less, more in pairwise(cost))
    assert cost[-1] > cost[0]
