"""Statistics over windows of time that know what a gap is: NaN is left out, and a window without any value is NaN."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from ems_pipeline.arrays import Array, Positions


def quietly(statistic: Callable[..., Array], values: Array, axis: int) -> Array:
    """A nan-aware statistic; a window without any value is NaN, which is an answer and no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return statistic(values, axis=axis)


def quantile(windows: Array, share: float) -> Array:
    """Linear quantile of the known values along the last axis; numpy's own takes seconds for a year of windows."""
    ordered = np.sort(windows, axis=-1)  # NaN last
    known = np.isfinite(windows).sum(axis=-1)
    rank = share * np.maximum(known - 1, 0)
    below = np.floor(rank).astype(np.int64)
    low = np.take_along_axis(ordered, below[..., None], -1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(below + 1, np.maximum(known - 1, 0))[..., None], -1)[..., 0]
    return np.where(known > 0, low + (high - low) * (rank - below), np.nan)


def last_days(matrix: Array, days: int) -> Array:
    """``[day, slot, window]``: the ``days`` days that end with each day, NaN before the first."""
    padded = np.vstack([np.full((days - 1, matrix.shape[1]), np.nan), matrix])
    return np.lib.stride_tricks.sliding_window_view(padded, days, axis=0)


def mean_before(values: Array, steps: int, least: float = 0.0) -> Array:
    """Mean of the ``steps`` values that end with each position; NaN where none, or less than ``least``, is known.

    Args:
        least: share of the window that must be known.
    """
    return _window_mean(values, np.arange(len(values)) - steps + 1, np.arange(len(values)) + 1, least)


def mean_around(values: Array, steps: int) -> Array:
    at = np.arange(len(values))
    return _window_mean(values, at - steps, at + steps + 1)


def _window_mean(values: Array, first: Positions, end: Positions, least: float = 0.0) -> Array:
    known, enough = np.isfinite(values), np.maximum(1, least * (end - first))
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    first, end = np.clip(first, 0, len(values)), np.clip(end, 0, len(values))
    seen = count[end] - count[first]
    return np.where(seen >= enough, (total[end] - total[first]) / np.maximum(seen, 1), np.nan)


def days_before(matrix: Array, days: int) -> Array:
    """``matrix`` moved down: row ``d`` holds day ``d - days``, NaN before the first."""
    return np.vstack([np.full((days, matrix.shape[1]), np.nan), matrix])[: len(matrix)]
