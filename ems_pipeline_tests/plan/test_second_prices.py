"""What imports count for besides their price: CO2, independence, and peaks over hours and months; hand-computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ems_pipeline.plan import Plan, Problem, assemble
from ems_pipeline.plan.result import money
from ems_pipeline.plan.wording.modes import device_decisions
from ems_pipeline.sites import PlanningPolicy, Site
from ems_pipeline.sites.planner import Co2Terms
from ems_pipeline.sites.tariff import CapacityCharge
from ems_pipeline_tests.plan.small import battery, genset, house, planned


def kept_for(unbilled: Any) -> Plan:
    """An hour at 0.30, half of it clean; the cells are worth 0.35 at the end, more than the price now."""
    grid = {"unbilled_per_kwh": unbilled} if unbilled is not None else {}
    return planned(
        house([0.3] * 4, 1000.0, sell=0.0, grid=grid, batteries=(battery(end_value_per_kwh=0.35, charge_limit_w=0.0),))
    )


def test_a_kwh_whose_co2_counts_is_covered_instead_of_bought() -> None:
    """0.30 + 0.10 is above what a kept kWh is worth; the bill has 0.15 of the two clean slots alone."""
    plan = kept_for(np.array([0.1, 0.1, 0.0, 0.0]))
    assert kept_for(None).grid_w.tolist() == pytest.approx([1000.0] * 4, abs=1.0)
    assert plan.grid_w.tolist() == pytest.approx([0, 0, 1000, 1000], abs=1.0)
    assert money.energy(plan) == pytest.approx(0.5 * 0.3)
    (reason,) = [d.reason for d in device_decisions(plan) if d.key == "pack" and d.slot == 1]
    assert "0.100 EUR/kWh are its owner's for CO2 or independence, in no bill" in reason


def test_what_no_bill_has_is_in_the_objective_and_not_in_what_is_paid() -> None:
    plan = planned(house([0.3] * 4, 1000.0, grid={"unbilled_per_kwh": np.full(4, 0.2)}))
    assert plan.objective == pytest.approx(1.0 * 0.5)
    assert money.paid(plan) == pytest.approx(1.0 * 0.3)


def test_a_genset_bears_its_own_co2() -> None:
    """Fuel at 0.35 beats a grid at 0.60, and with 0.30 of its own does not."""
    clean, counted = (genset(idle_fuel_per_h=0.0, start_cost=0.0, unbilled_per_kwh=co2) for co2 in (0.0, 0.3))
    given = [planned(house([0.6] * 4, 2000.0, sell=0.0, gensets=(unit,))).genset_w.sum() for unit in (clean, counted)]
    assert given == pytest.approx([4 * 2000.0, 0.0])


def test_a_dearer_import_never_imports_more() -> None:
    drawn = [float(kept_for(np.full(4, extra)).grid_w.clip(0).sum()) for extra in (0.0, 0.02, 0.1, 1.0)]
    assert drawn == sorted(drawn, reverse=True)
    assert drawn[0] > drawn[-1]


def peaked(loads_w: list[float], **grid: Any) -> Problem:
    return house([0.3] * len(loads_w), loads_w, sell=0.0, grid={"peak_price_per_kw": 10.0} | grid)


def test_a_peak_of_an_hour_is_its_mean() -> None:
    """4 kW for a quarter-hour are 1 kW over the hour; by quarter-hours they are 4."""
    loads_w = [0.0, 4000.0, 0.0, 0.0, 800.0, 800.0, 800.0, 800.0]
    energy = 1.8 * 0.3
    assert planned(peaked(loads_w, peak_slots=4)).objective == pytest.approx(energy + 10.0)
    assert planned(peaked(loads_w)).objective == pytest.approx(energy + 40.0)


@pytest.mark.parametrize(("gone_wh", "peak_kw"), [(None, 2.0), (0.0, 1.0), (1500.0, 2.5)])
def test_the_hour_under_way_counts_what_was_drawn_in_it(gone_wh: float | None, peak_kw: float) -> None:
    """Two quarter-hours are over: with 1.5 kWh in them and 1 kWh to come the hour has 2.5 kWh; unknown, 2 kW stand."""
    grid = {"peak_slots": 4, "peak_gone_slots": 2, "peak_gone_wh": gone_wh}
    plan = planned(peaked([2000.0, 2000.0], **grid))
    assert plan.objective == pytest.approx(1.0 * 0.3 + 10.0 * peak_kw)


def test_each_month_has_its_own_peak() -> None:
    """3 kW and 2 kW, of which 2.5 are reached in the old month and 1 is billed anyway in the new one."""
    grid = {"peak_so_far_w": 2500.0, "peak_breaks": (2,), "peak_floor_w": 1000.0}
    plan = planned(peaked([3000.0, 1000.0, 2000.0, 500.0], **grid))
    assert plan.objective == pytest.approx(6.5 / 4 * 0.3 + 10.0 * 0.5 + 10.0 * 1.0)


def test_the_site_file_says_what_a_kg_counts_and_how_much_the_grid_brings(home: Site, day_inputs: Any) -> None:
    """0.5 per kg at 400 g are 0.20 per kWh, and 0.05 more for independence; at night 100 g."""
    by_hour = tuple(400.0 if 6 <= hour < 22 else 100.0 for hour in range(24))
    policy = PlanningPolicy(independence_per_kwh=0.05, co2=Co2Terms(price_per_kg=0.5, grid_g_per_kwh=by_hour))
    counted = assemble(home.model_copy(update={"planning": policy}), day_inputs()).grid.unbilled_per_kwh
    assert counted is not None
    assert counted[:40].tolist() == pytest.approx([0.25] * 36 + [0.1] * 4)  # from 13:00 in Prague to 22:00
    assert "unbilled" not in assemble(home, day_inputs()).to_json()
    with pytest.raises(ValidationError, match="give one, or 24"):
        Co2Terms(price_per_kg=0.5, grid_g_per_kwh=(100.0, 200.0))
    with pytest.raises(ValidationError, match="grid_g_per_kwh"):
        Co2Terms.model_validate({"price_per_kg": 0.5})


def test_the_capacity_charge_of_the_contract_says_over_what_a_peak_is_a_mean(home: Site, day_inputs: Any) -> None:
    hourly = CapacityCharge(price_per_kw_month=100.0, floor_kw=2.0, interval_minutes=60)
    periods = tuple(p.model_copy(update={"capacity": hourly}) for p in home.tariff.periods)
    site = home.model_copy(update={"tariff": home.tariff.model_copy(update={"periods": periods})})
    grid = assemble(site, day_inputs()).grid
    assert (grid.peak_slots, grid.peak_gone_slots, grid.peak_gone_wh, grid.peak_breaks) == (4, 0, None, ())
