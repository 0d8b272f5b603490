"""The load of a household nobody has measured yet: a standard daily shape around a stated mean.

The shape is ours, drawn by hand after the common course of European standard household profiles: a night valley, a
small morning peak, noon, and an evening peak of one and a half times the mean. A week of measurement replaces it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array

# Relative load by hour of the wall clock, six hours a row.
# fmt: off
WORKDAY_BY_HOUR = (
    62, 52, 47, 45, 46, 56,
    86, 108, 102, 94, 92, 99,
    110, 104, 95, 93, 103, 128,
    158, 172, 166, 148, 118, 86,
)
WEEKEND_BY_HOUR = (
    70, 58, 50, 47, 47, 50,
    60, 82, 110, 126, 132, 140,
    148, 138, 120, 111, 112, 126,
    146, 156, 150, 134, 110, 84,
)
# fmt: on
MEDIAN_SHARE = 0.8
"""Loads are skewed: the median of a household's power lies about a fifth below its mean (measured on public homes)."""
PRONOUNCED = 0.5
"""A curve of many households promises a single one too much: half of its ups and downs leave the least error."""


def median(starts_at: Sequence[datetime], site_zone: ZoneInfo) -> Array:
    """Median of the load per slot that one household may be expected to have, as a share of its mean load."""
    return MEDIAN_SHARE * (1 + PRONOUNCED * (shape(starts_at, site_zone) - 1))


def shape(starts_at: Sequence[datetime], site_zone: ZoneInfo) -> Array:
    """Relative load per slot, week mean 1, by wall clock; linear between the middles of the hours."""
    week_mean = (5 * np.mean(WORKDAY_BY_HOUR) + 2 * np.mean(WEEKEND_BY_HOUR)) / 7
    weekend = np.array([time_grid.local_day(at, site_zone).weekday() >= 5 for at in starts_at], dtype=bool)
    hour = np.array([time_grid.slot_of_day(at, site_zone) for at in starts_at]) / 4 + 0.125
    middles = np.arange(24) + 0.5
    workday = np.interp(hour, middles, WORKDAY_BY_HOUR, period=24)
    free_day = np.interp(hour, middles, WEEKEND_BY_HOUR, period=24)
    return np.asarray(np.where(weekend, free_day, workday) / week_mean)
