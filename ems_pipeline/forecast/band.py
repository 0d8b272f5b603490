"""The band around a forecast: boosted edges, moved until days they did not see are covered as they should be.

Edges are trained on everything. What to add to them is learned by leaving out every fourth week in turn and looking at
the misses there (CV+, Barber, Candes, Ramdas and Tibshirani 2021, by weeks because quarter-hours of one day resemble
each other; whole seasons left out would miss by more than a week does that follows what was learned), newer misses
counting more. A forecast for the next hours knows more than one for tomorrow, so near and far leads move by shifts of
their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ems_pipeline.arrays import Array, Mask, Positions
from ems_pipeline.forecast import calibration, gbm
from ems_pipeline.forecast.calibration import TAIL, BandShift

FOLDS = 4
ROUNDS = 80
WEEK_DAYS = 7
HALF_LIFE_DAYS = 40
"""A miss of forty days ago says half as much about tomorrow's as one of yesterday."""
NEAR_H = 4.0


@dataclass(frozen=True)
class Band:
    """Both edges and how far each moves, for near and for far leads."""

    low: gbm.Trees
    high: gbm.Trees
    shifts: tuple[BandShift, BandShift]

    def predict(self, rows: Array, names: tuple[str, ...], middle: Array) -> tuple[Array, Array]:
        """``(low, high)`` per row around ``middle``, never crossing it; ``lead_h`` is one of the features."""
        low, high = self.low.predict(rows, names), self.high.predict(rows, names)
        near, far = (shift.apply(low, middle, high) for shift in self.shifts)
        is_near = _is_near(rows, names)
        return np.where(is_near, near[0], far[0]), np.where(is_near, near[1], far[1])

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> Band:
        """From what ``dataclasses.asdict`` gave, after a way through JSON."""
        near, far = (BandShift(**shift) for shift in parts["shifts"])
        return cls(gbm.Trees.from_parts(parts["low"]), gbm.Trees.from_parts(parts["high"]), (near, far))


def fit(
    rows: Array, target: Array, names: tuple[str, ...], day: Positions, min_rows_in_leaf: int, weight: Array,
    pieces_per_day: int, counts: Mask | None = None,
) -> Band:  # fmt: skip
    """Train both edges and the shifts.

    Args:
        day: civil day of each row; the days of a week are left out together.
        counts: rows whose misses move the edges, all by default: what is known in advance proves no band.
        pieces_per_day: how many pieces of a day count as independent, see `calibration.fit`.

    Raises:
        ValueError: less than two weeks with rows.
    """
    settings = gbm.Settings(rounds=ROUNDS, min_rows_in_leaf=min_rows_in_leaf)

    def trained(seen: Mask, quantile: float) -> gbm.Trees:
        return gbm.fit(rows[seen], target[seen], quantile, names, settings, weight[seen])

    def unseen_edge(quantile: float) -> Array:
        return on_unseen_weeks(day, lambda seen: trained(seen, quantile).predict(rows[~seen], names))

    edges = [trained(np.ones(len(day), dtype=bool), quantile) for quantile in (TAIL, 1 - TAIL)]
    unseen = [unseen_edge(quantile) for quantile in (TAIL, 1 - TAIL)]
    fresh = 0.5 ** ((day.max() - day) / HALF_LIFE_DAYS)
    counted = np.ones(len(day), dtype=bool) if counts is None else counts
    near, pieces = _is_near(rows, names), pieces_per_day * len(np.unique(day))
    shifts = [
        calibration.fit(target[k], unseen[0][k], unseen[1][k], pieces, fresh[k])
        for k in (near & counted, ~near & counted)
    ]
    return Band(edges[0], edges[1], (shifts[0], shifts[1]))


def on_unseen_weeks(day: Positions, answer: Callable[[Mask], Array]) -> Array:
    """What is said of each row by whoever did not see its week: every fourth week is left out in turn.

    Args:
        answer: from a mask of the rows that may be seen to an answer for each of the others.

    Raises:
        ValueError: less than two weeks with rows.
    """
    weeks, week = np.unique((day - day.min()) // WEEK_DAYS, return_inverse=True)
    folds = min(FOLDS, len(weeks))
    if folds < 2:
        raise ValueError(
            f"all {len(day)} rows lie in one week; what is learned by leaving weeks out needs more history"
        )
    said = np.empty(len(day))
    for left_out in range(folds):
        seen = week % folds != left_out
        said[~seen] = answer(seen)
    return said


def _is_near(rows: Array, names: tuple[str, ...]) -> Mask:
    return rows[:, names.index("lead_h")] < NEAR_H
