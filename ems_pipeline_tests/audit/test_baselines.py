"""Baselines against numbers computed by hand, and the laws any of them obeys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ems_pipeline.audit.baselines import no_battery, self_use
from ems_pipeline.audit.storage import Storage
from ems_pipeline.sites import Battery

STORAGE = Storage(
    capacity_wh=10_000,
    charge_limit_w=4_000,
    discharge_limit_w=5_000,
    charge_efficiency=0.8,
    discharge_efficiency=0.5,
    floor_pct=10,
    ceiling_pct=90,
)
NO_LIMIT = 1e9


def test_without_a_battery_the_grid_sees_the_deficit_and_exports_stop_at_the_limit() -> None:
    grid = no_battery(np.array([1500.0, -2000.0, -7000.0, np.nan]), export_limit_w=5000)
    np.testing.assert_array_equal(grid, [1500.0, -2000.0, -5000.0, np.nan])


def test_surplus_charges_with_losses_and_a_deficit_discharges_with_losses() -> None:
    # 2 kW in for a quarter-hour: 500 Wh * 0.8 = 400 Wh stored; 1 kW out: 250 Wh / 0.5 = 500 Wh taken.
    course = self_use(np.array([-2000.0, 1000.0]), STORAGE, 50.0, NO_LIMIT)
    np.testing.assert_allclose(course.battery_w, [-2000.0, 1000.0])
    np.testing.assert_allclose(course.grid_w, [0.0, 0.0])
    np.testing.assert_allclose(course.soc_pct, [54.0, 49.0])


def test_power_limits_leave_the_rest_to_the_grid() -> None:
    course = self_use(np.array([-6000.0, 9000.0]), STORAGE, 50.0, NO_LIMIT)
    np.testing.assert_allclose(course.battery_w, [-4000.0, 5000.0])
    np.testing.assert_allclose(course.grid_w, [-2000.0, 4000.0])


def test_a_full_battery_takes_what_fits_and_an_empty_one_gives_what_lies_above_the_floor() -> None:
    # 89 % -> 90 % is 100 Wh in the cells: 125 Wh from the bus = 500 W. 11 % -> 10 %: 100 Wh * 0.5 = 50 Wh = 200 W.
    full = self_use(np.array([-3000.0, -3000.0]), STORAGE, 89.0, NO_LIMIT)
    np.testing.assert_allclose(full.battery_w, [-500.0, 0.0], atol=1e-9)
    empty = self_use(np.array([3000.0, 3000.0]), STORAGE, 11.0, NO_LIMIT)
    np.testing.assert_allclose(empty.battery_w, [200.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(empty.grid_w, [2800.0, 3000.0])


def test_below_the_floor_nothing_is_discharged_and_surplus_still_charges() -> None:
    course = self_use(np.array([500.0, -1000.0]), STORAGE, 5.0, NO_LIMIT)
    np.testing.assert_allclose(course.battery_w, [0.0, -1000.0])
    np.testing.assert_allclose(course.soc_pct, [5.0, 7.0])


def test_through_a_gap_the_battery_stands_still_and_the_grid_stays_unknown() -> None:
    course = self_use(np.array([-2000.0, np.nan, 1000.0]), STORAGE, 50.0, NO_LIMIT)
    np.testing.assert_array_equal(np.isnan(course.grid_w), [False, True, False])
    np.testing.assert_array_equal(np.isnan(course.battery_w), [False, True, False])
    np.testing.assert_allclose(course.soc_pct, [54.0, 54.0, 49.0])


def test_batteries_pool_by_capacity_and_stop_at_their_minimum() -> None:
    first = Battery(
        key="a", capacity_wh=10_000, charge_limit_w=3000, discharge_limit_w=4000, min_soc_pct=20, reserve_soc_pct=60
    )
    second = Battery(
        key="b",
        capacity_wh=5_000,
        charge_limit_w=1000,
        discharge_limit_w=1500,
        charge_efficiency=0.8,
        min_soc_pct=50,
        reserve_soc_pct=50,
    )
    pool = Storage.of([first, second])
    assert pool is not None
    assert (pool.capacity_wh, pool.charge_limit_w, pool.discharge_limit_w) == (15_000, 4000, 5500)
    assert pool.charge_efficiency == pytest.approx(0.9)  # (10 * 0.95 + 5 * 0.80) / 15
    assert pool.floor_pct == pytest.approx(30.0)
    assert Storage.of([]) is None


deficits = st.lists(st.floats(-15_000, 15_000), min_size=1, max_size=96)


@settings(max_examples=100, deadline=None)
@given(deficits, st.floats(10, 90))
def test_self_use_never_trades_with_the_grid(deficit: list[float], soc: float) -> None:
    wanted = np.array(deficit)
    course = self_use(wanted, STORAGE, soc, NO_LIMIT)
    np.testing.assert_allclose(course.grid_w + course.battery_w, wanted, atol=1e-6)
    assert (np.abs(course.grid_w) <= np.abs(wanted) + 1e-6).all(), "the battery never makes the exchange larger"
    assert (course.grid_w * wanted >= -1e-6).all(), "nor turns import into export"
    assert (course.soc_pct >= STORAGE.floor_pct - 1e-9).all()
    assert (course.soc_pct <= STORAGE.ceiling_pct + 1e-9).all()


@settings(max_examples=50, deadline=None)
@given(deficits)
def test_energy_is_conserved_but_for_the_stated_losses(deficit: list[float]) -> None:
    course = self_use(np.array(deficit), STORAGE, 50.0, NO_LIMIT)
    into_wh = -course.battery_w.clip(max=0).sum() * 0.25 * STORAGE.charge_efficiency
    out_wh = course.battery_w.clip(min=0).sum() * 0.25 / STORAGE.discharge_efficiency
    gained_wh = (course.soc_pct[-1] - 50.0) / 100 * STORAGE.capacity_wh
    assert gained_wh == pytest.approx(into_wh - out_wh, abs=1e-6)


@given(deficits)
def test_a_battery_that_may_not_move_is_no_battery(deficit: list[float]) -> None:
    idle = replace(STORAGE, charge_limit_w=0, discharge_limit_w=0)
    wanted = np.array(deficit)
    np.testing.assert_allclose(self_use(wanted, idle, 50.0, 5000).grid_w, no_battery(wanted, 5000))
