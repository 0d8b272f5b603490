"""An exemption is never wider than its cause: what is already lost excuses nothing beyond itself. Money by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ems_pipeline.plan import Plan, Problem, verify
from ems_pipeline.plan.problem import DemandEvent, HeatStore, HybridInverter, Taper, Window
from ems_pipeline.plan.result.complete import complete
from ems_pipeline_tests.plan.small import battery, car, genset, heat_pump, house, machine, planned, roof


def laws(problem: Problem, plan: Plan) -> set[str]:
    return {violation.law for violation in verify(problem, plan)}


def test_a_connection_exceeded_by_the_bare_load_is_exceeded_by_no_more() -> None:
    """9250 W on 9200 W for an hour: 0.05 kWh beyond it and nothing for the car, though its energy is worth 20."""
    grid = {"import_limit_w": 9200.0, "over_limit_price_per_kwh": 10.0}
    problem = house([0.1] * 4, 9250.0, grid=grid, sessions=(car(0, 4, 11_000.0),))
    plan = planned(problem)
    assert plan.grid_w == pytest.approx([9250.0] * 4)
    assert plan.objective == pytest.approx(9.25 * 0.1 + 0.05 * 10 + 11 * 20)
    assert {str(item) for item in plan.unmet} == {
        "box@0: energy missing at departure 11 kWh", "grid: beyond the grid limit 0.05 kWh",
    }  # fmt: skip


@pytest.mark.parametrize("more_w", [10.0, 4140.0])
def test_the_verifier_refuses_more_than_the_bare_excess(more_w: float) -> None:
    grid = {"import_limit_w": 9200.0, "export_limit_w": 300.0, "over_limit_price_per_kwh": 10.0}
    drawn = house([0.1] * 4, 9250.0, grid=grid, batteries=(battery(),))
    plan = planned(drawn)
    charging = dataclasses.replace(plan, charge_w=plan.charge_w * 0 + more_w, discharge_w=plan.discharge_w * 0)
    assert "import limit" in laws(drawn, complete(charging))
    given = house([0.1] * 4, 0.0, grid=grid, batteries=(battery(),), pv=(roof([800.0] * 4, curtailable=False),))
    plan = planned(given)
    selling = dataclasses.replace(plan, discharge_w=plan.charge_w * 0 + more_w, charge_w=plan.charge_w * 0)
    assert "export limit" in laws(given, complete(selling))


def test_an_export_limit_exceeded_by_stiff_pv_is_exceeded_by_no_more() -> None:
    """Selling at 0.5 would pay for the cells, too; 500 W are beyond the limit already."""
    grid = {"export_limit_w": 300.0, "over_limit_price_per_kwh": 0.1}
    stiff = roof([800.0] * 4, curtailable=False)
    problem = house([0.6] * 4, 0.0, 0.5, grid=grid, pv=(stiff,), batteries=(battery(charge_limit_w=100.0),))
    assert planned(problem).grid_w == pytest.approx([-800.0] * 4)


def test_an_event_does_not_pay_for_less_than_what_is_drawn_beyond_the_limit() -> None:
    """9 kW through a limit of 3 kW are no reduction below a baseline of 5 kW."""
    paid = DemandEvent("paid", 0, 4, baseline_w=5000.0, price_per_kwh=1.0)
    grid = {"import_limit_w": 3000.0, "over_limit_price_per_kwh": 10.0, "events": (paid,)}
    plan = planned(house([0.1] * 4, 9000.0, grid=grid))
    assert plan.objective == pytest.approx(9 * 0.1 + 6 * 10)


def test_what_exceeds_a_limit_is_not_sold_at_the_same_time() -> None:
    """Selling at 5 is dearer than buying beyond the limit at 0.1 + 1; the meter has one direction all the same."""
    grid = {"import_limit_w": 3000.0, "over_limit_price_per_kwh": 1.0}
    plan = planned(house([0.1] * 4, 9000.0, 5.0, grid=grid))
    assert plan.objective == pytest.approx(9 * 0.1 + 6 * 1)


def test_load_beyond_the_connection_is_planned_where_the_sun_cannot_pass_its_inverter() -> None:
    """12 kW of load, 9 kW of connection, 5 kW of sun of which 2 pass: 1 kW is beyond the limit, nobody's fault."""
    hybrid = HybridInverter("hybrid", 2000.0, ("roof",), ())
    grid = {"import_limit_w": 9000.0, "over_limit_price_per_kwh": 10.0}
    plan = planned(house([0.1] * 4, 12_000.0, grid=grid, pv=(roof([5000.0] * 4),), inverters=(hybrid,)))
    assert plan.grid_w == pytest.approx([10_000.0] * 4)
    assert plan.objective == pytest.approx(10 * 0.1 + 1 * 10)


def test_an_inverter_clips_what_nobody_can_curtail() -> None:
    """5 kW of sun that cannot be curtailed behind 2 kW of inverter, the battery full: 2 kW arrive."""
    hybrid = HybridInverter("hybrid", 2000.0, ("roof",), ("pack",))
    stiff = roof([5000.0] * 4, curtailable=False)
    full = battery(initial_wh=10_000.0)
    problem = house([0.3] * 4, 0.0, grid={}, pv=(stiff,), inverters=(hybrid,), batteries=(full,))
    plan = planned(problem)
    assert plan.pv_w[0] == pytest.approx([2000.0] * 4)
    less = dataclasses.replace(plan, pv_w=plan.pv_w - 20.0)
    assert "PV not curtailable" in laws(problem, complete(less))


def test_a_set_does_not_start_in_the_last_slots_to_save_fuel_it_never_burns() -> None:
    """Warm after two slots, it could not carry load before the end: 5 kW for an hour at 3 is all there is."""
    diesel = genset(min_w=20_000.0, max_w=60_000.0, fuel_per_kwh=8.0, idle_fuel_per_h=30.0, start_cost=20.0,
                    min_run_slots=4, min_pause_slots=4, warm_up_slots=2)  # fmt: skip
    plan = planned(house([3.0] * 4, 5000.0, 1.0, grid={"import_limit_w": 80_000.0}, gensets=(diesel,)))
    assert plan.objective == pytest.approx(15.0)
    assert not plan.genset_on.any()


def test_a_set_stopped_while_it_warms_up_may_start_again() -> None:
    """On since now with three slots of warm-up, locked out in slot 1, dear hours at the end: it starts in slot 2."""
    diesel = genset(warm_up_slots=3, was_on=True, state_slots=0, blocked=(Window(1, 2),), start_cost=0.0)
    plan = planned(house([0.1] * 5 + [5.0] * 3, 4000.0, 0.0, gensets=(diesel,)))
    assert plan.genset_w[0] == pytest.approx([0.0] * 5 + [4000.0] * 3)
    # Turning in slot 0 and from slot 2 on: seven slots at 0.05, 3 kWh at 0.35, and 5 kWh bought at 0.10.
    assert plan.objective == pytest.approx(7 * 0.05 + 3 * 0.35 + 5 * 0.1)


def test_a_set_that_warms_up_and_owes_nothing_may_stop() -> None:
    """One slot of minimum run is over; two more of warm-up would only burn fuel."""
    diesel = genset(warm_up_slots=3, was_on=True, state_slots=1)
    assert not planned(house([0.1] * 4, 4000.0, 0.0, gensets=(diesel,))).genset_on.any()


def test_a_missed_end_floor_costs_its_price_also_below_the_floor() -> None:
    """1 kWh of 3: two more at 0.60 are cheaper than 1.00 each for missing them. 0.5 kWh of load besides."""
    low = battery(floor_wh=2000.0, initial_wh=1000.0, end_floor_wh=3000.0, outside_price_per_kwh=1.0)
    problem = house([0.6] * 4, 500.0, 0.0, batteries=(low,))
    plan = planned(problem)
    assert plan.objective == pytest.approx(1.5, abs=1e-5)
    assert plan.unmet == ()


def test_a_missed_end_floor_is_named_with_its_amount() -> None:
    """Nothing can be charged: 2 kWh missing at 1.00, and the hour below the floor of 2 kWh besides."""
    stuck = battery(floor_wh=2000.0, initial_wh=1000.0, end_floor_wh=3000.0, outside_price_per_kwh=1.0,
                    charge_limit_w=0.0, discharge_limit_w=0.0)  # fmt: skip
    plan = planned(house([0.6] * 4, 500.0, 0.0, batteries=(stuck,)))
    assert plan.objective == pytest.approx(0.5 * 0.6 + 2.0 + 1.0)
    assert [str(item) for item in plan.unmet] == [
        "pack: below its reserve 1 h",
        "pack: energy missing at the end 2 kWh",
    ]


def test_a_house_too_cold_for_its_end_pays_every_kelvin_and_is_named() -> None:
    """Off for want of a connection: it ends at 18 exp(-180 / 4000) + 10 (1 - ...), and 21 was wanted."""
    cold = heat_pump(4, 10.0, 18.0, end_floor_c=21.0, outside_price_per_kh=1.0)
    problem = house([0.3] * 4, 1000.0, grid={"import_limit_w": 1000.0}, heat_pumps=(cold,))
    plan = planned(problem)
    path = 10 + 8 * np.exp(-0.25 * 180 / 4000 * np.arange(1, 5))
    assert plan.objective == pytest.approx(0.3 + 0.25 * (20 - path).sum() + 21 - path[-1])
    assert f"house: colder at the end than wanted by {21 - path[-1]:.4g} K" in {str(item) for item in plan.unmet}


def test_a_battery_above_its_ceiling_tapers_like_a_full_one() -> None:
    """2 kW nobody can curtail, 1 kW may be sold, the battery above its ceiling takes 200 W: 0.8 kW beyond the limit.

    Half an hour of that at 50 per kWh, though telling the taper of an emptier battery would cost only 0.1 per kWh.
    """
    taper = Taper(5000.0, 5000.0, 1.2)
    above = battery(ceiling_wh=9000.0, initial_wh=9800.0, tapers=(taper,), outside_price_per_kwh=0.1,
                    discharge_limit_w=1000.0, end_value_per_kwh=0.0)  # fmt: skip
    stiff = roof([0.0, 0.0, 2000.0, 2000.0], curtailable=False)
    grid = {"export_limit_w": 1000.0, "over_limit_price_per_kwh": 50.0}
    problem = house([0.3] * 4, [1000.0, 1000.0, 0.0, 0.0], 0.0, grid=grid, pv=(stiff,), batteries=(above,))
    plan = planned(problem)
    assert plan.charge_w[0] == pytest.approx([0.0, 0.0, 200.0, 200.0], abs=0.1)
    assert plan.grid_w == pytest.approx([0.0, 0.0, -1800.0, -1800.0], abs=0.1)


def test_a_car_that_leaves_is_served_before_comfort_where_it_is_dearer() -> None:
    """0.7 kW of load and a car behind 4 kW: the house may cool at 5 per K h, the car's energy is worth 20 per kWh.

    By hand: 3.3 kWh for the car in four slots leave nothing for the pump; after them it runs to the end.
    """
    pump = heat_pump(8, 0.0, 19.6, min_run_slots=2)
    grid = {"import_limit_w": 4000.0}
    leaving = car(0, 4, 3300.0, min_w=1380.0, max_w=3680.0, phases=1)
    problem = house([0.25] * 8, 700.0, 0.05, grid=grid, heat_pumps=(pump,), sessions=(leaving,))
    plan = planned(problem)
    assert plan.objective == pytest.approx(10.2683, abs=1e-3)
    assert "energy missing at departure" not in {item.what for item in plan.unmet}
    tiny = dataclasses.replace(problem.grid, peak_price_per_kw=1e-9)
    assert planned(dataclasses.replace(problem, grid=tiny)).objective == pytest.approx(plan.objective, abs=1e-6)


def test_a_house_is_heated_beyond_its_band_where_that_is_paid_for() -> None:
    """At -1 per kWh a warmer house costs 0.01 per K h: warmer is priced like colder, not forbidden."""
    pump = heat_pump(4, 10.0, 22.9, outside_price_per_kh=0.01)
    plan = planned(house([-1.0] * 4, 0.0, -1.0, grid={"export_limit_w": 0.0}, heat_pumps=(pump,)))
    assert plan.heat_pump_w[0] == pytest.approx([2200.0] * 4)


def test_a_pump_without_a_least_power_heats_house_or_tank_never_both() -> None:
    tank = HeatStore("tank", 3.0, 230.0, np.full(4, 20.0), np.full(4, -500.0), 42.0, 42.0, 56.0, 5.0)
    pump = heat_pump(4, -5.0, 20.0, min_w=0.0, tank=tank, tank_cop=np.full(4, 2.0))
    problem = house([0.3] * 4, heat_pumps=(pump,))
    plan = planned(problem)
    house_w = plan.heat_pump_w[0] - plan.tank_w[0]
    assert np.minimum(house_w, plan.tank_w[0]).max() == 0.0
    shared = dataclasses.replace(plan, heat_pump_w=plan.heat_pump_w * 0 + 2000.0, tank_w=plan.tank_w * 0 + 1000.0)
    assert "house or tank" in laws(problem, complete(shared))


def test_energy_ahead_is_not_claimed_while_energy_is_missing() -> None:
    """What can wait is worth 0.5, what is missing costs 0.1: nobody earns the difference by naming both."""
    waiting = car(0, 4, 8000.0, later_wh=4000.0, later_value_per_kwh=0.5, unmet_price_per_kwh=0.1)
    plan = planned(house([0.3] * 4, 500.0, sessions=(waiting,)))
    # All 8 kWh at 0.3, of which 4 are worth 0.5 later; or none, at 0.1 for each of the 4 kWh due.
    assert plan.objective == pytest.approx(0.5 * 0.3 + min(8 * 0.3 - 4 * 0.5, 4 * 0.1))


def test_two_runs_of_one_machine_never_overlap() -> None:
    """Two runs of an hour, five slots: one of them stays out."""
    runs = (machine([1000.0] * 4, 0, 5), machine([1000.0] * 4, 0, 5, skip_price=50.0))
    problem = house([0.3] * 5, deferrables=runs)
    plan = planned(problem)
    assert (plan.deferrable_w.sum(axis=0) <= 1000.0).all()
    assert [item.what for item in plan.unmet] == ["not run"]
    both = dataclasses.replace(plan, deferrable_w=np.array([[1000.0] * 4 + [0.0], [0.0] + [1000.0] * 4]))
    assert "one run at a time" in laws(problem, complete(both))
