"""Nobody does it for less than who knows everything; nobody who is compared has known anything."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest import bounds, intervals
from ems_pipeline.backtest.history import Record
from ems_pipeline.backtest.issued import AHEAD, issued, persistence

START = datetime(2026, 1, 5, tzinfo=UTC)
LOSSLESS = Storage(1000.0, 4000.0, 4000.0, 1.0, 1.0, 0.0, 100.0)
LOSSY = Storage(1000.0, 2000.0, 1500.0, 0.95, 0.95, 10.0, 100.0)


def record(buy: list[float], sell: list[float], load_w: list[float], pv_w: list[float]) -> Record:
    starts = [START + k * time_grid.SLOT for k in range(len(buy))]
    return Record(starts, *(np.array(values, dtype=float) for values in (buy, sell, load_w, pv_w)))


def test_what_is_bought_cheap_covers_what_is_dear_and_no_more() -> None:
    # 1 kWh fits, which is 4 kW for a quarter-hour: bought at 1 it covers the second; the load of the first costs 1.
    lived = record([1, 5], [0, 0], [4000, 4000], [0, 0])
    money = bounds.least_cost(lived, range(2), LOSSLESS, 0.0, (100_000, 0), 0.0)
    assert money.tolist() == pytest.approx([2.0, 0.0])


def test_a_timer_buys_in_its_hours_and_covers_in_the_others() -> None:
    lived = record([1] * 16 + [5] * 80, [0] * 96, [400] * 96, [0] * 96)
    ran = bounds.by_timer(lived, range(96), LOSSLESS, 0.0, 0.0)
    assert ran.battery_w[0] == -4000
    assert ran.soc_pct[0] == 100
    assert ran.battery_w[16:26].tolist() == pytest.approx([400.0] * 10)  # 100 Wh a quarter-hour
    assert ran.battery_w[26] == 0


POWERS = st.lists(st.floats(0, 3000), min_size=96, max_size=96)
PRICES = st.lists(st.floats(0.01, 1), min_size=96, max_size=96)


@given(PRICES, POWERS, POWERS, st.floats(10, 100))
def test_no_rule_is_cheaper_than_who_knows_everything(
    buy: list[float], load_w: list[float], pv_w: list[float], start: float
) -> None:
    lived = record(buy, [0.5 * price for price in buy], load_w, pv_w)
    least = bounds.least_cost(lived, range(96), LOSSY, start, (20_000, 20_000), 0.2).sum()
    for ran in (
        bounds.by_itself(lived, range(96), LOSSY, start, 20_000),
        bounds.by_timer(lived, range(96), LOSSY, start, 20_000),
    ):
        assert intervals.costs(lived, range(96), ran.grid_w, ran.soc_pct, start, LOSSY, 0.2).sum() >= least - 1e-6


def test_a_forecast_knows_nothing_that_came_after_it_was_issued() -> None:
    rng, slots = np.random.default_rng(3), 40 * 96
    starts = [START + k * time_grid.SLOT for k in range(slots)]
    load_w, pv_w = rng.uniform(100, 2000, slots), rng.uniform(0, 3000, slots)
    lived = range(36 * 96, 36 * 96 + 24)
    seen = issued(starts, load_w, pv_w, time_grid.zone("Europe/Prague"), lived, 400.0)
    t = lived.start + 16
    noise = np.where(np.arange(slots) >= t, 9999.0, 0.0)
    other = issued(starts, load_w + noise, pv_w + noise, time_grid.zone("Europe/Prague"), lived, 400.0)
    for ours, theirs in zip(seen.at(t, t + 60), other.at(t, t + 60), strict=True):
        assert ours.tolist() == theirs.tolist()


def test_an_issue_serves_two_hours_from_its_own_slots() -> None:
    starts = [START + k * time_grid.SLOT for k in range(40 * 96)]
    level = np.arange(40 * 96, dtype=float)
    seen = issued(starts[: 12 * 96], level[: 12 * 96], level[: 12 * 96], time_grid.zone("UTC"), range(960, 976), 400.0)
    first, later = seen.at(960, 1000), seen.at(963, 1000)
    assert first[1][3:].tolist() == later[1].tolist()
    assert seen.pv_w.shape == (36 + 2, AHEAD), "three days before are issued, too: a week was measured before them"


def test_a_dark_hour_halves_what_comes_and_is_forgotten() -> None:
    week = np.tile(np.full(96, 1000.0), 7)
    week[-4:] = 500.0
    found = persistence(week, 200)
    usual = np.full(96, 1000.0)
    newest = 1 / sum(0.5 ** (back / 3) for back in range(7))
    usual[-4:] = 1000 - 500 * newest
    assert found[0] == pytest.approx(1000 * 500 / usual[-1])
    assert found[24] == pytest.approx(1000 * (1 - (1 - 500 / usual[-1]) / np.e))
    assert found[185] == pytest.approx(1000, rel=1e-3)


def test_what_was_not_measured_counts_for_nothing() -> None:
    """A day without any value, and one value less on another: the rest says what is usual."""
    days = np.full(14 * 96, 800.0)
    days[3 * 96 : 4 * 96] = days[8 * 96 + 5] = np.nan
    assert persistence(days, 96) == pytest.approx(np.full(96, 800.0))


def test_a_share_is_of_what_could_be_won_and_nothing_of_nothing() -> None:
    won, of = np.array([1.0, 3.0]), np.array([2.0, 4.0])
    found = intervals.share(won, of)
    assert found is not None
    assert found.value == pytest.approx(100 * 4 / 6)
    assert found.low <= found.value <= found.high
    assert intervals.share(np.zeros(3), np.zeros(3)) is None
    assert intervals.total(np.array([1.0, 2.0])).value == 3.0
