"""Bands that cover what they say: split-conformal widening of quantile forecasts.

A boosted 10 % quantile is fitted to the past it has seen and covers less of the future. Its misses on days it did not
see in training say by how much each edge must move (Romano, Patterson and Candes 2019, conformalised quantile
regression, with one tail per edge because loads are skewed).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline.arrays import Array

TAIL = 0.1
"""Share of actual values meant to fall below the lower edge, and as many above the upper one."""


@dataclass(frozen=True)
class BandShift:
    """How far each edge moves outwards (negative: inwards), in the unit the forecasts were given in."""

    low: float = 0.0
    high: float = 0.0
    samples: int = 0

    def apply(self, low: Array, middle: Array, high: Array) -> tuple[Array, Array]:
        """The edges moved, never crossing the middle."""
        return np.minimum(low - self.low, middle), np.maximum(high + self.high, middle)


def fit(
    actual: Array, low: Array, high: Array, independent: int | None = None, weight: Array | None = None
) -> BandShift:
    """The shift that would have left `TAIL` of the held-out values outside on each side.

    Args:
        actual, low, high: held-out values and the edges forecast for them; pairs with a NaN are left out.
        independent: how many of them count as independent, all by default. Quarter-hours of one evening miss together:
            a week of them proves little, and the rank below must be as careful as if there were few.
        weight: importance of each, all equal by default.
    """
    known = np.isfinite(actual) & np.isfinite(low) & np.isfinite(high)
    count = int(known.sum())
    if count == 0:
        return BandShift()
    # The finite-sample rank (n + 1)(1 - tail) of the conformal guarantee, at most the largest miss.
    pieces = min(count, independent or count)
    level = min(1.0, (pieces + 1) * (1 - TAIL) / pieces)
    share = np.ones(count) if weight is None else weight[known]
    below, above = (
        float(np.quantile(misses, level, method="inverted_cdf", weights=share))
        for misses in (low[known] - actual[known], actual[known] - high[known])
    )
    return BandShift(below, above, count)
