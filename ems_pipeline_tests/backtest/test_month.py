"""A month is lived on what was known then, and settled as the audit settles what was measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest import bounds
from ems_pipeline.backtest.closed_loop import Lived as Course
from ems_pipeline.backtest.closed_loop import under_plans
from ems_pipeline.backtest.history import AsKnown, Record
from ems_pipeline.backtest.issued import issued
from ems_pipeline.backtest.month import Lived, Measured, Month, as_lived, live, stretches, with_prices
from ems_pipeline.backtest.paired import compared
from ems_pipeline.backtest.settled import settled
from ems_pipeline.plant.cells import Cells
from ems_pipeline.sites import Battery, Site

FIRST = datetime(2026, 2, 20, tzinfo=UTC)
DAY = date(2026, 3, 2)
SLOTS = 12 * 96
BEGIN = 10 * 96
"""Slot with which `DAY` begins."""


@dataclass(frozen=True)
class Made:
    """A history that is made up: what a home draws and what a kWh costs, per slot."""

    load_w: np.ndarray
    buy: np.ndarray

    def measured(self) -> Measured:
        starts = [FIRST + k * time_grid.SLOT for k in range(SLOTS)]
        sun = np.maximum(0.0, np.sin(np.pi * (np.arange(SLOTS) % 96 - 28) / 40))
        return Measured(starts, self.load_w, 2000 * sun)

    def record(self, measured: Measured, variant: str, site: Site) -> Record:
        return with_prices(measured, self.buy, 0.3 * self.buy)

    def digest(self, variant: str) -> str:
        return variant


@pytest.fixture(scope="module")
def home(home01: Site) -> Site:
    return as_lived(home01.model_copy(update={"timezone": "UTC"}))


def made(seed: int = 1) -> Made:
    rng = np.random.default_rng(seed)
    cheap = np.arange(SLOTS) % 96 < 24
    return Made(rng.uniform(200, 1500, SLOTS), np.where(cheap, 2.0, 6.0) + rng.uniform(0, 0.5, SLOTS))


def month(site: Site, history: Made) -> Month:
    return Month("s", "h", DAY, DAY, 50.0, history, {"as-is": Lived(site, "persistence")}, {"as-is": "d"})


def test_nothing_that_comes_after_a_decision_changes_it(home: Site) -> None:
    """Everything that is measured from noon on is replaced: the morning's decisions stay what they were."""
    told = made()
    later = np.arange(SLOTS) >= BEGIN + 48
    other = replace(told, load_w=np.where(later, 9_000.0, told.load_w))
    halves = []
    for history in (told, other):
        measured = history.measured()
        actual = history.record(measured, "", home)
        slots = range(BEGIN, BEGIN + 48)
        zone = time_grid.zone("UTC")
        expected = issued(measured.starts, measured.load_w, measured.pv_w, zone, slots, 400.0, is_learnt=False)
        halves.append(under_plans(home, actual, expected, slots, 50.0))
    assert halves[0].modes == halves[1].modes
    assert halves[0].battery_w.tolist() == halves[1].battery_w.tolist()


def test_a_day_lived_again_comes_out_the_same_to_the_last_bit_and_saves_what_prices_let_it(home: Site) -> None:
    first, again = live(month(home, made()))[0], live(month(home, made()))[0]
    assert first.digest == again.digest
    day = first.days.row(0, named=True)
    assert (day["day"], day["slots"]) == (DAY, 96)
    assert day["self_use_saving"] > 0, "cheap nights are worth something to whoever plans"
    assert live(month(home, made(2)))[0].digest != first.digest


def test_what_follows_the_self_use_rule_saves_nothing_against_it(home: Site) -> None:
    history = made()
    measured = history.measured()
    actual, storage = history.record(measured, "", home), Storage.of(home.batteries)
    assert storage is not None
    slots = range(BEGIN, BEGIN + 96)
    rule = bounds.by_itself(actual, slots, storage, 50.0, home.grid.export_limit_w)
    day = settled(home, storage, actual, slots, Course(rule.grid_w, rule.battery_w, rule.soc_pct, ()), 50.0)
    assert day["self_use_saving"].to_list() == pytest.approx([0.0], abs=1e-9)
    bought = np.maximum(rule.grid_w, 0) @ actual.buy_per_kwh[BEGIN : BEGIN + 96] / 4000
    sold = np.maximum(-rule.grid_w, 0) @ actual.sell_per_kwh[BEGIN : BEGIN + 96] / 4000
    assert day["cost"][0] == pytest.approx(bought - sold)


def test_a_day_with_a_gap_is_not_lived_and_what_follows_begins_anew(home: Site) -> None:
    history = made()
    load_w = history.load_w.copy()
    load_w[BEGIN + 10] = np.nan
    measured = replace(history.measured(), load_w=load_w)
    actual = with_prices(measured, history.buy, history.buy)
    found = list(stretches(actual, "UTC", DAY - timedelta(days=2), DAY + timedelta(days=1)))
    assert found == [range(BEGIN - 192, BEGIN), range(BEGIN + 96, BEGIN + 192)]


def test_a_price_is_known_from_its_instant_on_and_a_correction_from_its_own() -> None:
    first, corrected = [1.0, 2.0, np.nan], [1.0, 5.0, 3.0]
    known = AsKnown([0, 2], np.array([first, corrected]), np.array([first, corrected]))
    assert known.at(0)[0].tolist() == [1.0, 2.0]
    assert known.at(1)[0].tolist() == [2.0], "what is known at 2 is not known at 1"
    assert known.at(2)[0].tolist() == [3.0]
    assert AsKnown([1], np.array([first]), np.array([first])).at(0)[0].tolist() == []


@given(st.lists(st.floats(-9_000, 9_000), min_size=1, max_size=30), st.floats(10, 100))
def test_a_battery_of_a_backtest_is_that_of_the_virtual_plant(wanted_w: list[float], soc_pct: float) -> None:
    """One physics: what is taken, given and kept of any wish is the same in both."""
    pack = Battery(key="pack", device="d", capacity_wh=9_000, charge_limit_w=4_000, discharge_limit_w=3_000,
                   charge_efficiency=0.93, discharge_efficiency=0.91, min_soc_pct=8, max_soc_pct=97)  # fmt: skip
    storage, cells = Storage.of([pack]), Cells([pack], soc_pct)
    assert storage is not None
    stored_wh = cells.energy_wh
    for wish_w in wanted_w:
        given_w = storage.discharge_w(stored_wh, wish_w) if wish_w > 0 else -storage.charge_w(stored_wh, -wish_w)
        limits = cells.limits(900, 48, pack.min_soc_pct)
        assert given_w == pytest.approx(min(max(wish_w, -limits.charge_w), limits.discharge_w), abs=1e-6)
        stored_wh += storage.stored_change_wh(given_w)
        cells.integrate(given_w, 900)
        assert stored_wh == pytest.approx(cells.energy_wh, abs=1e-6)


def test_variants_are_compared_on_days_that_both_have_and_a_sure_saving_lies_clear_of_zero() -> None:
    days = [date(2026, 1, 1) + timedelta(days=k) for k in range(60)]
    base = pl.DataFrame({"home_key": "h", "day": days, "currency": "EUR", "tariff": "t", "net_cost": 3.0})
    ours = base.head(50).with_columns(net_cost=2.0 + pl.Series(np.random.default_rng(1).normal(0, 0.1, 50)))
    whole, *seasons = compared(ours, base, "ours", "base")
    assert (whole.days, whole.tariff, whole.season) == (50, "all", "all")
    assert whole.saved.value == pytest.approx(3.0 * 50 - ours["net_cost"].sum())
    assert 45 < whole.saved.low < whole.saved.value < whole.saved.high < 55
    assert whole.saved_per_home_year.value == pytest.approx(whole.saved.value / 50 * 365.25)
    assert [row.season for row in seasons] == [], "all days lie in winter: there is nothing to take apart"
