"""Measured load on an even grid, arranged by civil day and wall-clock slot, and the daily shapes found in it.

What is precomputed here for day ``d`` uses the measurements up to the end of day ``d`` and nothing later; which day a
feature may read is decided in `features`. Add a statistic of past days as one entry of a ``*_shapes`` property.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ems_pipeline import time_grid

Array = NDArray[np.float64]
Index = NDArray[np.int64]

PARTS = 4
"""Night, morning, afternoon, evening: their latest known means say how lively the house is."""


def quietly(statistic: Callable[..., Array], values: Array, axis: int) -> Array:
    """A nan-aware statistic; a window without any value is NaN, which is an answer and no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return statistic(values, axis=axis)


def _quantile(windows: Array, share: float) -> Array:
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


def mean_before(values: Array, steps: int) -> Array:
    """Mean of the ``steps`` values that end with each position; NaN where none is measured."""
    return _window_mean(values, np.arange(len(values)) - steps + 1, np.arange(len(values)) + 1)


def _mean_around(values: Array, steps: int) -> Array:
    at = np.arange(len(values))
    return _window_mean(values, at - steps, at + steps + 1)


def _window_mean(values: Array, first: Index, end: Index) -> Array:
    known = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    first, end = np.clip(first, 0, len(values)), np.clip(end, 0, len(values))
    seen = count[end] - count[first]
    return np.where(seen > 0, (total[end] - total[first]) / np.maximum(seen, 1), np.nan)


@dataclass(frozen=True)
class LoadGrid:
    """Measured load on an even grid, arranged by civil day and wall-clock slot.

    ``values`` is W per step, NaN where not measured (all of the future is). ``day`` and ``slot`` say for each position
    which civil day (counted from ``first_day``) and which step of the wall clock it is.
    """

    start: datetime
    step: timedelta
    values: Array
    day: Index
    slot: Index
    first_day: date
    country: str | None = None
    temperature_c: Array | None = field(default=None)

    @classmethod
    def build(
        cls,
        history: pl.DataFrame,
        site_zone: ZoneInfo,
        until: datetime,
        country: str | None = None,
        step: timedelta = time_grid.SLOT,
        weather: pl.DataFrame | None = None,
    ) -> LoadGrid:
        """The grid from the first row of ``history`` ``[starts_at, power_w]`` to ``until``; NaN where not measured.

        ``weather`` ``[starts_at, temperature_c]``, as known at each decision time, adds the outdoor temperature.
        """
        start = history["starts_at"].min()
        at = pl.Series("starts_at", range((until - start) // step)) * step + start  # type: ignore[operator]
        frame = pl.DataFrame({"starts_at": at.cast(history.schema["starts_at"])})
        frame = frame.join(history.unique("starts_at", keep="last"), on="starts_at", how="left", maintain_order="left")
        local = pl.col("starts_at").dt.convert_time_zone(site_zone.key)
        minute = local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute().cast(pl.Int64)
        clock = frame.select(day=local.dt.date(), slot=minute // (step // time_grid.MINUTE))
        first_day: date = clock["day"][0]
        temperature = None
        if weather is not None:
            joined = frame.join(weather, on="starts_at", how="left", maintain_order="left")
            temperature = joined["temperature_c"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return cls(
            start=start,  # type: ignore[arg-type]
            step=step,
            values=frame["power_w"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
            day=clock["day"].to_physical().cast(pl.Int64).to_numpy() - (first_day - date(1970, 1, 1)).days,
            slot=clock["slot"].to_numpy(),
            first_day=first_day,
            country=country,
            temperature_c=temperature,
        )

    def position(self, at: datetime) -> int:
        """Grid position of an instant."""
        return (time_grid.utc(at) - self.start) // self.step

    def instants(self, positions: Index) -> pl.Series:
        """The instant of each grid position."""
        return (pl.Series(positions) * self.step + self.start).cast(pl.Datetime("us", "UTC"))

    def steps(self, hours: float) -> int:
        """How many steps ``hours`` are, at least one."""
        return max(1, round(timedelta(hours=hours) / self.step))

    @cached_property
    def per_day(self) -> int:
        """Steps of a wall-clock day; not the number of slots of a particular day."""
        return self.steps(24)

    @cached_property
    def by_day(self) -> Array:
        """``[day, slot]`` by the wall clock: the skipped hour is NaN, the repeated one a mean."""
        shape = (int(self.day[-1]) + 1, self.per_day)
        total, count = np.zeros(shape), np.zeros(shape)
        known = np.isfinite(self.values)
        np.add.at(total, (self.day[known], self.slot[known]), self.values[known])
        np.add.at(count, (self.day[known], self.slot[known]), 1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    @cached_property
    def calendar(self) -> dict[str, NDArray[Any]]:
        """Per civil day: weekday, class (0 Monday-Friday, 1 Saturday, 2 Sunday), holidays, season (1 midwinter)."""
        import holidays

        days = [self.first_day + timedelta(days=i) for i in range(len(self.by_day) + 1)]
        known = holidays.country_holidays(self.country) if self.country else {}
        free = np.array([day in known for day in days], dtype=float)
        weekday = np.array([day.weekday() for day in days])[:-1]
        return {
            "weekday": weekday,
            "class": np.maximum(weekday - 4, 0),
            "holiday": free[:-1],
            "holiday_tomorrow": free[1:],
            "season": np.cos(2 * np.pi * np.array([day.timetuple().tm_yday for day in days[:-1]]) / 365.25),
        }

    def smoothed(self, matrix: Array) -> Array:
        """Mean over an hour before to an hour after, across midnights."""
        return _mean_around(matrix.reshape(-1), self.steps(1)).reshape(matrix.shape)

    @cached_property
    def shapes(self) -> dict[str, Array]:
        """Statistics ``[day, slot]`` of the days up to and including each day."""
        four_weeks = last_days(self.by_day, 28)
        steady = np.full(self.per_day, np.nan)
        fading = np.empty_like(self.by_day)
        for i, today in enumerate(self.by_day):
            steady = np.where(np.isnan(steady), today, np.where(np.isnan(today), steady, 0.85 * steady + 0.15 * today))
            fading[i] = steady
        return {
            "mean_7d": quietly(np.nanmean, last_days(self.by_day, 7), -1),
            "mean_28d": quietly(np.nanmean, four_weeks, -1),
            "median_28d": quietly(np.nanmedian, four_weeks, -1),
            "low_28d": _quantile(four_weeks, 0.1),
            "high_28d": _quantile(four_weeks, 0.9),
            "fading_mean": fading,
        }

    @cached_property
    def class_shapes(self) -> dict[str, Array]:
        """Eight-week mean and median by class of day, ``[class, day, slot]``; other days where a class has none."""
        mean, median = [], []
        for kind in range(3):
            of_kind = (self.calendar["class"] == kind)[:, None]
            window = last_days(np.where(of_kind, self.by_day, np.nan), 56)
            mean.append(quietly(np.nanmean, window, -1))
            median.append(quietly(np.nanmedian, window, -1))
        filled = {
            "class_mean": np.where(np.isnan(mean), self.shapes["mean_28d"], np.array(mean)),
            "class_median": np.where(np.isnan(median), self.shapes["median_28d"], np.array(median)),
        }
        return filled | {f"{name}_smooth": np.stack([self.smoothed(m) for m in v]) for name, v in filled.items()}

    @cached_property
    def weekday_shapes(self) -> dict[str, Array]:
        """Mean and median of the same weekday in the eight weeks before each day, ``[day, slot]``."""
        weeks = np.stack([days_before(self.by_day, 7 * week) for week in range(1, 9)])
        return {
            "weekday_mean": quietly(np.nanmean, weeks, 0),
            "weekday_median": quietly(np.nanmedian, weeks, 0),
            "weekday_mean_smooth": self.smoothed(quietly(np.nanmean, weeks, 0)),
        }

    @cached_property
    def usual(self) -> Array:
        """For each position, the class mean of its slot as known the day before: what "more than usual" refers to."""
        kind = self.calendar["class"][self.day]
        return self.class_shapes["class_mean"][kind, np.maximum(self.day - 1, 0), self.slot]

    @cached_property
    def parts_of_day(self) -> Array:
        """Mean load of the four quarters of each civil day, ``[day, part]``."""
        return quietly(np.nanmean, self.by_day.reshape(len(self.by_day), PARTS, -1), 2)


def days_before(matrix: Array, days: int) -> Array:
    """``matrix`` moved down: row ``d`` holds day ``d - days``, NaN before the first."""
    return np.vstack([np.full((days, matrix.shape[1]), np.nan), matrix])[: len(matrix)]
