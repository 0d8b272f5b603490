"""How the members of the load model see the features: levels as logarithms, for the line and relative to the line."""

from __future__ import annotations

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.forecast.linear import columns

# fmt: off
LEVELS = (
    "day_0", "smooth_day_0", "week_1", "median_28d", "mean_7d", "class_median_smooth", "weekday_median",
    "habit_2d", "habit_5d", "habit_5d_smooth", "habit_14d", "habit_14d_smooth", "weekday_habit", "weekday_fading",
)
MORE_LEVELS = ("smooth_day_1", "smooth_week_1", "low_28d", "high_28d")
"""The trees of what the line leaves see these, too."""
EXCESSES = ("carried_1h", "carried_3h", "unusual_24h")
LIVELY = (
    "lively_1h", "lively_3h", "lively_6h", "lively_24h", "lively_72h", "lively_168h", "lively_carried_1h",
    "lively_carried_3h", "lively_day_0", "lively_day_1", "lively_day_2", "lively_week",
)
CALENDAR = (
    "lead_h", "hour", "day_class", "weekday", "holiday", "holiday_tomorrow", "holiday_yesterday", "season",
)
# fmt: on
FLOOR_SHARE = 0.2
"""What the load is raised by before its logarithm is taken, as a share of its mean: ``floor_w``."""
LIVELY_SCALE = 0.5
"""Liveliness moves more than levels do; the ridge should not favour it."""


def straight_rows(rows: Array, names: tuple[str, ...], floor_w: float) -> Array:
    """Inputs of the median line: logarithms of the levels, excesses in units of the mean level, liveliness."""
    levels = _logarithms(rows, names, LEVELS, floor_w)
    # A level nobody measured is taken from the others of its row: better than what is usual all year.
    known = np.isfinite(levels)
    mean = np.where(known, levels, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    levels = np.where(known, levels, np.where(known.any(axis=1), mean, np.nan)[:, None])
    lively = np.nan_to_num(columns(rows, names, LIVELY)) * LIVELY_SCALE
    return np.column_stack([levels, columns(rows, names, EXCESSES) * (FLOOR_SHARE / floor_w), lively])


def level_prior() -> Array:
    """What the line is before it has learned anything: the mean of the levels."""
    return np.repeat([1 / len(LEVELS), 0.0], [len(LEVELS), len(EXCESSES) + len(LIVELY)])


def relative_rows(
    rows: Array, names: tuple[str, ...], floor_w: float, straight: Array
) -> tuple[Array, tuple[str, ...]]:
    """Inputs of the trees of what the line leaves, and their names: levels against ``straight``, the line's answer."""
    plain, levels = (*CALENDAR, *LIVELY), (*LEVELS, *MORE_LEVELS)
    relative = _logarithms(rows, names, levels, floor_w) - straight[:, None]
    return np.column_stack([columns(rows, names, plain), relative, straight]), (*plain, *levels, "straight")


def _logarithms(rows: Array, names: tuple[str, ...], wanted: tuple[str, ...], floor_w: float) -> Array:
    logarithms: Array = np.log(np.maximum(columns(rows, names, wanted), 0) + floor_w)
    return logarithms
