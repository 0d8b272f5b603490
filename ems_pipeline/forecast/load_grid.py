"""Measured load on an even grid, arranged by civil day and wall-clock slot, and the daily shapes found in it.

What is precomputed here for day ``d`` uses the measurements up to the end of day ``d`` and nothing later; which day a
feature may read is decided in `features`. Add a statistic of past days as one entry of a ``*_shapes`` property.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ems_pipeline import local_time, time_grid
from ems_pipeline.arrays import Array, Positions
from ems_pipeline.forecast import habits
from ems_pipeline.forecast.windows import days_before, last_days, mean_around, quantile, quietly
from ems_pipeline.local_time import INSTANT

WEATHER = ("temperature_c", "ghi_w_m2")
PARTS = 4
"""Night, morning, afternoon, evening: their latest known means say how lively the house is."""


@dataclass(frozen=True)
class LoadGrid:
    """Measured load on an even grid, arranged by civil day and wall-clock slot.

    ``values`` is W per step, NaN where not measured (all of the future is). ``day`` and ``slot`` say for each position
    which civil day (counted from ``first_day``) and which step of the wall clock it is.
    """

    start: datetime
    step: timedelta
    values: Array
    day: Positions
    slot: Positions
    first_day: date
    country: str | None = None
    weather: Mapping[str, Array] = field(default_factory=dict)
    """As forecast for each position, by the names of `WEATHER`; empty where nobody asked for it."""

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

        ``weather`` ``[starts_at, *WEATHER]``, as it was known half a day ahead, is laid on the same grid.
        """
        start = history["starts_at"].min()
        at = pl.Series("starts_at", range((until - start) // step)) * step + start  # type: ignore[operator]
        frame = pl.DataFrame({"starts_at": at.cast(history.schema["starts_at"])})
        frame = frame.join(history.unique("starts_at", keep="last"), on="starts_at", how="left", maintain_order="left")
        local = local_time.wall(pl.col("starts_at"), site_zone)
        minute = local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute().cast(pl.Int64)
        clock = frame.select(day=local.dt.date(), slot=minute // (step // time_grid.MINUTE))
        first_day: date = clock["day"][0]
        sky = {}
        if weather is not None:
            joined = frame.join(weather, on="starts_at", how="left", maintain_order="left")
            sky = {name: joined[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in WEATHER}
        return cls(
            start=start,  # type: ignore[arg-type]
            step=step,
            values=frame["power_w"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
            day=clock["day"].to_physical().cast(pl.Int64).to_numpy() - (first_day - date(1970, 1, 1)).days,
            slot=clock["slot"].to_numpy(),
            first_day=first_day,
            country=country,
            weather=sky,
        )

    def position(self, at: datetime) -> int:
        """Grid position of an instant."""
        return (time_grid.utc(at) - self.start) // self.step

    def instants(self, positions: Positions) -> pl.Series:
        """The instant of each grid position."""
        return (pl.Series(positions) * self.step + self.start).cast(INSTANT)

    def steps(self, hours: float) -> int:
        """How many steps ``hours`` are, at least one."""
        return max(1, round(timedelta(hours=hours) / self.step))

    @cached_property
    def per_day(self) -> int:
        """Steps of a wall-clock day; not the number of slots of a particular day."""
        return self.steps(24)

    @cached_property
    def by_day(self) -> Array:
        """The load ``[day, slot]``; see `arranged`."""
        return self.arranged(self.values)

    def arranged(self, values: Array) -> Array:
        """``[day, slot]`` by the wall clock: the skipped hour is NaN, the repeated one a mean."""
        shape = (int(self.day[-1]) + 1, self.per_day)
        total, count = np.zeros(shape), np.zeros(shape)
        known = np.isfinite(values)
        np.add.at(total, (self.day[known], self.slot[known]), values[known])
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
        return mean_around(matrix.reshape(-1), self.steps(1)).reshape(matrix.shape)

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
            "low_28d": quantile(four_weeks, 0.1),
            "high_28d": quantile(four_weeks, 0.9),
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
        return np.asarray(self.class_shapes["class_mean"][kind, np.maximum(self.day - 1, 0), self.slot])

    @cached_property
    def day_class(self) -> NDArray[Any]:
        """Per civil day 0 Monday-Friday, 1 Saturday, 2 Sunday or holiday."""
        return np.where(self.calendar["holiday"] > 0, 2, self.calendar["class"])

    @cached_property
    def habits(self) -> dict[int, Array]:
        """Roots of what is usual ``[class, day, slot]``, by half-life in days; see `habits`."""
        roots = np.maximum(self.by_day, 0) ** habits.ROOT
        return {days: habits.fading(roots, self.day_class, days) for days in habits.HALF_LIVES_DAYS}

    @cached_property
    def weekday_habits(self) -> dict[str, Array]:
        """Plain and fading mean of roots of the same weekday in the eight weeks before each day, ``[day, slot]``."""
        roots = np.maximum(self.by_day, 0) ** habits.ROOT
        weeks = np.stack([days_before(roots, 7 * week) for week in range(1, 9)])
        return {"weekday_habit": quietly(np.nanmean, weeks, 0), "weekday_fading": habits.of_weekday(weeks)}

    @cached_property
    def roots(self) -> tuple[Array, Array]:
        """Roots of the load per position and of what was usual there the day before; NaN unless both are known."""
        root = np.maximum(self.values, 0) ** habits.ROOT
        usual = self.habits[max(habits.HALF_LIVES_DAYS)][
            self.day_class[self.day], np.maximum(self.day - 1, 0), self.slot
        ]
        known = np.isfinite(root) & np.isfinite(usual) & (self.day > 0)
        return np.where(known, root, np.nan), np.where(known, usual, np.nan)

    @cached_property
    def lively_around(self) -> Array:
        """Liveliness of the three hours before to the three hours after each slot, ``[day, slot]``."""
        reach, means = self.steps(3), []
        for roots in self.roots:
            by_day = self.arranged(roots)
            means.append(mean_around(by_day.reshape(-1), reach).reshape(by_day.shape))
        return habits.liveliness(*means)

    @cached_property
    def parts_of_day(self) -> Array:
        """Mean load of the four quarters of each civil day, ``[day, part]``."""
        return quietly(np.nanmean, self.by_day.reshape(len(self.by_day), PARTS, -1), 2)
