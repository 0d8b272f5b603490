"""Bands are widened by what held-out days missed, tail by tail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.forecast import calibration, linear


def test_the_shift_is_the_rank_of_the_conformal_guarantee() -> None:
    """Ten misses 1..10 above the upper edge: rank ceil(0.9 * 11) = 10, the largest; the lower edge moves inwards."""
    actual = np.arange(1.0, 11.0)
    shift = calibration.fit(actual, np.full(10, -5.0), np.zeros(10))
    assert shift.high == 10.0
    assert shift.low == -6.0  # the nearest value lies 6 above the lower edge, so the edge may come in by 6
    assert shift.samples == 10


@given(st.integers(0, 2**31), st.floats(0.2, 3.0), st.floats(0.2, 3.0))
def test_at_least_nine_tenths_of_the_held_out_values_lie_inside_each_edge(seed: int, low: float, high: float) -> None:
    generator = np.random.default_rng(seed)
    actual = generator.lognormal(0, 1, 400)
    edges = np.full(400, low), np.full(400, low + high)
    shift = calibration.fit(actual, *edges)
    assert np.mean(actual >= edges[0] - shift.low) >= 0.9
    assert np.mean(actual <= edges[1] + shift.high) >= 0.9
    assert np.mean(actual < edges[0] - shift.low) >= 0.08


def test_few_independent_pieces_make_a_careful_edge() -> None:
    """A thousand misses 1..1000 are worth 19 pieces: rank 0.9 * 20 / 19 = 0.947 instead of 0.901."""
    actual = np.arange(1.0, 1001.0)
    edges = np.zeros(1000), np.zeros(1000)
    assert calibration.fit(actual, *edges).high == 901.0
    assert calibration.fit(actual, *edges, independent=19).high == 948.0


def test_newer_misses_decide_when_they_count_more() -> None:
    """Of nineteen misses of 1 and one of 10 the tenth is spent on the largest, unless that one weighs a quarter."""
    actual = np.array([1.0] * 19 + [10.0])
    edges = np.full(20, -5.0), np.zeros(20)
    assert calibration.fit(actual, *edges, independent=1000).high == 1.0
    assert calibration.fit(actual, *edges, 1000, np.array([1.0] * 19 + [6.0])).high == 10.0


def test_gaps_count_nowhere_and_nothing_known_moves_nothing() -> None:
    nothing = np.full(3, np.nan)
    assert calibration.fit(nothing, np.zeros(3), np.ones(3)) == calibration.BandShift()


def test_edges_never_cross_the_middle() -> None:
    low, high = calibration.BandShift(-5.0, -5.0, 9).apply(np.array([1.0]), np.array([2.0]), np.array([3.0]))
    assert (low[0], high[0]) == (2.0, 2.0)


def test_a_median_line_ignores_outliers_that_bend_a_mean() -> None:
    """y = 3 + 2x with one value in ten a hundred too high: least squares would be 10 too high."""
    x = np.linspace(0, 10, 200)
    y = 3 + 2 * x + np.where(np.arange(200) % 10 == 0, 100.0, 0.0)
    line = linear.fit(x[:, None], y, np.ones(200))
    assert line.predict(np.array([[5.0], [np.nan]])) == pytest.approx([13.0, 13.0], abs=0.3)


def test_a_line_that_learned_nothing_is_its_prior_and_one_that_learned_much_leaves_it() -> None:
    """y = 3 + 2x; a prior slope of 1 holds against a tiny ridge of evidence and gives way to plenty of it."""
    x = np.linspace(0, 1, 200)[:, None]
    y = 3 + 2 * x[:, 0]
    stubborn = linear.fit(x, y, np.ones(200), np.array([1.0]), ridge=1e9)
    assert stubborn.coefficients == pytest.approx((1.0,))
    assert linear.fit(x, y, np.ones(200), np.array([1.0]), ridge=1e-9).coefficients == pytest.approx((2.0,), abs=1e-3)
