"""Forecasts as they would have been issued: every two hours, from what was measured until then and nothing later.

Load: the product's own model, trained anew every week, the profile until there is enough. PV without a weather
forecast: what the same quarter-hour gave on average in the last fortnight, newer days counting more, times how the
last hour compares with it, which is forgotten within hours. With weather the product's PV forecast is better than that;
money won with this one is therefore less than it could be, for everybody who is compared alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array, Positions
from ems_pipeline.backtest.history import Record
from ems_pipeline.forecast import load_model, profile
from ems_pipeline.forecast.load_grid import LoadGrid
from ems_pipeline.plan.assembly import courses
from ems_pipeline.plan.assembly.courses import Missed

EVERY = 8
"""Slots between two issues."""
AHEAD = 4 * 37
"""Slots of an issue: from 13:15 to the end of the next day, and a clock change."""
TRAINED_EVERY = 7 * 96
DAYS = 14
HALF_LIFE_DAYS = 3.0
"""A day so many days ago counts half: the season moves on, and one day's clouds say little."""
HOUR = 4
FORGOTTEN_SLOTS = 24.0
"""After so many slots a third of a deviation is still believed."""
RATIO = (0.2, 2.0)
NEVER = 1e-12
"""Weight of a quarter-hour that was not measured on any day; it is expected to be nothing."""


@dataclass(frozen=True)
class Issued:
    """Issues in order, the first of slot ``first``, each of `AHEAD` slots; see `history.Expected`."""

    first: int
    load_w: Array
    pv_w: Array

    def at(self, t: int, until: int) -> tuple[Array, Array]:
        """See `history.Expected`."""
        number, begun = divmod(t - self.first, EVERY)
        window = slice(begun, begun + until - t)
        return self.load_w[number, window], self.pv_w[number, window]

    def same_until(self, t: int) -> int:
        """See `history.Expected`."""
        return t + EVERY - (t - self.first) % EVERY

    def missed(self, actual: Record, t: int) -> list[Missed]:
        """See `history.Expected`."""
        found = []
        for back in courses.DAYS:
            then = t - courses.DAY * back
            if then < self.first:
                break
            day = slice(then, then + courses.DAY)
            load_w, pv_w = self.at(then, day.stop)
            found.append(Missed(back, actual.load_w[day] - load_w, actual.pv_w[day] - pv_w))
        return found


def issued(
    starts: list[datetime], load_w: Array, pv_w: Array, zone: ZoneInfo, slots: range, usual_w: float,
    *, is_learnt: bool = True,
) -> Issued:  # fmt: skip
    """All issues that plans of ``slots`` look at, from measured load and PV (W, NaN where not measured).

    They begin a week earlier, where a week was measured before that: how it was missed says what may come.

    Args:
        is_learnt: by the product's model; else load, too, is expected as PV is.
    """
    first = slots.start - max(0, min(TRAINED_EVERY, (slots.start - TRAINED_EVERY) // EVERY * EVERY))
    origins = np.arange(first, slots.stop, EVERY)
    pv = np.stack([persistence(pv_w[:t], AHEAD) for t in origins])
    if not is_learnt:
        return Issued(first, np.stack([persistence(load_w[:t], AHEAD) for t in origins]), pv)
    return Issued(first, _load(starts, load_w, zone, origins, usual_w), pv)


def persistence(before_w: Array, ahead: int) -> Array:
    """The mean of up to a fortnight by quarter-hour of the day (UTC), newer days counting more, times what the last
    hour was of it, fading.
    """
    day = time_grid.ONE_DAY // time_grid.SLOT
    count = min(DAYS, len(before_w) // day)
    days = before_w[len(before_w) - count * day :].reshape(count, day)
    weight = 0.5 ** (np.arange(count - 1, -1, -1) / HALF_LIFE_DAYS)[:, None] * np.isfinite(days)
    usual = (np.nan_to_num(days) * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), NEVER)
    lately, expected = np.nansum(before_w[-HOUR:]), usual[-HOUR:].sum()
    ratio = float(np.clip(lately / expected, *RATIO)) if expected > 0 else 1.0
    believed = 1 + (ratio - 1) * np.exp(-np.arange(ahead) / FORGOTTEN_SLOTS)
    return np.asarray(np.resize(usual, ahead) * believed)


def _load(starts: list[datetime], load_w: Array, zone: ZoneInfo, origins: Positions, usual_w: float) -> Array:
    history = pl.DataFrame({"starts_at": starts, "power_w": load_w}).with_columns(pl.col("power_w").fill_nan(None))
    grid = LoadGrid.build(history, zone, starts[-1] + time_grid.SLOT)
    found = np.empty((len(origins), AHEAD))
    for begin in range(0, len(origins), TRAINED_EVERY // EVERY):
        week = origins[begin : begin + TRAINED_EVERY // EVERY]
        part = slice(begin, begin + len(week))
        if load_model.has_enough(grid, int(week[0])):
            model = load_model.train(grid, int(week[0]))
            target = np.minimum(week[:, None] + np.arange(AHEAD), len(starts) - 1)
            _, middle, _ = model.predict(grid, np.repeat(week, AHEAD), target.ravel())
            found[part] = middle.reshape(target.shape)
        else:
            for row, t in enumerate(week, begin):
                found[row] = _by_profile(history, starts, zone, int(t), usual_w)
    return found


def _by_profile(history: pl.DataFrame, starts: list[datetime], zone: ZoneInfo, t: int, usual_w: float) -> Array:
    at = starts[t]
    known = history.filter(pl.col("starts_at").is_between(at - timedelta(weeks=profile.WEEKS + 1), at, closed="left"))
    slots = [at + k * time_grid.SLOT for k in range(AHEAD)]
    return profile.load_forecast(known.drop_nulls(), slots, zone, at, usual_w)["power_w"].to_numpy()
