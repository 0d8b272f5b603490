"""What a household usually does at a time of day, fading into the past, and how lively it is against that.

Means are taken of the fourth root of the power, which lies between median and mean: a kettle moves it little, a house
full of people does. Days of another class (working day, Saturday, Sunday or holiday) count less, not nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ems_pipeline.arrays import Array

ROOT = 0.25
HALF_LIVES_DAYS = (2, 5, 14)
CLASSES = 3
OTHER_CLASS = 0.3
"""Weight of a day of another class."""
FADING_PER_WEEK = 0.7
LIVELIEST = 3.0
"""Bound of the logarithm of a ratio: twenty times the usual load is a fault of the meter or a new machine."""


def fading(roots: Array, classes: NDArray[Any], half_life_days: float) -> Array:
    """Fading mean ``[class, day, slot]`` of ``roots`` ``[day, slot]`` up to and including each day, NaN before any.

    Args:
        classes: of each day, 0 to 2.
    """
    keep = 0.5 ** (1 / half_life_days)
    known = np.isfinite(roots)
    total, count = np.zeros((CLASSES, roots.shape[1])), np.zeros((CLASSES, roots.shape[1]))
    means = np.full((CLASSES, *roots.shape), np.nan)
    for day, today in enumerate(np.where(known, roots, 0.0)):
        weight = np.where(np.arange(CLASSES) == classes[day], 1.0, OTHER_CLASS)[:, None]
        total = total * keep + today * weight
        count = count * keep + known[day] * weight
        means[:, day] = np.where(count > 0, total / np.maximum(count, 1e-9), np.nan)
    return means


def of_weekday(weeks: Array) -> Array:
    """Mean of ``[week, day, slot]``, newest week first, each counting `FADING_PER_WEEK` of the one after it."""
    weight = FADING_PER_WEEK ** np.arange(len(weeks))[:, None, None] * np.isfinite(weeks)
    total = weight.sum(axis=0)
    return np.where(total > 0, (weight * np.nan_to_num(weeks)).sum(axis=0) / np.maximum(total, 1e-9), np.nan)


def liveliness(measured: Array, usual: Array) -> Array:
    """Logarithm of load over usual load, from means of roots of both."""
    ratio = np.log(np.maximum(measured, 1e-3) / np.maximum(usual, 1e-3)) / ROOT
    return np.clip(ratio, -LIVELIEST, LIVELIEST)
