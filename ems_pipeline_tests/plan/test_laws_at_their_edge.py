"""Where a law of the second opinion begins: rounding is nothing, one watt is something, the first slot counts."""

from __future__ import annotations

import dataclasses

import numpy as np

from ems_pipeline.plan import verify
from ems_pipeline.plan.problem import HybridInverter
from ems_pipeline_tests.plan.by_hand import FLAT, acting, broken, laws
from ems_pipeline_tests.plan.small import battery, car, genset, heat_pump, house, machine, roof


def test_a_shape_is_told_by_its_size_and_what_is_no_number_is_counted() -> None:
    plan = acting(house(FLAT, batteries=(battery(),)))
    assert broken(plan.problem, dataclasses.replace(plan, charge_w=np.zeros((1, 3)))) == {"shape": (3.0, 0)}
    holed = dataclasses.replace(plan, grid_w=np.array([np.nan, 500.0, 500.0, 500.0]))
    assert broken(plan.problem, holed) == {"finite numbers": (1.0, 0)}


def test_what_is_claimed_missing_of_a_car_that_got_more_is_told_to_the_watt_hour() -> None:
    waits = car(0, 4, 3000.0, later_wh=2000.0, min_w=0.0)
    plan = acting(house(FLAT, sessions=(waits,)))
    missing = dataclasses.replace(plan.unmet[0], amount=0.0025)
    served = acting(plan.problem, session_w=[2000.0] * 4)
    claimed = dataclasses.replace(served, unmet=(missing,))
    assert broken(plan.problem, claimed) == {"unmet energy as reported": (0.0025, 0)}


def test_an_inverter_that_is_wide_enough_keeps_back_no_watt() -> None:
    hybrid = HybridInverter("hybrid", 5000.0, ("roof",), ())
    problem = house(FLAT, pv=(roof([900.0] * 4, curtailable=False),), inverters=(hybrid,))
    assert laws(problem, pv_w=[900.0, 899.0, 900.0, 900.0]) == {"PV not curtailable": (1.0, 1)}


def test_half_a_watt_is_off_for_car_and_pump() -> None:
    session = car(0, 4, 9000.0, min_run_slots=2)
    assert laws(house(FLAT, sessions=(session,)), session_w=[0.5, 0.0, 0.0, 0.0]) == {}
    pump = heat_pump(4, 10.0, 21.0, min_run_slots=2, was_on=False)
    assert laws(house(FLAT, heat_pumps=(pump,)), heat_pump_w=[0.0, 0.5, 0.0, 0.0]) == {}


def test_a_run_of_a_car_counts_from_the_first_slot_on() -> None:
    problem = house(FLAT, sessions=(car(0, 4, 9000.0, min_run_slots=2),))
    assert laws(problem, session_w=[4140.0, 0, 0, 0]) == {"minimum on time": (1.0, 1)}


def test_any_least_power_makes_a_switch_and_none_makes_none() -> None:
    watt = house(FLAT, sessions=(car(0, 4, 9000.0, min_w=1.0, min_run_slots=2),))
    assert laws(watt, session_w=[0.0, 900.0, 0, 0]) == {"minimum on time": (1.0, 2)}
    for least_w, told in ((1.0, {"minimum run": (1.0, 2)}), (0.0, {})):
        pump = heat_pump(4, 10.0, 21.0, min_w=least_w, min_run_slots=2, was_on=False)
        assert laws(house(FLAT, heat_pumps=(pump,)), heat_pump_w=[0.0, 900.0, 0, 0]) == told


def test_two_cars_at_one_charger_are_told_with_its_name() -> None:
    cars = tuple(car(0, 4, 9000.0, key=key, min_w=0.0) for key in ("a", "b"))
    elsewhere = car(0, 4, 9000.0, key="c", charger="second", min_w=0.0)
    problem = house(FLAT, sessions=(*cars, elsewhere))
    plan = acting(problem, session_w=[[0, 4000.0, 0, 0], [0, 30.0, 0, 0], [0, 4000.0, 0, 0]])
    assert [(v.law, v.key, v.amount) for v in verify(problem, plan)] == [("one car at a charger", "box", 30.0)]


def test_a_flat_profile_of_nothing_much_is_taken_for_its_first_begin() -> None:
    """Half a watt fits every begin alike; the run is where it fits first, beside the other of the machine."""
    runs = (machine([0.5], 0, 4), machine([1000.0], 0, 4))
    fits = laws(house(FLAT, deferrables=runs), deferrable_w=[[0.25] * 4, [0, 0, 0, 1000.0]])
    assert fits == {}


def test_a_switch_half_way_is_off() -> None:
    problem = house(FLAT, gensets=(genset(min_run_slots=3),))
    told = laws(problem, genset_on=[0.0, 0.5, 0.0, 0.0])
    assert told["genset switch"] == (0.5, 1)
    assert "genset minimum run" not in told


def test_a_start_in_the_first_slot_is_one_of_its_day() -> None:
    problem = house(FLAT, 4000.0, gensets=(genset(starts_per_day=1, starts_before=1),))
    started = laws(problem, genset_on=[1.0, 1.0, 0, 0], genset_w=[1500.0, 1500.0, 0, 0])
    assert started == {"genset starts per day": (1.0, 0)}
