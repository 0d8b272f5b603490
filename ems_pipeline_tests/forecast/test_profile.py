"""The weekday/slot profile: hand-computed means, fall-backs, clock changes, and no look into the future."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.forecast import profile, standard_load

PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime(2026, 3, 16, 11, 7, tzinfo=UTC)  # a Monday


def history(first: date, last: date, seed: int = 0) -> pl.DataFrame:
    """Load that is 100 W plus 10 W per wall-clock hour, doubled on Sundays, with noise."""
    starts = time_grid.slots(time_grid.day_bounds(first, PRAGUE)[0], time_grid.day_bounds(last, PRAGUE)[1])
    base = [
        (100 + 10 * (time_grid.slot_of_day(at, PRAGUE) // 4)) * (1 + (time_grid.local_day(at, PRAGUE).weekday() == 6))
        for at in starts
    ]
    noise = np.random.default_rng(seed).normal(0, 5, len(starts))
    return pl.DataFrame({"starts_at": starts, "power_w": np.array(base) + noise})


def test_the_profile_is_the_mean_of_the_same_weekday_and_wall_clock_slot() -> None:
    rows = history(date(2026, 1, 1), date(2026, 3, 15))
    table = profile.baseline_profile(rows, PRAGUE, NOW)
    assert table.height == 7 * 96
    sunday_noon = table.filter(pl.col("weekday") == 6, pl.col("slot") == 48).row(0, named=True)
    sundays = [date(2026, 1, 25) + timedelta(weeks=i) for i in range(8)]
    noons = [datetime(d.year, d.month, d.day, 11, tzinfo=UTC) for d in sundays]
    expected = rows.filter(pl.col("starts_at").is_in(noons))["power_w"].mean()
    assert sunday_noon["samples"] == 8
    assert sunday_noon["power_w"] == pytest.approx(expected)


def test_a_weekday_seen_less_than_three_times_falls_back_to_all_days() -> None:
    rows = history(date(2026, 3, 2), date(2026, 3, 15))
    table = profile.baseline_profile(rows, PRAGUE, NOW)
    noon = table.filter(pl.col("slot") == 48)
    assert noon["samples"].to_list() == [14] * 7
    assert noon["power_w"].n_unique() == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_nothing_after_now_changes_the_forecast(seed: int) -> None:
    known = history(date(2026, 2, 1), date(2026, 3, 17))
    start = time_grid.floor_slot(NOW)
    future = pl.col("starts_at") >= start
    noise = pl.Series(np.random.default_rng(seed).uniform(0, 9e4, known.height))
    changed = known.with_columns(power_w=pl.when(future).then(noise).otherwise("power_w"))
    slots = time_grid.slots(start, start + timedelta(hours=36))
    assert profile.load_forecast(known, slots, PRAGUE, NOW, 400).equals(
        profile.load_forecast(changed, slots, PRAGUE, NOW, 400)
    )


@pytest.mark.parametrize(
    ("day", "count"), [(date(2026, 3, 29), 92), (date(2025, 10, 26), 100), (date(2026, 3, 17), 96)]
)
def test_a_forecast_follows_the_wall_clock_over_clock_changes(day: date, count: int) -> None:
    rows = history(day - timedelta(days=60), day - timedelta(days=1))
    now = time_grid.day_bounds(day, PRAGUE)[0]
    got = profile.load_forecast(rows, time_grid.day_slots(day, PRAGUE), PRAGUE, now, 400)
    assert got.height == count
    at_six = time_grid.local_instant(day, datetime.min.time().replace(hour=6), PRAGUE)
    power = got.filter(pl.col("starts_at") == at_six)["power_w"][0]
    assert power == pytest.approx(160 * (2 if day.weekday() == 6 else 1), abs=15)


def test_without_history_half_the_standard_shape_lies_around_four_fifths_of_the_stated_mean() -> None:
    week = time_grid.slots(datetime(2026, 3, 15, 23, tzinfo=UTC), datetime(2026, 3, 22, 23, tzinfo=UTC))
    empty = history(date(2026, 3, 1), date(2026, 3, 1)).clear()
    got = profile.load_forecast(empty, week, PRAGUE, NOW, usual_load_w=450)
    assert got["model"].unique().to_list() == ["standard-profile"]
    assert got["power_w"].mean() == pytest.approx(0.8 * 450, rel=1e-9)
    peak = 1 + (standard_load.shape(week, PRAGUE).max() - 1) / 2
    assert got["power_w"].max() == pytest.approx(0.8 * 450 * peak)


def test_one_measured_day_counts_as_much_as_the_standard_household() -> None:
    """A flat 4096 W (root 8) measured for a day, stated so that the household has the root 2 somewhere: (8 + 2) / 2."""
    end = time_grid.floor_slot(NOW)
    starts = time_grid.slots(end - timedelta(days=1), end)
    known = pl.DataFrame({"starts_at": starts, "power_w": 4096.0})
    slots = time_grid.slots(end, end + timedelta(days=1))
    stated = 16 / standard_load.median(slots[:1], PRAGUE)[0]
    got = profile.load_forecast(known, slots, PRAGUE, NOW, usual_load_w=stated)
    assert got["power_w"][0] == pytest.approx(5**4)


def test_hours_nobody_measured_yet_stay_those_of_the_standard_household() -> None:
    """Six hours are known; nine hours later nothing within an hour of that time of day is."""
    end = time_grid.floor_slot(NOW)
    starts = time_grid.slots(end - timedelta(hours=6), end)
    known = pl.DataFrame({"starts_at": starts, "power_w": 4096.0})
    later = [end + timedelta(hours=9)]
    got = profile.load_forecast(known, later, PRAGUE, NOW, usual_load_w=400)
    assert got["power_w"][0] == pytest.approx(400 * standard_load.median(later, PRAGUE)[0])


def test_gaps_are_left_out_and_not_counted_as_zero() -> None:
    rows = history(date(2026, 1, 1), date(2026, 3, 15))
    broken = rows.with_columns(power_w=pl.when(pl.col("starts_at").dt.day() % 5 == 0).then(None).otherwise("power_w"))
    slots = time_grid.day_slots(date(2026, 3, 17), PRAGUE)
    whole, holed = (profile.load_forecast(h, slots, PRAGUE, NOW, 400)["power_w"] for h in (rows, broken))
    assert abs(whole.mean() - holed.mean()) < 5
