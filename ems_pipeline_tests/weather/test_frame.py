"""Splitting steps into quarter-hours: means are kept, nothing goes below zero, gaps stay gaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.weather.frame import at_midpoints, split_mean

HOURS = st.lists(st.floats(0, 1400), min_size=1, max_size=30)


@given(HOURS, st.integers(0, 2**32 - 1))
def test_a_split_keeps_every_mean_and_never_goes_below_zero(hours: list[float], seed: int) -> None:
    shape = np.maximum(np.random.default_rng(seed).normal(200, 300, len(hours) * 4), 0)
    quarters = split_mean(np.array(hours), 4, shape)
    np.testing.assert_allclose(quarters.reshape(-1, 4).mean(axis=1), hours, rtol=1e-9, atol=1e-9)
    assert (quarters >= 0).all()


def test_a_missing_hour_is_missing_in_its_quarters_only() -> None:
    quarters = split_mean(np.array([100.0, np.nan, 300.0]), 4, np.full(12, 500.0)).reshape(-1, 4)
    assert np.isnan(quarters).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(quarters[[0, 2]]).sum() == 0


def test_a_clear_day_comes_back_as_the_clear_day() -> None:
    clear = 800 * np.sin(np.linspace(0, np.pi, 48))
    np.testing.assert_allclose(split_mean(clear.reshape(-1, 4).mean(axis=1), 4, clear), clear, rtol=1e-9, atol=1e-9)


def test_instants_next_to_a_missing_one_are_missing() -> None:
    values = at_midpoints(np.array([1.0, np.nan, 3.0, 4.0]), 4)
    assert np.isnan(values).sum() == 8  # the hour before and the hour after the missing instant
    assert values[-4:].tolist() == [3.125, 3.375, 3.625, 3.875]
