"""What somebody wants of the planner itself: a car on the sun, a car that does not wait, a house that may be cold."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from ems_pipeline.plan import Plan, Problem, device_rows, verify
from ems_pipeline.plan.problem import ChargingSession, ComfortBand, Window
from ems_pipeline.plan.result import money
from ems_pipeline.plan.result.complete import complete
from ems_pipeline_tests.plan.random_sites import problems
from ems_pipeline_tests.plan.small import battery, car, genset, heat_pump, house, planned, roof
from ems_pipeline_tests.plan.test_laws import COST_TOLERANCE, cost

FEW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
SUNNY = [500.0, 1500.0, 3000.0, 6000.0]
"""What the roof offers: beside a load of 500 W it leaves 0, 1000, 2500 and 5500 W."""


def solar(slots: int, energy_wh: float = 20_000.0, anywhere_w: float = 0.0, **changes: Any) -> ChargingSession:
    """One phase, 6 to 16 A: 1380 to 3680 W."""
    usual: dict[str, Any] = {"min_w": 1380.0, "max_w": 3680.0, "phases": 1}
    return car(0, slots, energy_wh, anywhere_w=np.full(slots, anywhere_w), **usual | changes)


def test_a_car_on_the_sun_takes_what_the_load_leaves_of_it_and_no_more() -> None:
    """Nothing where less is left than its least power; 2500 W and 3680 W for a quarter of an hour are 1.545 kWh."""
    plan = planned(house([0.3] * 4, pv=(roof(SUNNY),), sessions=(solar(4),)))
    assert plan.session_w[0].tolist() == pytest.approx([0.0, 0.0, 2500.0, 3680.0], abs=0.1)
    assert plan.grid_w.max() <= 0.01
    assert [(u.what, round(u.amount, 3)) for u in plan.unmet] == [("energy missing at departure", 20.0 - 1.545)]


def test_no_battery_and_no_genset_gives_while_a_car_charges_on_the_sun() -> None:
    """A full battery whose energy is worth nothing, and fuel for nothing: without the law both would feed the car."""
    given = {
        "batteries": (battery(initial_wh=10_000.0),),
        "gensets": (genset(fuel_per_kwh=0.0, idle_fuel_per_h=0.0, start_cost=0.0),),
    }
    plan = planned(house([0.3] * 4, pv=(roof(SUNNY),), sessions=(solar(4),), **given))
    charging = plan.session_w[0] > 0
    assert plan.session_w[0].tolist() == pytest.approx([0.0, 0.0, 2500.0, 3680.0], abs=0.1)
    assert plan.discharge_w[0][charging].max() == plan.genset_w[0][charging].max() == 0.0


def test_sun_that_a_heat_pump_takes_is_not_left_for_the_car() -> None:
    """A bound by the forecast surplus would let both draw: 2500 W of sun, 800 W of heat, and 1700 W of them left."""
    cold = heat_pump(4, indoor_c=20.0, outside_price_per_kh=1000.0, min_w=800.0, max_w=1300.0)
    problem = house([0.3] * 4, pv=(roof([3000.0] * 4),), sessions=(solar(4),), heat_pumps=(cold,))
    plan = planned(problem)
    assert plan.heat_pump_w[0].max() > 0
    both = (plan.session_w[0] > 0) & (plan.heat_pump_w[0] > 0)
    assert (plan.session_w[0] + plan.heat_pump_w[0])[both].max(initial=0.0) <= 2500.01
    assert plan.grid_w[plan.session_w[0] > 0].max(initial=0.0) <= 0.01


def test_where_buying_is_paid_for_a_car_on_the_sun_still_buys_nothing() -> None:
    free = house([-0.5] * 4, sell=-0.6, pv=(roof(SUNNY),), sessions=(solar(4, unmet_price_per_kwh=0.1),))
    plan = planned(free)
    assert plan.grid_w[plan.session_w[0] > 0].max(initial=0.0) <= 0.01


def test_a_car_with_its_least_power_does_not_wait_and_takes_more_only_of_the_sun() -> None:
    """Dear slots do not make it wait; 1380, 1380, 2500 and 3680 W. At 2.235 kWh it is served just then."""
    dear = house([0.9, 0.9, 0.3, 0.1], pv=(roof(SUNNY),), sessions=(solar(4, 2235.0, 1380.0, steady=(Window(0, 4),)),))
    plan = planned(dear)
    assert plan.session_w[0].tolist() == pytest.approx([1380.0, 1380.0, 2500.0, 3680.0], abs=0.5)
    assert plan.unmet == ()


def test_what_a_car_waits_though_it_should_not_is_priced_like_missing_energy_and_named() -> None:
    """Two slots in which a firm limit leaves no room: 2 x 0.345 kWh at 20; a schedule's slot costs nothing."""
    problem = house(
        [0.3] * 6, load_w=[9000.0, 9000.0, 500.0, 500.0, 500.0, 500.0],
        grid={"import_limit_w": 10_000.0},
        sessions=(solar(6, 690.0, 1380.0, steady=(Window(0, 6),), blocked=(Window(2, 3),)),),
    )  # fmt: skip
    plan = planned(problem)
    assert plan.session_w[0].tolist() == pytest.approx([0, 0, 0, 1380.0, 1380.0, 0], abs=0.1)
    assert [(u.what, u.amount, u.unit) for u in plan.unmet] == [("waits though it should charge", 0.5, "h")]
    assert money.parts(plan)["cars"] == pytest.approx(2 * 0.345 * 20.0)


def test_a_house_that_may_be_cold_for_a_while_is_warm_again_when_that_ends() -> None:
    """Two hours at 15 °C: off first, then at full power; at the first slot after them it has 20 °C."""
    usual = house([0.3] * 12, heat_pumps=(heat_pump(12, indoor_c=20.0),))
    pump = usual.heat_pumps[0]
    away = dataclasses.replace(pump, store=dataclasses.replace(pump.store, bands=(ComfortBand(0, 8, 15.0, 23.0),)))
    plan = planned(dataclasses.replace(usual, heat_pumps=(away,)))
    assert plan.indoor_c[0][:8].min() < 19.5
    assert plan.indoor_c[0][8:].min() >= 20.0 - 1e-3
    assert plan.unmet == ()
    # Off for one slot the house keeps exp(-0.25 h x 180 W/K / 4000 Wh/K) of its 20 K above the outdoors.
    assert plan.indoor_c[0][0] == pytest.approx(20.0 * np.exp(-0.01125))
    assert (plan.objective or 0.0) < (planned(usual).objective or 0.0)


def test_the_later_of_two_bands_counts() -> None:
    pump = heat_pump(4, indoor_c=20.0)
    bands = (ComfortBand(0, 4, 15.0, 16.0), ComfortBand(1, 2, 19.0, 24.0))
    store = dataclasses.replace(pump.store, bands=bands)
    assert store.least_c.tolist() == [15.0, 19.0, 15.0, 15.0]
    assert store.most_c.tolist() == [16.0, 24.0, 16.0, 16.0]


@FEW
@given(problems())
def test_a_car_that_may_have_more_from_anywhere_never_costs_more(problem: Problem) -> None:
    some = [dataclasses.replace(c, anywhere_w=np.full(problem.slots, 4140.0)) for c in problem.sessions]
    none = [dataclasses.replace(c, anywhere_w=np.zeros(problem.slots)) for c in problem.sessions]
    least, more, all_of_it = (
        cost(dataclasses.replace(problem, sessions=tuple(c))) for c in (none, some, problem.sessions)
    )
    slack = COST_TOLERANCE * (1 + abs(all_of_it))
    assert all_of_it <= more + slack
    assert more <= least + COST_TOLERANCE * (1 + abs(least))


@FEW
@given(problems())
def test_a_wider_comfort_band_never_costs_more(problem: Problem) -> None:
    def banded(*bands: ComfortBand) -> Problem:
        pumps = [dataclasses.replace(p, store=dataclasses.replace(p.store, bands=bands)) for p in problem.heat_pumps]
        return dataclasses.replace(problem, heat_pumps=tuple(pumps))

    narrow = cost(banded(ComfortBand(2, 9, 19.0, 23.0)))
    assert cost(banded(ComfortBand(2, 9, 16.0, 25.0))) <= narrow + COST_TOLERANCE * (1 + abs(narrow))


def test_the_battery_is_told_to_give_nothing_beside_a_car_on_the_sun_and_each_says_why() -> None:
    plan = planned(house([0.3] * 4, pv=(roof(SUNNY),), sessions=(solar(4),), batteries=(battery(),)))
    rows = device_rows(plan)
    told = {key: frame for (key,), frame in rows.partition_by("asset_key", as_dict=True).items()}
    assert told["pack"]["mode"].to_list()[2:] == ["hold", "hold"]
    assert told["box"]["reason"].to_list() == [
        "Wait for the sun: it leaves 0 W beside the load, the car needs 1380 W.",
        "Wait for the sun: it leaves 1000 W beside the load, the car needs 1380 W.",
        "Charge the car from what the sun leaves.",
        "Charge the car from what the sun leaves.",
    ]


def test_the_verifier_refuses_a_car_on_the_sun_that_is_fed_otherwise() -> None:
    problem = house([0.3] * 4, pv=(roof(SUNNY),), sessions=(solar(4),), batteries=(battery(),))
    plan = planned(problem)
    bought = plan.session_w.copy()
    bought[0, 0] = 1380.0
    assert laws(problem, dataclasses.replace(plan, session_w=bought)) == {"only what the sun leaves"}
    stored = plan.discharge_w.copy()
    stored[0, 0] = 1380.0
    assert laws(problem, dataclasses.replace(plan, session_w=bought, discharge_w=stored)) == {
        "only what the sun leaves"
    }


def laws(problem: Problem, plan: Plan) -> set[str]:
    return {violation.law for violation in verify(problem, complete(plan))}


def test_a_problem_of_before_is_read_as_it_was_meant() -> None:
    old = json.loads(house([0.3] * 4, sessions=(car(0, 4, 2000.0),), heat_pumps=(heat_pump(4),)).to_json())
    for name in ("anywhere_w", "steady"):
        del old["sessions"][0][name]
    del old["heat_pumps"][0]["store"]["bands"]
    read = Problem.from_json(json.dumps(old))
    assert (read.sessions[0].anywhere_w, read.sessions[0].steady, read.heat_pumps[0].store.bands) == (None, (), ())
    assert planned(read).status == "optimal"
