"""A battery kept out of the car, a price ceiling of the car, batteries that come before it; hand-computed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import Plan, PlanInputs, assemble
from ems_pipeline.plan.problem import ChargingSession
from ems_pipeline.plan.wording.decision import Decision
from ems_pipeline.plan.wording.modes import device_decisions
from ems_pipeline.sites import Site
from ems_pipeline.sites.goal import Goal, Source
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline_tests.plan.conftest import START
from ems_pipeline_tests.plan.small import battery, car, house, planned, roof

FULL = {"initial_wh": 10_000.0, "end_value_per_kwh": 0.2}


def told(plan: Plan, key: str) -> list[Decision]:
    return [d for d in device_decisions(plan) if d.key == key]


def test_a_battery_kept_out_of_the_car_rests_while_it_charges() -> None:
    """At 0.30 a kWh kept is worth 0.20: it would give 5 kW. The grid feeds the house of 1 kW meanwhile."""
    wish = car(2, 4, 5520.0)
    free = planned(house([0.3] * 4, 1000.0, batteries=(battery(**FULL),), sessions=(wish,)))
    assert free.discharge_w[0, 2:].min() == pytest.approx(5000.0)
    spared = dataclasses.replace(wish, spares_batteries=True)
    plan = planned(house([0.3] * 4, 1000.0, batteries=(battery(**FULL),), sessions=(spared,)))
    assert plan.discharge_w[0].tolist() == pytest.approx([1000.0, 1000.0, 0.0, 0.0])
    pack = told(plan, "pack")
    assert [d.wish.mode for d in pack] == [BatteryMode.SELF_USE] * 2 + [BatteryMode.HOLD] * 2
    assert pack[2].reason.endswith("It gives nothing while the car charges.")


def sunny(**changes: Any) -> ChargingSession:
    """One phase, 1.38 to 3.68 kW, on what the sun leaves."""
    return car(0, 4, 4000.0, min_w=1380.0, max_w=3680.0, phases=1, anywhere_w=np.zeros(4), **changes)


def test_what_the_sun_leaves_is_first_the_batteries() -> None:
    """3 kW left over; 1.5 kWh are missing to 6 kWh: two slots of 3 kW. Without the law the car has all of it."""
    store = battery(initial_wh=4500.0, end_value_per_kwh=0.0)
    parts: dict[str, Any] = {"pv": (roof([3500.0] * 4),), "batteries": (store,), "sell": 0.05}
    free = planned(house([0.3] * 4, 500.0, sessions=(sunny(),), **parts))
    assert free.session_w[0].tolist() == pytest.approx([3000.0] * 4, abs=0.5)
    plan = planned(house([0.3] * 4, 500.0, sessions=(sunny(batteries_first_wh=6000.0),), **parts))
    assert plan.session_w[0].tolist() == pytest.approx([0.0, 0.0, 3000.0, 3000.0], abs=0.5)
    assert "for the batteries until they hold 6.0 kWh; they hold 4.5 kWh" in told(plan, "box")[0].reason


def test_above_its_ceiling_only_the_sun_charges_a_car_unless_a_goal_says_otherwise(home: Site, day_inputs: Any) -> None:
    chargers = tuple(c.model_copy(update={"most_price_per_kwh": 4.0}) for c in home.chargers)
    site, inputs = home.model_copy(update={"chargers": chargers}), day_inputs()
    first, _ = assemble(site, inputs).sessions
    dear = inputs.buy_per_kwh > 4.0
    assert first.anywhere_w is not None
    assert first.anywhere_w[dear].max() == 0.0 < first.anywhere_w[~dear].min()
    fast = Goal("car-1", START, inputs.starts[-1], source=Source.ANY)
    assert assemble(site, with_goal(inputs, fast)).sessions[0].anywhere_w is None


def with_goal(inputs: PlanInputs, goal: Goal) -> PlanInputs:
    return dataclasses.replace(inputs, goals=(goal,))


def test_a_car_says_that_its_ceiling_keeps_it_waiting() -> None:
    """A dear half hour, then a cheap one in which all 1.84 kWh are charged."""
    wish = car(0, 4, 1840.0, min_w=1380.0, max_w=3680.0, phases=1, most_price_per_kwh=0.25)
    plan = planned(house([0.3, 0.3, 0.2, 0.2], 500.0, sessions=(dataclasses.replace(
        wish, anywhere_w=np.array([0.0, 0.0, 3680.0, 3680.0])),)))  # fmt: skip
    assert plan.session_w[0].tolist() == pytest.approx([0.0, 0.0, 3680.0, 3680.0])
    assert "At 0.300 EUR/kWh only the sun may charge it: its owner pays 0.250 EUR/kWh at most." in (
        told(plan, "box")[0].reason
    )
