"""The band covers what it says, for near and far leads alike, and is stored to the last bit."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from ems_pipeline.arrays import Array
from ems_pipeline.forecast import band

NAMES = ("lead_h", "level", "noise")


def days(count: int, seed: int) -> tuple[Array, Array, NDArray[np.int64]]:
    """48 rows a day around a level; what is half an hour ahead is known four times as well as what is a day ahead."""
    generator = np.random.default_rng(seed)
    day = np.repeat(np.arange(count), 48)
    level = generator.uniform(5, 8, len(day))
    lead_h = np.where(generator.random(len(day)) < 0.5, 0.5, 24.0)
    target = level + generator.normal(0, np.where(lead_h < 1, 0.2, 0.8))
    return np.column_stack([lead_h, level, generator.random(len(day))]), target, day


@cache
def trained() -> band.Band:
    rows, target, day = days(60, seed=1)
    return band.fit(rows, target, NAMES, day, 60, np.ones(len(day)), pieces_per_day=48)


def test_unseen_days_are_covered_by_eighty_percent_near_and_far() -> None:
    rows, target, _ = days(60, seed=2)
    low, high = trained().predict(rows, NAMES, rows[:, 1])
    inside = (low <= target) & (target <= high)
    near = rows[:, 0] < band.NEAR_H
    assert inside[near].mean() == pytest.approx(0.8, abs=0.04)
    assert inside[~near].mean() == pytest.approx(0.8, abs=0.04)
    assert (high - low)[near].mean() < 0.5 * (high - low)[~near].mean()


def test_nights_that_are_known_in_advance_do_not_move_the_edges() -> None:
    """Every second row is such a night: only the others are counted, near and far."""
    rows, target, day = days(28, seed=6)
    lit = np.arange(len(day)) % 2 == 0
    made = band.fit(rows, target * lit, NAMES, day, 60, np.ones(len(day)), 48, lit)
    near = rows[:, 0] < band.NEAR_H
    assert [shift.samples for shift in made.shifts] == [(lit & near).sum(), (lit & ~near).sum()]


def test_edges_never_cross_the_middle() -> None:
    rows, _, _ = days(2, seed=3)
    for middle in (np.zeros(len(rows)), np.full(len(rows), 20.0)):
        low, high = trained().predict(rows, NAMES, middle)
        assert (low <= middle).all()
        assert (middle <= high).all()


def test_a_stored_band_is_the_same_to_the_last_bit() -> None:
    rows, _, _ = days(2, seed=4)
    again = band.Band.from_parts(json.loads(json.dumps(asdict(trained()))))
    pairs = zip(*(made.predict(rows, NAMES, rows[:, 1]) for made in (trained(), again)), strict=True)
    for one, other in pairs:
        assert np.array_equal(one, other)


def test_one_week_has_none_to_leave_out() -> None:
    rows, target, day = days(7, seed=5)
    with pytest.raises(ValueError, match="lie in one week"):
        band.fit(rows, target, NAMES, day, 20, np.ones(len(day)), pieces_per_day=4)
