"""Several goals of one car: so much at once, so much on the way, more where it is cheap; hand-computed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import assemble
from ems_pipeline.plan.problem import EnergyBy
from ems_pipeline.sites import Charger, Site
from ems_pipeline.sites.electric import EnergyByTime
from ems_pipeline_tests.plan.small import car, house, planned

DEAR_FIRST = [0.5, 0.5, 0.5, 0.2, 0.2, 0.2]
SINGLE: dict[str, Any] = {"min_w": 0.0, "max_w": 4000.0, "phases": 1}


def with_charger(home: Site, **options: Any) -> Site:
    first, *others = home.chargers
    return home.model_copy(update={"chargers": (first.model_copy(update=options), *others)})


def test_a_part_that_is_wanted_earlier_is_charged_however_dear_and_the_rest_waits() -> None:
    """3 kWh in all, 1.5 of them before the third slot: 1.5 at 0.50 and 1.5 at 0.20 are 1.05."""
    wish = car(0, 6, 3000.0, on_the_way=(EnergyBy(2, 1500.0),), **SINGLE)
    plan = planned(house(DEAR_FIRST, 0.0, sessions=(wish,)))
    assert plan.session_w[0, :2].sum() / 4 == pytest.approx(1500.0)
    assert plan.session_w[0, 2] == pytest.approx(0.0, abs=0.1)
    assert plan.objective == pytest.approx(1.5 * 0.5 + 1.5 * 0.2)


def test_what_no_charger_can_give_on_the_way_is_named_and_priced_once_for_its_instant() -> None:
    """By the second slot 1 kWh is possible of 1.5: half a kWh is missing there, none at departure."""
    wish = car(0, 6, 3000.0, on_the_way=(EnergyBy(1, 1500.0),), unmet_price_per_kwh=2.0, **SINGLE)
    plan = planned(house(DEAR_FIRST, 0.0, sessions=(wish,)))
    assert [(u.what, u.amount) for u in plan.unmet] == [("energy missing on the way", pytest.approx(0.5))]
    assert plan.objective == pytest.approx(1.0 * 0.5 + 2.0 * 0.2 + 0.5 * 2.0)


def test_a_later_instant_never_costs_more() -> None:
    def cost(end: int) -> float:
        wish = car(0, 6, 3000.0, on_the_way=(EnergyBy(end, 2000.0),), **SINGLE)
        return planned(house(DEAR_FIRST, 0.0, sessions=(wish,))).objective or 0.0

    found = [cost(end) for end in range(1, 7)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1]


def test_at_once_is_as_soon_as_the_charger_gives_it_and_hours_count_in_the_stay(home: Site, day_inputs: Any) -> None:
    """Car 1 comes at 16:20 UTC (slot 18 begins 16:30) and has had 1 kWh: 4 kWh more at 11 kW take two quarter-hours."""
    by = (EnergyByTime.model_validate({"by": "22:00", "energy_wh": 9000}),)
    inputs = day_inputs()
    there = dataclasses.replace(inputs.sessions[0], had_wh=1000.0)
    inputs = dataclasses.replace(inputs, sessions=(there,))
    (session,) = assemble(with_charger(home, at_once_wh=5000.0, on_the_way=by), inputs).sessions
    assert [(one.end, one.energy_wh) for one in session.on_the_way] == [(20, 4000.0), (36, 8000.0)]
    assert inputs.starts[36].hour == 21  # UTC; 22:00 in Prague


def test_it_charges_on_where_it_is_cheap_and_only_there(home: Site, day_inputs: Any) -> None:
    """1 kWh is wanted; of 3 kWh more each is worth 0.20: the four slots at 0.10 are used, those at 0.30 not."""
    wish = car(0, 6, 1000.0 + 3000.0, later_wh=3000.0, later_value_per_kwh=0.2, **SINGLE)
    plan = planned(house([0.3, 0.1, 0.1, 0.1, 0.3, 0.3], 0.0, sessions=(wish,)))
    assert plan.session_w[0].tolist() == pytest.approx([0.0, 4000.0, 4000.0, 4000.0, 0.0, 0.0])
    assert plan.unmet == ()
    options = {"charge_on_wh": 8000.0, "charge_on_below_per_kwh": 2.5}
    usual, more = (assemble(site, day_inputs()).sessions[0] for site in (home, with_charger(home, **options)))
    assert (more.energy_wh - usual.energy_wh, more.later_wh, more.later_value_per_kwh) == (8000.0, 8000.0, 2.5)


def test_a_served_car_whose_charger_charges_on_stays_in_the_plan(home: Site, day_inputs: Any) -> None:
    served = dataclasses.replace(day_inputs().sessions[0], energy_wh=0.0)
    inputs = dataclasses.replace(day_inputs(), sessions=(served,))
    site = with_charger(home, charge_on_wh=8000.0, charge_on_below_per_kwh=2.5)
    assert assemble(home, inputs).sessions == ()
    (session,) = assemble(site, inputs).sessions
    assert (session.energy_wh, session.later_wh) == (8000.0, 8000.0)
    assert isinstance(site.chargers[0], Charger)
    assert np.isfinite(session.later_value_per_kwh)
