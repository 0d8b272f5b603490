"""What the second opinion says of plans written down by hand: each law with its amount and slot.

No solver: a plan is its powers.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import Plan, verify
from ems_pipeline.plan.problem import (
    ChargeBand,
    DemandEvent,
    Fuse,
    HeatStore,
    HybridInverter,
    PowerStep,
    Taper,
    Window,
)
from ems_pipeline.plan.result import money as told
from ems_pipeline.plan.result.complete import complete
from ems_pipeline.plan.verifier.money import cost
from ems_pipeline.plan.verifier.resimulate import band_number, cells_wh, still_on
from ems_pipeline_tests.plan.by_hand import FLAT, WIDTHS, acting, broken, laws
from ems_pipeline_tests.plan.small import battery, car, genset, heat_pump, house, machine, roof


def test_a_plan_that_does_nothing_breaks_nothing() -> None:
    assert laws(house(FLAT)) == {}


@pytest.mark.parametrize(("extra_w", "is_told"), [(0.4, False), (0.6, True), (-0.6, True)])
def test_the_bus_balances_to_half_a_watt(extra_w: float, is_told: bool) -> None:
    plan = acting(house(FLAT))
    grid_w = plan.grid_w + np.array([0.0, extra_w, 0.0, 0.0])
    wrong = broken(plan.problem, dataclasses.replace(plan, grid_w=grid_w))
    assert wrong.get("balance") == ((abs(extra_w), 1) if is_told else None)


def test_money_is_compared_to_a_hundred_thousandth_and_a_hundredth_of_a_cent() -> None:
    """500 W for an hour at 0.3 is 0.15: 1e-4 and a share of 1e-5 are allowed."""
    plan = acting(house(FLAT))
    assert plan.objective == pytest.approx(0.15)
    for wrong, is_told in ((0.9e-4, False), (1.1e-4, True), (-1.1e-4, True)):
        assert bool(verify(plan.problem, dataclasses.replace(plan, objective=0.15 + wrong))) is is_told
    dear = acting(house([3000.0] * 4))
    for wrong, is_told in ((0.0149, False), (0.0153, True)):  # of 1500
        assert bool(verify(dear.problem, dataclasses.replace(dear, objective=1500.0 + wrong))) is is_told


def test_the_connection_is_exceeded_by_the_bare_load_alone() -> None:
    """Bare: 400 W of 300 W beyond in slot 1. The pump must run through slots 0 and 1: its 800 W count there."""
    load = [0.0, 700.0, 300.0, 300.0]
    grid = {"import_limit_w": 300.0, "over_limit_price_per_kwh": 8.0}
    problem = house(FLAT, load, grid=grid, batteries=(battery(),))
    assert laws(problem) == {}
    assert cost(problem, acting(problem)) == pytest.approx(0.25 * (1.3 * 0.3 + 0.4 * 8))
    assert laws(problem, charge_w=[0.0, 30.0, 0.0, 0.0])["import limit"] == (30.0, 1)
    assert laws(problem, charge_w=[0.0, 0.0, 0.0, 40.0])["import limit"] == (40.0, 3)
    running = heat_pump(4, 10.0, 21.0, was_on=True, state_slots=1, min_run_slots=3)
    heated = dataclasses.replace(problem, heat_pumps=(running,))
    assert "import limit" not in laws(heated, heat_pump_w=[800.0, 800.0, 0.0, 0.0])
    assert laws(heated, heat_pump_w=[800.0, 800.0, 800.0, 0.0])["import limit"] == (800.0, 2)
    event = DemandEvent("firm", 2, 3, limit_w=100.0)
    firm = dataclasses.replace(problem, grid=dataclasses.replace(problem.grid, events=(event,)))
    assert laws(firm) == {}  # its own 200 W beyond it are the bare load's
    assert laws(firm, charge_w=[0.0, 0.0, 5.0, 0.0])["import limit"] == (5.0, 2)


def test_the_export_limit_is_exceeded_by_what_cannot_be_held_back_alone() -> None:
    """900 W of stiff sun less 100 W of load against 500 W; a set that must run on and is warm adds its 1500 W."""
    grid = {"export_limit_w": 500.0, "over_limit_price_per_kwh": 8.0}
    stiff = roof([900.0] * 4, curtailable=False)
    problem = house(FLAT, 100.0, 0.1, grid=grid, pv=(stiff,), batteries=(battery(),))
    sun = [900.0] * 4
    assert laws(problem, pv_w=sun) == {}
    assert cost(problem, acting(problem, pv_w=sun)) == pytest.approx(-0.8 * 0.1 + 0.3 * 8)
    assert laws(problem, pv_w=sun, discharge_w=[0.0, 0.0, 7.0, 0.0])["export limit"] == (7.0, 2)
    turning = genset(was_on=True, state_slots=1, min_run_slots=3, warm_up_slots=2)
    with_set = dataclasses.replace(problem, gensets=(turning,))
    on = [1.0, 1.0, 0.0, 0.0]
    assert laws(with_set, pv_w=sun, genset_on=on, genset_w=[0.0, 1500.0, 0.0, 0.0]) == {}
    more = laws(with_set, pv_w=sun, genset_on=on, genset_w=[0.0, 1520.0, 0.0, 0.0])
    assert more == {"export limit": (20.0, 1)} | {k: more[k] for k in more if k == "objective"}
    warming = laws(with_set, pv_w=sun, genset_on=on, genset_w=[0.0, 1500.0, 0.0, 0.0], discharge_w=[1.0, 0.0, 0.0, 0.0])
    assert warming["export limit"] == (1.0, 0)  # a set that warms up gives nothing, and excuses nothing


def test_sun_is_used_as_far_as_it_shines_and_all_of_it_where_nobody_curtails() -> None:
    problem = house(FLAT, pv=(roof([900.0] * 4), roof([300.0] * 4, curtailable=False, key="stiff")))
    used = [[900.0, 910.0, -10.0, 0.0], [300.0, 300.0, 290.0, 300.0]]
    assert laws(problem, pv_w=used) == {
        "PV available": (10.0, 1), "PV not negative": (10.0, 2), "PV not curtailable": (10.0, 2),
    }  # fmt: skip
    hybrid = HybridInverter("hybrid", 1000.0, ("roof", "stiff"), ())
    behind = dataclasses.replace(problem, inverters=(hybrid,))
    assert laws(behind, pv_w=[[705.0] * 4, [300.0] * 4]) == {"inverter AC limit": (5.0, 0)}
    narrow = dataclasses.replace(problem, inverters=(dataclasses.replace(hybrid, ac_limit_w=250.0),))
    assert laws(narrow, pv_w=[[0.0] * 4, [250.0, 249.9, 240.0, 250.0]]) == {"PV not curtailable": (10.0, 2)}


def test_a_battery_stays_within_its_limits_and_its_window() -> None:
    pack = battery(charge_efficiency=0.8, discharge_efficiency=0.5, floor_wh=4900.0, ceiling_wh=5200.0)
    problem = house(FLAT, batteries=(dataclasses.replace(pack, charge_limit_w=1000.0, discharge_limit_w=90.0),))
    plan = acting(problem, charge_w=[1010.0, 0.0, 0.0, 1000.0], discharge_w=[0.0, 100.0, 0.0, 0.0])
    assert plan.energy_wh[0] == pytest.approx([5202.0, 5152.0, 5152.0, 5352.0])
    assert broken(problem, plan) == {
        "charge limit": (10.0, 0), "discharge limit": (10.0, 1), "energy ceiling": (152.0, 3),
    }  # fmt: skip
    low = acting(problem, discharge_w=[80.0, 80.0, 0.0, -3.0], charge_w=[0.0, 0.0, -5.0, 0.0])
    assert low.energy_wh[0] == pytest.approx([4960.0, 4920.0, 4919.0, 4920.5])
    assert broken(problem, low) == {"charge not negative": (5.0, 2), "discharge not negative": (3.0, 3)}
    both = acting(problem, charge_w=[60.0, 0, 0, 0], discharge_w=[20.0, 0, 0, 0])
    assert broken(problem, both) == {"one direction": (20.0, 0)}
    assert broken(dataclasses.replace(problem, exclusive=False), both) == {}
    lies = dataclasses.replace(plan, energy_wh=plan.energy_wh + 3.0)
    assert broken(problem, lies)["stored energy"] == (3.0, 0)


def test_a_taper_is_read_at_the_energy_before_the_slot_within_the_window() -> None:
    """From 5000 Wh on a watt less per Wh: 1000 W at 5000 Wh, 750 W after a quarter of an hour at 1000 W."""
    pack = battery(initial_wh=5000.0, ceiling_wh=5800.0, tapers=(Taper(5000.0, 1000.0, 1.0),))
    problem = house(FLAT, batteries=(pack,))
    assert laws(problem, charge_w=[1000.0, 750.0, 0.0, 0.0]) == {}
    assert laws(problem, charge_w=[1000.0, 760.0, 0.0, 0.0]) == {"charge taper": (10.0, 1)}
    over = dataclasses.replace(problem, batteries=(dataclasses.replace(pack, initial_wh=6000.0),))
    assert "charge taper" not in laws(over, charge_w=[200.0, 0, 0, 0])
    assert laws(over, charge_w=[210.0, 0, 0, 0])["charge taper"] == (10.0, 0)


def test_efficiencies_by_power_and_by_charge_are_those_of_their_step_and_band() -> None:
    """1.5 kW: 1 kW at 0.8 and 0.5 kW at 0.6; out, 1 kW at 0.5 and 0.5 kW at 0.25. Bands at 4999.5 and at 5000 Wh."""
    stepped = battery(steps=(PowerStep(1000.0, 0.8, 0.5), PowerStep(5000.0, 0.6, 0.25)))
    assert cells_wh(stepped, np.array([1500.0]), np.zeros(1)) == pytest.approx([5000 + 0.25 * (800 + 300)])
    assert cells_wh(stepped, np.zeros(1), np.array([1500.0])) == pytest.approx([5000 - 0.25 * (2000 + 2000)])
    banded = battery(bands=(ChargeBand(5000.0, 0.5, 0.5), ChargeBand(10_000.0, 0.8, 0.25)))
    assert [band_number(banded, wh) for wh in (4999.4, 4999.5, 5000.0, 10_001.0)] == [0, 1, 1, 1]
    assert cells_wh(banded, np.array([1000.0, 0.0]), np.array([0.0, 1000.0])) == pytest.approx([5200.0, 4200.0])


def test_a_car_charges_while_it_is_there_within_its_range_its_wish_and_its_schedule() -> None:
    session = car(1, 4, 3000.0, blocked=(Window(2, 3),), unmet_price_per_kwh=2.0)
    problem = house(FLAT, sessions=(session,))
    plan = acting(problem, session_w=[0.0, 4140.0, 0.0, 4140.0])
    assert broken(problem, plan) == {}
    assert cost(problem, plan) == pytest.approx(0.15 + 2.07 * 0.3 + 2 * 0.93)
    assert laws(problem, session_w=[4140.0, 0, 0, 0])["presence"] == (4140.0, 0)
    assert laws(problem, session_w=[0.0, 0, 4140.0, 0])["scheduled off"] == (4140.0, 2)
    assert "scheduled off" not in laws(problem, session_w=[0.0, 4140.0, 0, 4140.0])
    assert laws(problem, session_w=[0.0, 4100.0, 0, 0])["current range"] == (40.0, 1)
    assert laws(problem, session_w=[0.0, 11_050.0, 0, 0])["current range"] == (10.0, 1)
    assert laws(problem, session_w=[0.0, 11_040.0, 0, 4140.0])["energy wanted"] == (795.0, 0)
    small = dataclasses.replace(problem, sessions=(dataclasses.replace(session, energy_wh=1000.0),))
    assert laws(small, session_w=[0.0, 4140.0, 0, 0]) == {}  # one slot at least power gives 35 Wh more than wanted
    assert laws(small, session_w=[0.0, 4160.0, 0, 0])["energy wanted"] == (5.0, 0)
    long = dataclasses.replace(problem, sessions=(dataclasses.replace(session, min_run_slots=2, blocked=()),))
    assert laws(long, session_w=[0.0, 4140.0, 0, 4140.0])["minimum on time"] == (1.0, 2)
    assert laws(long, session_w=[0.0, 0.0, 0, 4140.0]) == {}  # departure ends it
    unsaid = dataclasses.replace(plan, unmet=())
    assert broken(problem, unsaid) == {"unmet energy as reported": (0.93, 0)}


def test_a_machine_runs_its_profile_once_inside_its_window() -> None:
    """The last begin that fits is slot 2; a run one slot later, or of other powers, is none."""
    run = machine([1000.0, 500.0], 1, 4, skip_price=3.0)
    problem = house(FLAT, 0.0, deferrables=(run,))
    for begin in (1, 2):
        power = np.zeros(4)
        power[begin : begin + 2] = [1000.0, 500.0]
        assert laws(problem, deferrable_w=power) == {}
    for power, amount in (
        ([1000.0, 500.0, 0, 0], 1000.0), ([0.0, 500.0, 1000.0, 0], 500.0), ([0.0, 1000.0, 510.0, 0], 10.0),
        ([0.0, 0.0, 0.0, 1000.0], 1000.0),
    ):  # fmt: skip
        assert laws(problem, deferrable_w=power) == {"runs once in its window": (amount, 0)}
    assert cost(problem, acting(problem)) == pytest.approx(3.0)
    assert cost(problem, acting(problem, deferrable_w=[0.0, 1000.0, 500.0, 0])) == pytest.approx(0.375 * 0.3)
    idle, running = machine([1000.0], 0, 4), machine([700.0], 0, 4, key="dish")
    two = house(FLAT, deferrables=(idle, running))
    assert laws(two, deferrable_w=[[0.0] * 4, [0.0, 690.0, 0.0, 0.0]]) == {"runs once in its window": (10.0, 0)}


def test_a_set_turns_warms_up_and_gives_within_its_limits() -> None:
    unit = genset(min_run_slots=3, min_pause_slots=2, warm_up_slots=1, start_cost=0.5)
    problem = house([0.3] * 6, 4000.0, gensets=(unit,))
    on, power = [0.0, 1.0, 1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1500.0, 4000.0, 0.0, 0.0]
    plan = acting(problem, genset_on=on, genset_w=power)
    assert broken(problem, plan) == {}
    fuel = 0.35 * 5.5 / 4 + 0.2 * 0.75 + 0.5
    assert cost(problem, plan) == pytest.approx((24.0 - 5.5) / 4 * 0.3 + fuel)
    assert float(told.genset_per_slot(plan).sum()) == pytest.approx(fuel)
    assert laws(problem, genset_on=on, genset_w=[0, 0, 1490, 4000, 0, 0]) == {"genset minimum load": (10.0, 2)}
    assert laws(problem, genset_on=on, genset_w=[0, 0, 1500, 4010, 0, 0]) == {"genset maximum load": (10.0, 3)}
    assert laws(problem, genset_on=on, genset_w=[0, 20, 1500, 4000, 0, 0]) == {"genset off or warming up": (20.0, 1)}
    half = laws(problem, genset_on=[0.0, 1.0, 1.0, 0.9, 0, 0], genset_w=power)
    assert half["genset switch"] == (0.1, 3)
    brief = laws(problem, genset_on=[0.0, 1, 1, 0, 0, 0], genset_w=[0, 0, 1500.0, 0, 0, 0])
    assert brief == {"genset minimum run": (1.0, 3)}
    limits = {"run_hours_left": 0.5, "starts_per_day": 1, "starts_before": 1, "blocked": (Window(3, 4),)}
    tired = dataclasses.replace(problem, gensets=(dataclasses.replace(unit, **limits),), day_breaks=(3,))
    assert laws(tired, genset_on=on, genset_w=power) == {
        "genset run hours": (0.25, 0), "genset starts per day": (1.0, 0), "genset quiet hours": (1.0, 3),
    }  # fmt: skip
    restless = laws(problem, genset_on=[1.0, 1, 1, 0, 1, 1], genset_w=[0, 1500.0, 1500, 0, 0, 1500])
    assert restless == {"genset minimum pause": (1.0, 4)}


@pytest.mark.parametrize(
    ("unit", "slots"),
    [
        (genset(was_on=True, state_slots=1, min_run_slots=4), 3),
        (genset(was_on=True, state_slots=4, min_run_slots=4), 0),
        (genset(was_on=True, state_slots=None, min_run_slots=4), 0),
        (genset(was_on=False, state_slots=1, min_run_slots=4), 0),
        (genset(was_on=True, state_slots=0, min_run_slots=4, run_hours_left=0.5), 2),
        (genset(was_on=True, state_slots=0, min_run_slots=4, blocked=(Window(1, 2),)), 1),
        (heat_pump(4, was_on=True, state_slots=1, min_run_slots=3), 2),
        (heat_pump(4, was_on=True, state_slots=1, min_run_slots=3, min_w=1.0), 2),
        (heat_pump(4, was_on=True, state_slots=1, min_run_slots=3, min_w=0.0), 0),
        (heat_pump(4, was_on=None, state_slots=1, min_run_slots=3), 0),
    ],
)
def test_what_was_switched_lately_owes_the_rest_of_its_run(unit: Any, slots: int) -> None:
    assert still_on(unit) == slots


def test_a_heat_pump_heats_one_store_within_its_range_and_stays_as_it_is_switched() -> None:
    tank = HeatStore("tank", 3.0, 230.0, np.full(4, 20.0), np.zeros(4), 50.0, 42.0, 56.0, 5.0)
    unit = heat_pump(
        4, 10.0, 21.0, tank=tank, tank_cop=np.full(4, 2.0), min_run_slots=2, min_pause_slots=2, was_on=False
    )
    problem = house(FLAT, heat_pumps=(unit,))
    assert laws(problem, heat_pump_w=[800.0, 800.0, 0, 0], tank_w=[0.0, 800.0, 0, 0]) == {}
    assert laws(problem, heat_pump_w=[790.0, 800.0, 0, 0]) == {"power range": (10.0, 0)}
    assert laws(problem, heat_pump_w=[900.0, 900.0, 0, 0], tank_w=[0.0, 20.0, 0, 0]) == {"house or tank": (20.0, 1)}
    assert laws(problem, heat_pump_w=[900.0, 900.0, 0, 0], tank_w=[0.0, 910.0, 0, 0]) == {"tank power": (10.0, 1)}
    assert laws(problem, heat_pump_w=[900.0, 900.0, 0, 0], tank_w=[0.0, -10.0, 0, 0]) == {"tank power": (10.0, 1)}
    assert laws(problem, heat_pump_w=[800.0, 0, 0, 800.0]) == {"minimum run": (1.0, 1)}
    assert laws(problem, heat_pump_w=[800.0, 800.0, 0, 800.0]) == {"minimum pause": (1.0, 3)}
    plan = acting(problem)
    warm = dataclasses.replace(plan, tank_c=plan.tank_c + np.array([0.0, 0.0, 0.01, 0.0]))
    assert broken(problem, warm) == {"temperature": (0.01, 2)}


def test_a_plan_of_another_shape_is_refused_before_anything_else() -> None:
    plan = acting(house(FLAT, batteries=(battery(),)))
    assert set(broken(plan.problem, dataclasses.replace(plan, charge_w=np.zeros((1, 3))))) == {"shape"}
    holed = dataclasses.replace(plan, grid_w=np.array([np.nan, 500.0, np.inf, 500.0]))
    assert broken(plan.problem, holed) == {"finite numbers": (2.0, 0)}


def test_what_passes_an_inverter_is_sun_and_its_own_batteries_both_ways() -> None:
    hybrid = HybridInverter("hybrid", 900.0, ("roof",), ("pack",))
    packs = (battery(), battery("other"))
    problem = house(FLAT, 3000.0, pv=(roof([1000.0] * 4),), batteries=packs, inverters=(hybrid,))
    idle = [0.0] * 4
    assert laws(problem, discharge_w=[[600.0] * 4, [1500.0] * 4], pv_w=[300.0] * 4) == {}
    assert laws(problem, discharge_w=[[600.0] * 4, idle], pv_w=[0, 0, 310.0, 0]) == {"inverter AC limit": (10.0, 2)}
    assert laws(problem, charge_w=[[1000.0] * 4, [1500.0] * 4], pv_w=[100.0] * 4) == {}
    assert laws(problem, charge_w=[[1000.0] * 4, idle], pv_w=[100.0, 90.0, 100.0, 100.0]) == {
        "inverter AC limit": (10.0, 1)
    }


def test_chargers_take_one_car_and_fuses_the_sum_of_theirs() -> None:
    three = tuple(car(0, 4, 9000.0, key=key, min_w=0.0) for key in ("a", "b", "c"))
    elsewhere = car(0, 4, 9000.0, key="d", charger="second", min_w=0.0)
    fuse = Fuse("garage", 7000.0, ("second",))
    problem = house(FLAT, sessions=(*three, elsewhere), fuses=(fuse,))
    turns = [[4000.0, 0, 0, 0], [0, 4000.0, 0, 0], [0, 0, 4000.0, 0], [7000.0, 0, 0, 0]]
    assert laws(problem, session_w=turns) == {}
    twice = [[4000.0, 0, 0, 0], [0, 4000.0, 0, 30.0], [0, 0, 0, 20.0], [0.0] * 4]
    assert laws(problem, session_w=twice) == {"one car at a charger": (20.0, 3)}
    assert laws(problem, session_w=[*turns[:3], [0, 7010.0, 0, 0]]) == {"shared fuse": (10.0, 1)}
    brief = dataclasses.replace(problem, sessions=(dataclasses.replace(elsewhere, min_run_slots=3),), fuses=())
    assert laws(brief, session_w=[0.0, 4000.0, 0.0, 0.0]) == {}  # without a least power there is no on and off


def test_a_machine_is_in_one_of_its_runs_at_a_time() -> None:
    runs = (machine([1000.0, 0.0], 0, 4), machine([1000.0], 0, 4), machine([1000.0], 0, 4, key="dish"))
    problem = house(FLAT, deferrables=runs)
    apart = [[1000.0, 0, 0, 0], [0, 0, 1000.0, 0], [1000.0, 0, 0, 0]]
    assert laws(problem, deferrable_w=apart) == {}
    within = [[1000.0, 0, 0, 0], [0, 1000.0, 0, 0], [0.0] * 4]
    assert laws(problem, deferrable_w=within) == {"one run at a time": (1.0, 1)}


def test_starts_made_before_count_no_more_than_are_allowed() -> None:
    often = genset(starts_per_day=1, starts_before=3)
    problem = house(FLAT, 4000.0, gensets=(often,))
    assert laws(problem) == {}
    assert laws(problem, genset_on=[0, 1.0, 1.0, 0], genset_w=[0, 1500.0, 1500, 0]) == {
        "genset starts per day": (1.0, 0)
    }


def test_wishes_claimed_for_a_car_are_those_that_cannot_wait() -> None:
    waits = car(0, 4, 3000.0, later_wh=1000.0)
    plan = acting(house(FLAT, sessions=(waits,)))
    assert [item.amount for item in plan.unmet] == pytest.approx([2.0])
    assert broken(plan.problem, plan) == {}
    assert broken(plan.problem, dataclasses.replace(plan, unmet=()))["unmet energy as reported"] == (2.0, 0)
    served = acting(house(FLAT, sessions=(waits,)), session_w=[8000.0, 4140.0, 0, 0])
    assert broken(served.problem, served) == {"energy wanted": (35.0, 0)}


def test_a_plan_may_leave_out_devices_it_has_none_of() -> None:
    problem = house(FLAT)
    bare = complete(Plan(problem, "feasible", **{name: np.zeros((0, 4)) for name in (*WIDTHS, "tank_w")}))
    without = dataclasses.replace(bare, session_w=np.zeros((0, 0)), tank_c=np.zeros((0, 0)))
    assert broken(problem, without) == {}
    assert set(broken(problem, dataclasses.replace(bare, grid_w=np.zeros(0)))) == {"shape"}
    assert set(broken(problem, dataclasses.replace(bare, charge_w=np.zeros((1, 4))))) == {"shape"}
    assert [(v.law, v.slot, v.amount) for v in verify(problem, Plan(problem, "failed"))] == [("plan", 0, 1.0)]
    free = acting(house([0.0] * 4))
    assert broken(free.problem, dataclasses.replace(free, objective=None)) == {}
