"""Steps of a weather model -> quarter-hours: the one place that knows what a time stamp means.

Radiation is a mean over a step and must keep its mean when the step is split; temperature, cloud and wind are instants
and are read off between two of them. Add here what holds for every source.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array

COLUMNS = ("temperature_c", "ghi_w_m2", "dni_w_m2", "dhi_w_m2", "cloud_pct", "wind_m_s")
RADIATION = ("ghi_w_m2", "dni_w_m2", "dhi_w_m2")

CLEAR_SKY_FLOOR_W_M2 = 20.0
"""Below this the ratio to the clear sky says nothing; the neighbour's is used."""


def quarter_starts(first: datetime, step: timedelta, count: int) -> list[datetime]:
    """Slot starts of ``count`` consecutive steps beginning at ``first``."""
    return time_grid.slots(first, first + step * count)


def split_mean(step_mean: Array, parts: int, shape: Array) -> Array:
    """Split step means into ``parts`` quarter-hours each, following ``shape``, without changing any mean.

    The ratio to ``shape`` (the clear sky for global radiation) is interpolated between the middles of the steps, so a
    clouding morning has no staircase; each step is then rescaled to its own mean exactly.

    Args:
        step_mean: one value per step, >= 0; NaN where the source has none (stays NaN).
        parts: quarter-hours per step.
        shape: one value per quarter-hour, >= 0.
    """
    if parts == 1:
        return step_mean.copy()
    base = shape.reshape(-1, parts).mean(axis=1)
    known = (base > CLEAR_SKY_FLOOR_W_M2) & np.isfinite(step_mean)
    raw = shape.copy()
    if known.any():
        middles = np.arange(len(step_mean)) * parts + (parts - 1) / 2
        ratio = np.interp(np.arange(len(shape)), middles[known], step_mean[known] / base[known])
        raw = shape * ratio
    quarters = raw.reshape(-1, parts)
    means = quarters.mean(axis=1, keepdims=True)
    # A step whose shape is all dark but whose mean is not (a grid cell over a ridge) stays flat.
    flat = np.ones_like(quarters)
    spread = np.where(means > 0, quarters / np.where(means > 0, means, 1.0), flat)
    return (spread * step_mean[:, None]).reshape(-1)


def at_midpoints(instants: Array, parts: int) -> Array:
    """Mean over each quarter-hour of a quantity given at the END of each step, linear in between.

    The quarter-hours before the first instant hold it: they lie less than one step from a value that was measured.
    Quarter-hours next to a missing instant are NaN.
    """
    known_at = (np.arange(len(instants)) + 1.0) * parts
    wanted = np.arange(len(instants) * parts) + 0.5
    value = np.interp(wanted, known_at, np.nan_to_num(instants))
    touched_by_gap = np.interp(wanted, known_at, np.isnan(instants).astype(float)) > 0
    value[touched_by_gap] = np.nan
    return np.asarray(value)


def drop_unknown_tail(frame: pl.DataFrame) -> pl.DataFrame:
    """Cut the far end where temperature or global radiation are null: the model's horizon, not darkness."""
    known = frame.select(pl.col("temperature_c").is_not_null() & pl.col("ghi_w_m2").is_not_null()).to_series()
    last = known.arg_true()
    return frame.head(int(last[-1]) + 1) if len(last) else frame.clear()
