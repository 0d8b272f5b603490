"""What a battery loses by itself, its least powers, and how it gives less when nearly empty; hand-computed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import Plan, assemble
from ems_pipeline.plan.problem import DemandEvent, EmptyTaper, KeptWithin
from ems_pipeline.plan.wording.modes import device_decisions
from ems_pipeline.sites import Battery, Site
from ems_pipeline_tests.plan.small import battery, house, planned, roof

CHEAP_THEN_DEAR = [0.1] * 4 + [0.5] * 4


def stored(load_w: Any = 1000.0, sell: float = 0.0, grid: Any = None, **changes: Any) -> Plan:
    store = battery(**{"initial_wh": 0.0} | changes)
    return planned(house(CHEAP_THEN_DEAR, load_w, sell=sell, grid=grid or {}, batteries=(store,)))


def test_cells_that_rest_lose_a_share_of_what_they_hold_each_day() -> None:
    """Half of it in a day: 5 kWh are 2.5 kWh after 96 quarter-hours, and 5 / sqrt(2) after 48."""
    plan = planned(house([0.3] * 96, 0.0, batteries=(battery(lost_per_day=0.5, end_value_per_kwh=0.25),)))
    assert plan.energy_wh[0, [47, 95]].tolist() == pytest.approx([5000 / 2**0.5, 2500.0])


def test_what_the_battery_itself_draws_is_bought_with_the_rest() -> None:
    """100 W for two hours: the 200 Wh above its floor are gone, and all of the dear kWh is bought in the cheap hour."""
    lossless, drawing = (stored(initial_wh=700.0, floor_wh=500.0, standby_w=own_w) for own_w in (0.0, 100.0))
    assert lossless.objective == pytest.approx(1.0 * 0.1 + 0.8 * 0.1)
    assert drawing.objective == pytest.approx(1.0 * 0.1 + 1.0 * 0.1)
    assert drawing.energy_wh[0, -1] == pytest.approx(500.0, abs=1.0)


def test_cells_at_their_reserve_that_nobody_can_charge_sink_below_it_and_are_named() -> None:
    plan = stored(0.0, grid={"import_limit_w": 0.0}, floor_wh=1000.0, initial_wh=1000.0, standby_w=100.0)
    assert plan.energy_wh[0].tolist() == pytest.approx([1000.0 - 25.0 * k for k in range(1, 9)])
    assert [(u.what, u.amount) for u in plan.unmet] == [("below its reserve", 2.0)]


@pytest.mark.parametrize(("least_w", "given_w"), [(0.0, 300.0), (250.0, 300.0), (500.0, 0.0)])
def test_a_battery_gives_nothing_below_its_least_power(least_w: float, given_w: float) -> None:
    """To give 500 W for 300 W of load wastes more than the load's price pays for."""
    plan = stored(300.0, initial_wh=5000.0, end_value_per_kwh=0.4, least_discharge_w=least_w)
    assert plan.discharge_w[0, 4:].tolist() == pytest.approx([given_w] * 4)
    reasons = [d.reason for d in device_decisions(plan) if d.key == "pack" and d.slot == 6]
    assert ("Less is missing than the battery gives: 0.30 kW of 0.50 kW." in reasons) == (given_w == 0.0)


def test_a_battery_takes_nothing_below_its_least_power() -> None:
    sun = roof([400.0] * 8)
    problem = house(
        [0.9] * 8, 0.0, sell=0.05, batteries=(battery(end_value_per_kwh=0.2, least_charge_w=500.0),), pv=(sun,)
    )
    plan = planned(problem)
    assert plan.charge_w.max() == 0.0
    assert plan.grid_w.tolist() == pytest.approx([-400.0] * 8)
    (reason,) = [d.reason for d in device_decisions(plan) if d.key == "pack" and d.slot == 3]
    assert reason == "Less is left over than the battery takes: 0.40 kW of 0.50 kW."


def test_a_nearly_empty_battery_gives_less() -> None:
    """From 2 kWh down a Wh less is a watt less: 2000, then 2000 - 500, and so on, each 3/4 of the one before."""
    plan = planned(
        house(
            [0.5] * 4, 3000.0, batteries=(battery(initial_wh=2000.0, empty_tapers=(EmptyTaper(2000.0, 2000.0, 1.0),)),)
        )
    )
    assert plan.discharge_w[0].tolist() == pytest.approx([2000.0 * 0.75**k for k in range(4)])


def test_cells_below_their_floor_taper_like_empty_ones() -> None:
    """At the floor the line lets 200 W out; being told of fuller cells would let out more."""
    low = battery(
        initial_wh=800.0, floor_wh=1000.0, outside_price_per_kwh=0.01, empty_tapers=(EmptyTaper(5000.0, 4200.0, 1.0),)
    )
    plan = planned(house([0.1, 0.1, 0.9, 0.9], 3000.0, batteries=(low,)))
    before = np.append(800.0, plan.energy_wh[0, :-1])
    assert (plan.discharge_w[0] <= 4200.0 - (5000.0 - np.maximum(before, 1000.0)) + 0.5).all()


@pytest.mark.parametrize(
    ("field", "from_tight"),
    [("lost_per_day", (0.8, 0.3, 0.0)), ("standby_w", (40.0, 10.0, 0.0)), ("least_discharge_w", (3000.0, 1100.0, 0.0)),
     ("least_charge_w", (5000.0, 3000.0, 0.0))],
)  # fmt: skip
def test_a_looser_battery_never_costs_more(field: str, from_tight: tuple[float, ...]) -> None:
    load = np.array([0, 900, 0, 300, 1000, 2000, 1500, 700.0])
    plans = [stored(load, initial_wh=900.0, floor_wh=500.0, **{field: value}) for value in from_tight]
    cost = [round(plan.objective or 0.0, 6) for plan in plans]
    assert cost == sorted(cost, reverse=True)
    assert cost[0] > cost[-1]


def test_a_battery_that_loses_is_worth_what_its_two_halves_are() -> None:
    whole = battery(initial_wh=3000.0, floor_wh=500.0, lost_per_day=0.3, standby_w=60.0, charge_efficiency=0.9)
    sizes = ("capacity_wh", "charge_limit_w", "discharge_limit_w", "floor_wh", "ceiling_wh", "initial_wh", "standby_w")
    half = dataclasses.replace(whole, **{name: getattr(whole, name) / 2 for name in sizes})
    pairs = ((whole,), (half, dataclasses.replace(half, key="other")))
    cost = [planned(house(CHEAP_THEN_DEAR, 2500.0, sell=0.05, batteries=those)).objective for those in pairs]
    assert cost[0] == pytest.approx(cost[1], abs=1e-4)


def test_a_band_that_spares_and_an_event_that_counts_what_is_fed_in_are_the_reason() -> None:
    band = KeptWithin(0, 8, 2000.0, 10_000.0, 0.9)
    plan = stored(
        0.0 + np.r_[np.zeros(4), np.full(4, 4000.0)], initial_wh=2000.0, charge_limit_w=0.0, kept_within=(band,)
    )
    told = [d.reason for d in device_decisions(plan) if d.key == "pack"]
    assert any("It is spared below 20 %: a kWh less would cost 0.900 EUR/kWh" in reason for reason in told)
    paid = DemandEvent("peak-hour", 1, 3, None, 0.0, 0.5, is_net=True)
    feeding = planned(
        house([0.3] * 4, 1000.0, sell=0.1, grid={"events": (paid,)}, batteries=(battery(end_value_per_kwh=0.25),))
    )
    (reason,) = [d.reason for d in device_decisions(feeding) if d.key == "pack" and d.slot == 1]
    assert reason.startswith("Feed stored energy in: event peak-hour pays 0.500 EUR/kWh besides 0.100 EUR/kWh")


def test_the_site_file_states_what_a_datasheet_does(home: Site, day_inputs: Any) -> None:
    """1 % a day, 20 W of its own; from 30 % down to the least charge of 10 % discharging falls to 1 kW."""
    stated = {
        "self_discharge_pct_per_day": 1.0, "standby_w": 20.0, "least_charge_w": 100.0,
        "empty_taper": {"from_soc_pct": 30, "empty_limit_w": 1000},
    }  # fmt: skip
    pack = Battery.model_validate(home.batteries[0].model_dump() | stated)
    (store,) = assemble(home.model_copy(update={"batteries": (pack,)}), day_inputs()).batteries
    (line,) = store.empty_tapers
    assert (store.lost_per_day, store.standby_w, store.least_charge_w) == (0.01, 20.0, 100.0)
    assert line.limit_w - line.slope_w_per_wh * (line.from_wh - 0.1 * store.capacity_wh) == pytest.approx(1000.0)
    plain = assemble(home, day_inputs()).to_json()
    assert not any(name in plain for name in ("lost_per_day", "standby_w", "least_", "empty_tapers"))
