"""A site and its inputs become slots, energies and prices as computed by hand."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ems_pipeline.plan import EvSession, GridEvent, InputsInvalid, assemble, device_rows, solve, verify
from ems_pipeline.plan.wording.modes import device_decisions
from ems_pipeline.sites import (
    ChargeTaper,
    DailyWindow,
    DeferrableLoad,
    EfficiencyStep,
    FuseGroup,
    Genset,
    HotWater,
    HybridInverter,
    Schedule,
    Site,
)
from ems_pipeline.sites.tariff import CapacityCharge, Tariff
from ems_pipeline_tests.plan.conftest import START


def with_capacity(tariff: Tariff, **terms: float) -> Tariff:
    """The contract with a charge on the month's peak."""
    periods = tuple(p.model_copy(update={"capacity": CapacityCharge(**terms)}) for p in tariff.periods)
    return tariff.model_copy(update={"periods": periods})


@pytest.fixture(scope="module")
def farm(home: Site) -> Site:
    """The demo site with everything a site file may name."""
    battery = home.batteries[0].model_copy(
        update={
            "efficiency_steps": (
                EfficiencyStep(upto_w=1000, charge_efficiency=0.85, discharge_efficiency=0.85),
                EfficiencyStep(upto_w=8000, charge_efficiency=0.97, discharge_efficiency=0.97),
            ),
            "taper": ChargeTaper(from_soc_pct=80, full_limit_w=1000),
        }
    )
    pump = home.heat_pumps[0].model_copy(update={"hot_water": HotWater(key="tank", volume_l=200)})
    night = DailyWindow(start="22:00", end="06:00")
    return home.model_copy(
        update={
            "batteries": (battery,),
            "heat_pumps": (pump,),
            "tariff": with_capacity(home.tariff, price_per_kw_month=200.0, floor_kw=3.0),
            "gensets": (
                Genset(key="diesel", min_power_w=2000, max_power_w=8000, start_cost=20, fuel_per_kwh=9,
                       idle_fuel_per_h=15, warm_up_minutes=15, max_starts_per_day=2, run_hours_left=10,
                       quiet_hours=(night,)),
            ),
            "deferrables": (
                DeferrableLoad(key="washing", power_w=2000, run_minutes=90,
                               window=DailyWindow(start="14:00", end="20:00")),
            ),
            "fuses": (FuseGroup(key="garage", limit_w=11_100, chargers=("car-1", "car-2")),),
            "inverters": (
                HybridInverter(key="hybrid", ac_limit_w=12_000, pv=("roof-south", "roof-west"), batteries=("pack",)),
            ),
        }
    )  # fmt: skip


def with_tank(inputs, **changes):
    state = dataclasses.replace(inputs.state, tank_c={"heating": 50.0})
    return dataclasses.replace(inputs, state=state, **changes)


def test_local_windows_become_slots_and_days_break_at_local_midnight(farm: Site, day_inputs) -> None:
    problem = assemble(farm, with_tank(day_inputs(36.0)))
    # 12:00 UTC on 24 March 2026 is 13:00 in Prague: 11 h to midnight, 22:00 is slot 36, 06:00 slot 68.
    assert problem.day_breaks == (44, 140)
    assert [(w.first, w.end) for w in problem.gensets[0].blocked] == [(36, 68), (132, 144)]
    assert [(d.first, d.end) for d in problem.deferrables] == [(4, 28), (100, 124)]
    assert problem.deferrables[0].profile_w.tolist() == [2000.0] * 6


def test_a_taper_is_the_line_from_the_limit_to_the_ceiling(farm: Site, day_inputs) -> None:
    (taper,) = assemble(farm, with_tank(day_inputs(24.0))).batteries[0].tapers
    assert taper.from_wh == 12_000
    assert taper.limit_w - taper.slope_w_per_wh * 3000 == pytest.approx(1000)


def test_everything_at_once_is_planned_and_verified(farm: Site, day_inputs) -> None:
    event = GridEvent("curtail", START + timedelta(hours=6), START + timedelta(hours=7), limit_w=2000.0)
    problem = assemble(farm, with_tank(day_inputs(10.0), events=(event,)))
    plan = solve(problem, time_limit_s=3)
    assert plan.status in ("optimal", "feasible")
    assert [str(v) for v in verify(problem, plan)] == []
    assert plan.grid_w[24:28].max() <= 2000.0 + 0.5
    assert device_rows(plan)["kind"].unique().sort().to_list() == [
        "battery", "charger", "deferrable", "genset", "heat-pump", "pv",
    ]  # fmt: skip


def test_a_car_that_tells_its_charge_gets_the_energy_from_the_wall(home: Site, day_inputs) -> None:
    inputs = day_inputs(24.0)
    session = EvSession("car-1", START, START + timedelta(hours=6), 0.0, soc_pct=40.0, wanted_soc_pct=70.0)
    (found,) = assemble(home, dataclasses.replace(inputs, sessions=(session,))).sessions
    assert found.energy_wh == pytest.approx(0.3 * 60_000 / 0.9)


def test_a_car_charges_around_the_hours_in_which_a_schedule_keeps_its_charger_off(home: Site, day_inputs) -> None:
    inputs = day_inputs(24)
    before = solve(assemble(home, inputs))
    number = next(i for i, car in enumerate(before.problem.sessions) if car.charger == "car-1")
    (used,) = np.nonzero(before.session_w[number])
    first, end = (inputs.starts[t].astimezone(ZoneInfo(home.timezone)) for t in (used[0], used[0] + 4))
    off = Schedule(key="off", asset="car-1", mode="off", start=first.time(), end=end.time())
    problem = assemble(home.model_copy(update={"schedules": (off,)}), inputs)
    assert [(w.first, w.end) for w in problem.sessions[number].blocked] == [
        (used[0] + i, used[0] + i + 1) for i in range(4)
    ]
    plan = solve(problem)
    assert verify(problem, plan) == []
    assert not plan.session_w[number, used[0] : used[0] + 4].any()
    assert plan.session_w[number].sum() == pytest.approx(before.session_w[number].sum(), rel=0.02), "later instead"
    reasons = {d.slot: d.reason for d in device_decisions(plan) if d.key == "car-1"}
    assert reasons[used[0]] == "A schedule keeps the charger off."
    assert "scheduled off" in {v.law for v in verify(problem, dataclasses.replace(plan, session_w=before.session_w))}


def test_what_can_be_charged_after_the_horizon_is_not_demanded_within_it(home: Site, day_inputs) -> None:
    inputs = day_inputs(24.0)
    leaves = START + timedelta(hours=25)
    session = EvSession("car-1", START + timedelta(hours=22), leaves, 15_000.0)
    (found,) = assemble(home, dataclasses.replace(inputs, sessions=(session,))).sessions
    assert (found.first, found.end) == (88, 96)
    assert found.later_wh == pytest.approx(4 * 3 * 230 * 16 / 4)


def test_a_missing_state_or_a_gap_is_refused_by_name(home: Site, day_inputs) -> None:
    inputs = day_inputs(24.0)
    with pytest.raises(InputsInvalid, match="soc_pct has no 'pack'"):
        assemble(home, dataclasses.replace(inputs, state=dataclasses.replace(inputs.state, soc_pct={})))
    load_w = inputs.load_w.copy()
    load_w[3] = np.nan
    with pytest.raises(InputsInvalid, match="load_w has 95 of 96 slots"):
        assemble(home, dataclasses.replace(inputs, load_w=load_w))


def test_cells_are_worth_the_price_of_dear_slots_and_cars_that_of_a_typical_one(home: Site, day_inputs) -> None:
    """Half of the slots lack energy: at 4.00, a tenth of them at 6.00; in the others a kWh fetches 1.00."""
    inputs = day_inputs(24.0)
    lacks = np.arange(96) % 2 == 0
    buy = np.where(np.arange(96) >= 86, 6.0, 4.0)
    changed = dataclasses.replace(
        inputs, buy_per_kwh=buy, sell_per_kwh=np.full(96, 1.0), load_w=np.where(lacks, 30e3, 0.0) + 1.0,
        pv_w={key: np.where(lacks, 0.0, 100.0) for key in inputs.pv_w},
    )  # fmt: skip
    leaves_later = EvSession("car-1", START + timedelta(hours=22), START + timedelta(hours=25), 15_000.0)
    problem = assemble(home, dataclasses.replace(changed, sessions=(leaves_later,)))
    # Five of 48 lacking slots are dear: more than a tenth. Out of the cells comes 0.96, less wear of 0.35 per kWh.
    assert problem.batteries[0].end_value_per_kwh == pytest.approx((6.0 - 0.35) * 0.96)
    assert problem.sessions[0].later_value_per_kwh == pytest.approx((4.0 + 1.0) / 2)


def test_a_forecast_of_nothing_but_surplus_does_not_make_stored_energy_worthless(home: Site, day_inputs) -> None:
    inputs = day_inputs(24.0)
    sunny = dataclasses.replace(inputs, load_w=np.full(96, 1.0), pv_w={key: np.full(96, 900.0) for key in inputs.pv_w})
    flat = dataclasses.replace(sunny, buy_per_kwh=np.full(96, 4.0), sell_per_kwh=np.full(96, 1.0))
    assert assemble(home, flat).batteries[0].end_value_per_kwh == pytest.approx((4.0 - 0.35) * 0.96)


def test_a_car_that_leaves_within_the_quarter_hour_is_named_with_what_it_misses(home: Site, day_inputs) -> None:
    leaving = EvSession("car-1", START - timedelta(hours=3), START + timedelta(minutes=10), 5_000.0)
    gone = EvSession("car-2", START - timedelta(hours=3), START, 5_000.0)
    later = EvSession("car-2", START + timedelta(hours=30), START + timedelta(hours=31), 5_000.0)
    problem = assemble(home, dataclasses.replace(day_inputs(24.0), sessions=(leaving, gone, later)))
    assert problem.sessions == ()
    named = [str(item) for item in solve(problem, stage2=False, gap=0.05).unmet if item.key.startswith("car")]
    assert named == ["car-1: energy missing at departure, no whole quarter-hour is left 5 kWh"]


@pytest.mark.parametrize(
    ("window", "starts_at", "waits"),
    [
        (DailyWindow(start="02:00", end="03:00"), datetime(2026, 3, 28, 12, tzinfo=UTC), False),
        (DailyWindow(start="14:00", end="14:30"), START, False),
        (DailyWindow(start="12:00", end="13:30"), START, True),
    ],
    ids=["the hour that spring skips", "a window shorter than the run", "too little left of a begun window"],
)
def test_a_run_that_fits_nowhere_is_named(
    home: Site, day_inputs, window: DailyWindow, starts_at: datetime, waits: bool
) -> None:
    machine = DeferrableLoad(key="washing", power_w=2000, run_minutes=60, window=window)
    inputs = day_inputs(24.0)
    starts = [at + (starts_at - START) for at in inputs.starts]
    state = dataclasses.replace(inputs.state, waiting=frozenset({"washing"} if waits else ()))
    problem = assemble(
        home.model_copy(update={"deferrables": (machine,)}),
        dataclasses.replace(inputs, starts=starts, sessions=(), state=state),
    )
    named = [item for item in solve(problem, stage2=False, gap=0.05).unmet if item.key == "washing"]
    assert [(item.what, item.amount) for item in named] == [("not run, its window is too short", 2.0)]


def test_a_run_whose_window_ends_after_the_horizon_is_left_to_a_later_plan(home: Site, day_inputs) -> None:
    machine = DeferrableLoad(
        key="washing", power_w=2000, run_minutes=60, window=DailyWindow(start="10:00", end="16:00")
    )
    problem = assemble(home.model_copy(update={"deferrables": (machine,)}), day_inputs(24.0))
    assert problem.deferrables == ()
    assert problem.left_out == ()


def test_the_contracts_capacity_charge_is_what_the_planner_pays_for_a_peak(home: Site, day_inputs) -> None:
    """200 per kW and month without VAT are 242; 3 kW are billed anyway, so a peak begins to cost above them."""
    inputs = day_inputs(24)
    site = home.model_copy(update={"tariff": with_capacity(home.tariff, price_per_kw_month=200.0, floor_kw=3.0)})
    for so_far_w, billed_w in ((None, 3000.0), (2000.0, 3000.0), (4500.0, 4500.0)):
        state = dataclasses.replace(inputs.state, month_peak_import_w=so_far_w)
        grid = assemble(site, dataclasses.replace(inputs, state=state)).grid
        assert grid.peak_price_per_kw == pytest.approx(242.0)
        assert grid.peak_so_far_w == billed_w
    assert assemble(home, inputs).grid.peak_price_per_kw == 0.0


def test_what_the_site_file_keeps_at_the_end_is_kept_or_named(home: Site, day_inputs) -> None:
    """60 % of 15 kWh are 9 kWh; without the wish a plan ends emptier, as its energy is worth nothing afterwards."""
    inputs = dataclasses.replace(day_inputs(24.0), terminal_price_per_kwh=0.0)
    (pack,) = home.batteries
    keeping = home.model_copy(update={"batteries": (pack.model_copy(update={"keep_at_end_pct": 60.0}),)})
    assert assemble(home, inputs).batteries[0].end_floor_wh == 0
    problem = assemble(keeping, inputs)
    assert problem.batteries[0].end_floor_wh == 9000
    plan = solve(problem, time_limit_s=3)
    assert [str(v) for v in verify(problem, plan)] == []
    missing = [u.amount for u in plan.unmet if u.what == "energy missing at the end"]
    assert float(plan.energy_wh[0][-1]) / 1000 + sum(missing) >= 9.0 - 1e-6
    assert float(solve(assemble(home, inputs), time_limit_s=3).energy_wh[0][-1]) < 9000


def test_the_warmth_the_site_file_keeps_at_the_end_is_that_of_the_house(home: Site, day_inputs) -> None:
    (pump,) = home.heat_pumps
    house = pump.house.model_copy(update={"keep_at_end_c": 21.5})
    keeping = home.model_copy(update={"heat_pumps": (pump.model_copy(update={"house": house}),)})
    assert assemble(keeping, day_inputs(24.0)).heat_pumps[0].store.end_floor_c == 21.5
    assert assemble(home, day_inputs(24.0)).heat_pumps[0].store.end_floor_c < -273
