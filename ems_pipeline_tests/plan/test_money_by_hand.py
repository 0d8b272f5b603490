"""What plans written down by hand cost: as the planner reports it and as the second opinion recomputes it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ems_pipeline.plan import Plan
from ems_pipeline.plan.problem import DemandEvent, HeatStore
from ems_pipeline.plan.result import money as told
from ems_pipeline.plan.verifier.money import cost
from ems_pipeline_tests.plan.by_hand import FLAT, acting, broken, laws
from ems_pipeline_tests.plan.small import battery, car, genset, heat_pump, house, roof


def test_cells_outside_their_window_go_no_further_and_cost_their_price() -> None:
    """4 kWh under a floor of 5: an hour outside, 250 Wh nearer each slot, at 2 per kWh and hour; the end wants 6."""
    low = battery(floor_wh=5000.0, initial_wh=4000.0, end_floor_wh=6000.0, outside_price_per_kwh=2.0,
                  end_value_per_kwh=0.5, wear_per_kwh=0.1)  # fmt: skip
    problem = house(FLAT, 0.0, batteries=(low,))
    plan = acting(problem, charge_w=[1000.0] * 4)
    outside = 2 * 0.25 * (0.75 + 0.5 + 0.25 + 0.0)
    by_hand = 0.3 * 1.0 + 0.1 * 1.0 + outside + 2 * 1.0 - 0.5 * 1.0
    assert cost(problem, plan) == pytest.approx(by_hand)
    assert plan.objective == pytest.approx(by_hand)
    assert broken(problem, plan) == {}
    assert laws(problem, discharge_w=[40.0, 0, 0, 0])["energy floor"] == (10.0, 0)
    high = dataclasses.replace(low, floor_wh=0.0, ceiling_wh=3000.0, end_floor_wh=0.0)
    above = dataclasses.replace(problem, batteries=(high,))
    by_hand = 0.3 * 0.25 + 0.1 * 1.0 - 0.1 * 0.75 + 2 * 0.25 * (1.0 + 0.75 + 0.5 + 0.25)
    emptied = acting(above, discharge_w=[0.0, 1000.0, 1000.0, 1000.0], charge_w=[0.0, 0, 0, 0])
    by_hand = -0.1 * 0.75 + 0.1 * 0.75 + 2 * 0.25 * (1.0 + 0.75 + 0.5 + 0.25) + 0.5 * (4.0 - 3.0)
    assert cost(above, emptied) == pytest.approx(by_hand)
    assert emptied.objective == pytest.approx(by_hand)
    assert laws(above, charge_w=[0.0, 0.0, 80.0, 0.0])["energy ceiling"] == (20.0, 2)


def test_energy_that_can_wait_is_worth_its_value_and_not_missing() -> None:
    waits = car(0, 4, 3000.0, later_wh=1500.0, later_value_per_kwh=0.4, unmet_price_per_kwh=2.0)
    problem = house(FLAT, 0.0, sessions=(waits,))
    assert cost(problem, acting(problem, session_w=[4140.0, 4140.0, 0, 0])) == pytest.approx(2.07 * 0.3 - 0.57 * 0.4)
    assert cost(problem, acting(problem, session_w=[4140.0, 0, 0, 0])) == pytest.approx(1.035 * 0.3 + 0.465 * 2)
    patient = dataclasses.replace(problem, sessions=(dataclasses.replace(waits, later_wh=3000.0),))
    assert cost(patient, acting(patient)) == 0.0


def test_comfort_costs_its_price_on_both_sides_and_at_the_end() -> None:
    """A house without losses to speak of: 1.5 K too cold, then 0.5 K too warm, for an hour each at 2 per K h."""
    still = {"loss_w_per_k": 1e-6, "outside_price_per_kh": 2.0}
    cold = house(FLAT, 0.0, heat_pumps=(heat_pump(4, 0.0, 18.5, end_floor_c=19.0, end_value_per_k=0.3, **still),))
    by_hand = 2 * 1.5 + 2 * 0.5 - 0.0
    assert cost(cold, acting(cold)) == pytest.approx(by_hand, abs=1e-5)
    assert acting(cold).objective == pytest.approx(by_hand, abs=1e-5)
    hot = house(FLAT, 0.0, heat_pumps=(heat_pump(4, 0.0, 23.5, end_value_per_k=0.3, **still),))
    by_hand = 2 * 0.5 + 0.3 * 0.5  # a kelvin above the band is worth nothing at the end
    assert cost(hot, acting(hot)) == pytest.approx(by_hand, abs=1e-5)
    assert acting(hot).objective == pytest.approx(by_hand, abs=1e-5)


def test_peaks_and_events_are_part_of_the_money() -> None:
    """2 kW beyond a peak of 1.5 kW so far at 4 per kW; an event pays 0.5 per kWh below 3 kW in two slots."""
    event = DemandEvent("paid", 1, 3, baseline_w=3000.0, price_per_kwh=0.5)
    grid = {"peak_price_per_kw": 4.0, "peak_so_far_w": 1500.0, "events": (event,)}
    problem = house(FLAT, [2000.0, 1000.0, 500.0, 0.0], grid=grid)
    by_hand = 0.3 * 3.5 / 4 + 4 * 0.5 - 0.5 * (2.0 + 2.5) / 4
    plan = acting(problem)
    assert cost(problem, plan) == pytest.approx(by_hand)
    assert sum(told.parts(plan).values()) == pytest.approx(by_hand)
    assert told.parts(plan)["peak"] == pytest.approx(2.0)
    assert told.parts(plan)["events"] == pytest.approx(-0.5625)
    calm = dataclasses.replace(problem, grid=dataclasses.replace(problem.grid, peak_so_far_w=5000.0))
    assert told.parts(acting(calm))["peak"] == 0.0


def both(plan: Plan) -> tuple[float, float]:
    """The objective as reported and as recomputed."""
    return sum(told.parts(plan).values()), cost(plan.problem, plan)


def test_a_site_at_rest_within_all_its_bounds_costs_nothing_of_any_kind() -> None:
    """Every price is set, nothing happens: cells and house are where they are wanted, the car can wait."""
    event = DemandEvent("paid", 1, 3, baseline_w=0.0, price_per_kwh=50.0)
    prices = {"peak_price_per_kw": 40.0, "over_limit_price_per_kwh": 80.0, "events": (event,)}
    still = {"loss_w_per_k": 1e-6, "outside_price_per_kh": 20.0, "end_value_per_k": 3.0, "end_floor_c": 21.0}
    problem = house(
        FLAT,
        0.0,
        grid=prices,
        batteries=(battery(end_floor_wh=5000.0, outside_price_per_kwh=20.0, end_value_per_kwh=5.0, wear_per_kwh=1.0),),
        sessions=(car(0, 4, 3000.0, later_wh=3000.0, later_value_per_kwh=40.0, unmet_price_per_kwh=200.0),),
        heat_pumps=(heat_pump(4, 21.0, 21.0, **still),),
        gensets=(genset(),),
    )
    plan = acting(problem)
    assert told.parts(plan) == {kind: pytest.approx(0.0, abs=1e-6) for kind in told.parts(plan)}
    assert cost(problem, plan) == pytest.approx(0.0, abs=1e-6)


def test_imports_cost_the_buying_and_exports_earn_the_selling_price_of_their_slot() -> None:
    """1 kW in at 1 and at 2, 2 kW out at 0.5, for a quarter of an hour each: 0.25 + 0.5 - 0.25."""
    problem = house([1.0, 2.0, 3.0, 4.0], [1000.0, 1000.0, 0.0, 0.0], 0.5, pv=(roof([0.0, 0.0, 2000.0, 0.0]),))
    plan = acting(problem, pv_w=[0.0, 0.0, 2000.0, 0.0])
    assert told.energy_per_slot(plan) == pytest.approx([0.25, 0.5, -0.25, 0.0])
    assert both(plan) == (pytest.approx(0.5), pytest.approx(0.5))


@pytest.mark.parametrize("load_w", [0.3, 900.0])
def test_what_is_drawn_beyond_the_limit_costs_its_price_down_to_less_than_a_watt(load_w: float) -> None:
    """At 4000 per kWh a watt for an hour is 4."""
    plan = acting(house([0.0] * 4, load_w, 0.0, grid={"import_limit_w": 0.0, "over_limit_price_per_kwh": 4000.0}))
    assert told.over_limits_w(plan) == pytest.approx([load_w] * 4)
    assert both(plan) == (pytest.approx(4 * load_w), pytest.approx(4 * load_w))


def test_a_milliwatt_beyond_the_limit_is_rounding_and_costs_nothing() -> None:
    plan = acting(house([0.0] * 4, 1e-3, 0.0, grid={"import_limit_w": 0.0, "over_limit_price_per_kwh": 1e9}))
    assert told.parts(plan)["over limit"] == 0.0


def test_what_is_given_beyond_the_export_limit_is_beyond_a_limit() -> None:
    """900 W out through 200 W in one slot; in the others nothing is beyond anything."""
    stiff = roof([0.0, 900.0, 0.0, 0.0], curtailable=False)
    problem = house([0.0] * 4, 0.0, 0.0, pv=(stiff,), grid={"export_limit_w": 200.0, "over_limit_price_per_kwh": 8.0})
    plan = acting(problem, pv_w=stiff.available_w)
    assert told.over_limits_w(plan) == pytest.approx([0.0, 700.0, 0.0, 0.0])
    assert both(plan) == (pytest.approx(0.175 * 8), pytest.approx(0.175 * 8))


def test_cells_are_worth_what_is_in_them_at_the_end() -> None:
    """Both ways at 0.1 per kWh: 2 kWh moved. From 5 to 6 and back to 5.5 to 5 kWh; a floor of 5.2 at the end."""
    pack = battery(wear_per_kwh=0.1, end_value_per_kwh=0.5, end_floor_wh=5200.0, outside_price_per_kwh=2.0)
    problem = house([0.0] * 4, 0.0, 0.0, batteries=(pack,))
    plan = acting(problem, charge_w=[4000.0, 0, 0, 0], discharge_w=[0.0, 2000.0, 2000.0, 0])
    assert both(plan) == (pytest.approx(0.1 * 2 + 2 * 0.2), pytest.approx(0.1 * 2 + 2 * 0.2))
    up = acting(problem, charge_w=[0.0, 0.0, 0.0, 4000.0])
    assert both(up) == (pytest.approx(0.1 - 0.5), pytest.approx(0.1 - 0.5))
    assert told.missing_at_end_kwh(pack, np.array([6000.0, 6000.0, 6000.0, 4200.0])) == pytest.approx(1.0)
    assert told.missing_at_end_kwh(pack, np.array([0.0, 0.0, 0.0, 5200.0])) == 0.0


def test_a_house_and_a_tank_are_priced_along_their_paths_and_at_their_ends() -> None:
    """6 kW of heat warm 4 kWh/K by 0.375 K a slot: 19.375, 19.75, 20.125, 20.5, of which two are below 20.

    0.21875 K h at 2, 0.5 K missing to 21 at 2, 1.5 K gained at 0.3. The tank gains 0.5 K of 1 kWh/K at 0.1.
    """
    tight = {"loss_w_per_k": 1e-3, "outside_price_per_kh": 2.0}
    cold = heat_pump(4, 19.0, 19.0, end_floor_c=21.0, end_value_per_k=0.3, **tight)
    tank = HeatStore("tank", 1e-3, 1000.0, np.full(4, 50.0), np.zeros(4), 50.0, 42.0, 56.0, 5.0, end_value_per_k=0.1)
    warm = heat_pump(4, 21.0, 21.0, tank=tank, tank_cop=np.full(4, 2.0), **tight)
    problem = house(FLAT, 0.0, heat_pumps=(cold, dataclasses.replace(warm, key="second")))
    plan = acting(problem, heat_pump_w=[[2000.0] * 4, [1000.0, 0, 0, 0]], tank_w=[1000.0, 0, 0, 0])
    heat = 0.4375 + 1.0 - 0.45 - 0.05
    assert told.parts(plan)["heat"] == pytest.approx(heat, abs=1e-4)
    assert cost(problem, plan) == pytest.approx(heat + 2.25 * 0.3, abs=1e-4)
    store = cold.store
    assert told.outside_kh(store, np.array([19.0, 23.0, 20.0, 25.0])) == pytest.approx(0.25 + 0.5)
    assert told.missing_at_end_k(store, np.array([0.0, 0.0, 0.0, 18.5])) == pytest.approx(2.5)
    assert told.missing_at_end_k(store, np.array([0.0, 0.0, 0.0, 21.0])) == 0.0


def test_an_event_pays_for_what_is_below_its_baseline_and_an_export_is_no_more_than_nothing() -> None:
    """0.5 per kWh below 1 kW in slots 1 and 2: selling 3 kW counts as 0, drawing 1.5 kW reduces nothing."""
    event = DemandEvent("paid", 1, 3, baseline_w=1000.0, price_per_kwh=0.5)
    sun = [0.0, 3000.0, 0.0, 0.0]
    problem = house([0.0] * 4, [0.0, 0.0, 1500.0, 0.0], 0.0, grid={"events": (event,)}, pv=(roof(sun),))
    plan = acting(problem, pv_w=sun)
    assert both(plan) == (pytest.approx(-0.125), pytest.approx(-0.125))


def test_a_peak_below_the_one_so_far_costs_nothing() -> None:
    grid = {"peak_price_per_kw": 4.0, "peak_so_far_w": 2000.0}
    calm, high = house([0.0] * 4, 1999.0, 0.0, grid=grid), house([0.0] * 4, [0.0, 3000.0, 0, 0], 0.0, grid=grid)
    assert both(acting(calm)) == (0.0, 0.0)
    assert both(acting(high)) == (pytest.approx(4.0), pytest.approx(4.0))


def test_a_set_is_paid_for_its_starts_its_hours_and_its_energy() -> None:
    """Turning already: one start of two counts. Three slots at 0.2 an hour, 2 kW for half an hour at 0.35."""
    problem = house([0.0] * 4, 2000.0, 0.0, gensets=(genset(was_on=True), genset(key="other")))
    on, power = [[1.0, 0.0, 1.0, 1.0], [0.0] * 4], [[2000.0, 0.0, 0.0, 2000.0], [0.0] * 4]
    plan = acting(problem, genset_on=on, genset_w=power)
    assert told.genset_per_slot(plan)[0] == pytest.approx([0.225, 0.0, 0.55, 0.225])
    assert both(plan) == (pytest.approx(1.0), pytest.approx(1.0))
    cold = house([0.0] * 4, 2000.0, 0.0, gensets=(genset(), genset(key="other")))
    assert both(acting(cold, genset_on=on, genset_w=power)) == (pytest.approx(1.5), pytest.approx(1.5))


def test_a_switch_half_way_is_off_in_the_money() -> None:
    problem = house([0.0] * 4, 0.0, 0.0, gensets=(genset(),))
    assert cost(problem, acting(problem, genset_on=[0.0, 0.5, 0.0, 0.0])) == 0.0


def test_a_car_that_gets_what_is_due_costs_nothing_and_more_is_worth_its_value() -> None:
    """1 kWh of 3 is due: served to the watt-hour, half of it missing at 2, half a kilowatt-hour ahead at 0.4."""
    waits = car(0, 4, 3000.0, later_wh=2000.0, later_value_per_kwh=0.4, unmet_price_per_kwh=2.0, min_w=0.0)
    problem = house([0.0] * 4, 0.0, 0.0, sessions=(waits,))
    for power_w, by_hand in ((1000.0, 0.0), (500.0, 1.0), (1500.0, -0.2)):
        assert both(acting(problem, session_w=[power_w] * 4)) == (pytest.approx(by_hand), pytest.approx(by_hand))
