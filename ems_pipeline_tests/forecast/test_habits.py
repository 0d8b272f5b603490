"""Habits fade, days of another kind count less, and liveliness is load over habit."""

from __future__ import annotations

import numpy as np
import pytest

from ems_pipeline.forecast import habits


def test_yesterday_counts_half_after_one_half_life() -> None:
    """Roots 2 and 3, half-life one day: (2 / 2 + 3) / (1 / 2 + 1) = 8 / 3."""
    means = habits.fading(np.array([[2.0], [3.0]]), np.array([0, 0]), 1)
    assert means[0, :, 0] == pytest.approx([2.0, 8 / 3])


def test_a_sunday_counts_three_tenths_for_a_working_day() -> None:
    """A working day of root 2, then a Sunday of root 4, half-life one day, as seen by either."""
    means = habits.fading(np.array([[2.0], [4.0]]), np.array([0, 2]), 1)
    assert means[0, 1, 0] == pytest.approx((2 * 0.5 + 4 * 0.3) / (0.5 + 0.3))
    assert means[2, 1, 0] == pytest.approx((2 * 0.3 * 0.5 + 4) / (0.3 * 0.5 + 1))


def test_a_day_without_measurements_leaves_habits_as_they_are() -> None:
    means = habits.fading(np.array([[np.nan], [2.0], [np.nan]]), np.zeros(3, int), 5)
    assert np.isnan(means[0, 0, 0])
    assert means[0, 1:, 0] == pytest.approx([2.0, 2.0])


def test_last_week_counts_more_than_the_one_before() -> None:
    weeks = np.array([3.0, np.nan, 1.0])[:, None, None]
    assert habits.of_weekday(weeks)[0, 0] == pytest.approx((3 + 0.49) / 1.49)


def test_sixteen_times_the_usual_load_is_a_liveliness_of_its_logarithm() -> None:
    assert habits.liveliness(np.array([2.0]), np.array([1.0])) == pytest.approx([np.log(16)])
    assert habits.liveliness(np.array([9.0]), np.array([1.0])) == pytest.approx([habits.LIVELIEST])
