"""Of plans that cost the same the one is told that does best when the forecast errs, starts least and changes least."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import Plan, Problem, device_rows, solve, verify
from ems_pipeline.plan.problem import (
    ChargingSession,
    GridLimits,
    HeatPumpUnit,
    HeatStore,
    PreviousPower,
    PvSource,
)
from ems_pipeline_tests.plan.test_explain import site


def told(plan: Plan, key: str) -> list[tuple[str, dict[str, Any]]]:
    rows = device_rows(plan).filter(asset_key=key)
    return [(row["mode"], json.loads(row["limits"])) for row in rows.iter_rows(named=True)]


def with_pv(problem: Problem, available_w: list[float]) -> Problem:
    return dataclasses.replace(problem, pv=(PvSource("roof", np.array(available_w)),))


def car(slots: int, energy_wh: float = 8000.0) -> ChargingSession:
    return ChargingSession("car", "box", 0, slots, energy_wh, 4140.0, 8000.0)


def starts(power_w: np.ndarray) -> int:
    return int((np.diff((power_w > 0).astype(int), prepend=0) == 1).sum())


def test_on_a_flat_tariff_the_battery_follows_the_meter_in_every_slot() -> None:
    """A kWh is worth as much now as at the end: the house is served now, whatever the forecast says of later."""
    problem = site([0.30] * 16, load_w=600.0, sell=0.08, initial_wh=1500.0, end_value_per_kwh=0.27)
    plan = solve(problem)
    assert {mode for mode, _ in told(plan, "pack")} == {"self-use"}
    assert not any({"charge_limit_w", "discharge_limit_w"} & set(limits) for _, limits in told(plan, "pack"))
    served_wh = np.minimum(np.arange(1, 17) * 150.0, 1500.0 * 0.9)
    assert np.cumsum(plan.discharge_w[0]) / 4 == pytest.approx(served_wh)


def test_a_surplus_that_is_stored_sooner_or_later_is_stored_sooner() -> None:
    problem = with_pv(site([0.30] * 8, load_w=500.0, initial_wh=3100.0, end_value_per_kwh=0.27), [1500.0] * 8)
    plan = solve(problem)
    assert plan.charge_w[0, :4] == pytest.approx([1000.0] * 4, abs=1.0)
    assert {mode for mode, _ in told(plan, "pack")} == {"self-use"}


def test_who_sells_the_surplus_still_covers_a_cloud_where_that_pays() -> None:
    """The room is filled at 0.05, so 0.20 is sold; a kWh in the cells displaces a ninth more of it, and saves 0.35."""
    problem = site([0.35] * 4, load_w=500.0, initial_wh=3100.0, end_value_per_kwh=0.30)
    problem = dataclasses.replace(problem, sell_per_kwh=np.array([0.20, 0.20, 0.05, 0.05]))
    plan = solve(with_pv(problem, [900.0, 900.0, 4500.0, 4500.0]))
    assert told(plan, "pack")[:2] == [("self-use", {"charge_limit_w": 0.0})] * 2


def test_a_battery_kept_for_dearer_hours_is_not_spent_on_a_cloud() -> None:
    """Noon is cheap and sunny, the evening dear, the battery too small for it: a cloud at noon is bought."""
    problem = site([0.20, 0.20, 0.60, 0.60], load_w=[500.0, 500.0, 2000.0, 2000.0], initial_wh=500.0)  # type: ignore[arg-type]
    problem = dataclasses.replace(problem, batteries=(dataclasses.replace(problem.batteries[0], charge_limit_w=300.0),))
    plan = solve(with_pv(problem, [900.0, 900.0, 0.0, 0.0]))
    assert [mode for mode, _ in told(plan, "pack")] == ["hold", "hold", "self-use", "self-use"]


def test_a_limit_that_shaves_a_peak_is_kept_because_doing_without_it_would_cost() -> None:
    problem = site([0.30] * 4, load_w=3000.0, initial_wh=1200.0, end_value_per_kwh=0.27)
    grid = dataclasses.replace(problem.grid, peak_price_per_kw=10.0, peak_so_far_w=1000.0)
    plan = solve(dataclasses.replace(problem, grid=grid))
    assert told(plan, "pack")[0] == (
        "self-use",
        {"discharge_limit_w": pytest.approx(1080.0), "target_soc_pct": 0.0},
    ) or (told(plan, "pack")[0] == ("self-use", {"discharge_limit_w": pytest.approx(1080.0)}))


def test_feeding_in_at_a_loss_is_limited_at_the_meter_never_at_the_forecast_load() -> None:
    problem = site([0.30] * 4, load_w=500.0, sell=-0.02, initial_wh=4000.0)
    plan = solve(with_pv(problem, [4000.0] * 4))
    assert plan.pv_w[0] == pytest.approx([500.0] * 4, abs=0.05)
    assert told(plan, "roof") == [("curtail", {"export_limit_w": 0.0})] * 4
    assert all(mode == "self-use" and limits["export_limit_w"] == 0.0 for mode, limits in told(plan, "pack"))


def test_an_export_limit_is_told_as_such_and_the_sun_is_switched_off_only_where_buying_is_paid() -> None:
    problem = site([0.30, -0.30], load_w=500.0, sell=0.05, initial_wh=4000.0, end_value_per_kwh=0.3)
    problem = dataclasses.replace(
        problem, sell_per_kwh=np.array([0.05, -0.5]), grid=GridLimits(np.full(2, 9000.0), np.full(2, 1000.0))
    )
    plan = solve(with_pv(problem, [4000.0, 4000.0]))
    assert told(plan, "roof") == [("curtail", {"export_limit_w": 1000.0}), ("curtail", {"pv_limit_w": 0.0})]


def test_what_is_sold_for_nothing_is_sold_not_curtailed() -> None:
    problem = site([0.30] * 3, load_w=500.0, sell=0.0, initial_wh=4000.0)
    assert solve(with_pv(problem, [1500.0] * 3)).pv_w[0] == pytest.approx([1500.0] * 3)


def test_energy_sold_leaves_the_sun_its_way_to_the_grid() -> None:
    """An export limit at the forecast would curtail what the sun gives more."""
    plan = solve(site([0.60, 0.10], load_w=200.0, sell=0.50, initial_wh=4000.0))
    mode, limits = told(plan, "pack")[0]
    assert mode == "discharge"
    assert set(limits) == {"discharge_limit_w", "target_soc_pct"}


def test_on_a_flat_tariff_a_car_starts_once() -> None:
    problem = dataclasses.replace(site([0.30] * 32, load_w=500.0), batteries=(), sessions=(car(32),))
    plan = solve(problem)
    assert verify(problem, plan) == []
    assert starts(plan.session_w[0]) == 1
    assert plan.objective == pytest.approx(0.30 * (8.0 + 32 * 0.125))


@pytest.mark.parametrize("noisy", ["load_w", "buy_per_kwh"])
def test_equal_money_keeps_the_plan_before(noisy: str) -> None:
    """24 plans, each under 0.2 % of noise: no slot of the car or the battery's mode changes."""
    problem = dataclasses.replace(site([0.30] * 32, load_w=500.0), batteries=(), sessions=(car(32),))
    rng, before = np.random.default_rng(3), solve(problem)
    for _ in range(24):
        changed = {noisy: getattr(problem, noisy) * (1 + rng.uniform(-0.002, 0.002, 32))}
        previous = (PreviousPower("box", before.session_w[0]),)
        plan = solve(dataclasses.replace(problem, previous=previous, **changed))
        assert ((plan.session_w > 0) == (before.session_w > 0)).all()
        before = plan


def test_a_plan_before_is_left_where_that_saves_money() -> None:
    cheap = [0.30] * 4 + [0.10] * 4
    problem = dataclasses.replace(site(cheap, load_w=500.0), batteries=(), sessions=(car(8),))
    early = PreviousPower("box", np.array([8000.0] * 4 + [0.0] * 4))
    plan = solve(dataclasses.replace(problem, previous=(early,)))
    assert not plan.session_w[0, :4].any()


def test_a_car_still_charges_in_two_runs_where_one_would_be_dearer() -> None:
    buy = [0.10, 0.10, 0.30, 0.30, 0.10, 0.10]
    problem = dataclasses.replace(site(buy, load_w=500.0), batteries=(), sessions=(car(6),))
    plan = solve(problem)
    assert (plan.session_w[0] > 0).tolist() == [True, True, False, False, True, True]


def test_a_heat_pump_without_a_least_power_heats_house_or_tank_never_both() -> None:
    slots = 6
    house = HeatStore("house", 180.0, 6000.0, np.full(slots, -5.0), np.zeros(slots), 20.1, 20.0, 22.0, 5.0)
    tank = HeatStore("tank", 3.0, 230.0, np.full(slots, 20.0), np.full(slots, -900.0), 44.0, 42.0, 58.0, 5.0)
    cop = np.full(slots, 3.0)
    pump = HeatPumpUnit("pump", 0.0, 4000.0, cop, house, tank=tank, tank_cop=0.8 * cop)
    problem = dataclasses.replace(site([0.3] * slots), batteries=(), heat_pumps=(pump,))
    plan = solve(problem)
    assert verify(problem, plan) == []
    house_w = plan.heat_pump_w[0] - plan.tank_w[0]
    assert house_w.any()
    assert plan.tank_w[0].any()
    assert np.minimum(house_w, plan.tank_w[0]).max() == 0.0
    both = dataclasses.replace(plan, tank_w=0.5 * plan.heat_pump_w)
    assert "house or tank" in {v.law for v in verify(problem, both)}


def test_an_end_that_is_not_reached_is_named() -> None:
    problem = site([0.3, 0.3], initial_wh=500.0, charge_limit_w=1000.0, end_floor_wh=2000.0, outside_price_per_kwh=5.0)
    named = [(item.key, item.what, item.unit) for item in solve(problem).unmet]
    assert named == [("pack", "energy missing at the end", "kWh")]
    assert solve(problem).unmet[0].amount == pytest.approx(2.0 - 0.5 - 2 * 0.25 * 0.9)
