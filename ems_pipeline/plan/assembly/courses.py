"""Ways in which load, sun and later prices may go: today's forecast, each with what a day before missed of its own.

A day's misses follow each other (a cloudy day is cloudy for hours), so they are taken as a whole path from the same
time of day on. Where a path ends it begins again a day earlier; so do forecasts and prices that do not reach further.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import Course

DAY = 96
"""Slots."""
DAYS = range(1, 9)
"""How many days ago each course's forecast was issued: a week and a day, and the season is still the same."""
LATE = 8
"""Slots before now of which not all that was measured may be in yet: yesterday's path is taken as forecast there."""
FEWEST = 3
"""Fewer days say too little of what may come."""
HOURS_AFTER = 24
PER_HOUR = 4


@dataclass(frozen=True)
class Missed:
    """What came less what had been forecast in a day's slots from the same time of day on, W; NaN: not measured."""

    days_back: int
    load_w: Array
    pv_w: Array


def courses(
    load_w: Array, pv_w: Array, missed: Sequence[Missed], most_pv_w: Array, slots: int, buy: Array, sell: Array
) -> tuple[Course, ...]:  # fmt: skip
    """One course per day that missed something; none where fewer than `FEWEST` did.

    Args:
        load_w, pv_w: forecasts from now on, W, of the horizon's ``slots`` at least.
        missed: of several days.
        most_pv_w: most that the sun gave lately in each slot of a day from now on, W.
        buy, sell: prices known, per kWh, of days before and the horizon; they end with it.
    """
    whole = [day for day in map(_believable, missed) if _is_whole(day)]
    if len(whole) < FEWEST or min(len(load_w), len(pv_w)) < DAY or len(buy) < DAYS.stop * DAY:
        return ()
    until = slots + HOURS_AFTER * PER_HOUR
    load_w, pv_w = onwards(load_w, until), onwards(pv_w, until)
    most_w = np.maximum(pv_w, onwards(most_pv_w, until))
    again = np.arange(until) % DAY
    load = np.maximum(load_w + np.array([day.load_w for day in whole])[:, again], 0.0)
    lacking = load - np.clip(pv_w + np.array([day.pv_w for day in whole])[:, again], 0.0, most_w)
    deficit_w = np.hstack([lacking[:, :slots], _hourly(lacking[:, slots:])]).round(1)
    back = [-day.days_back for day in whole]
    after = (_hourly(known[-(DAYS.stop - 1) * DAY :].reshape(-1, DAY))[back] for known in (buy, sell))
    return tuple(map(Course, deficit_w, *_convex(*after)))


def _convex(buy: Array, sell: Array) -> tuple[Array, Array]:
    """Prices at which burning energy never pays: one past hour in which it did must not keep a plan unweighed."""
    return np.maximum(buy, np.maximum(sell, 0.0)), sell


def onwards(values: Array, until: int) -> Array:
    """So many values: where they end, each is what it was a day before."""
    if len(values) >= until:
        return values[:until]
    last = values[-min(DAY, len(values)) :]
    return np.concatenate([values, np.resize(last, until - len(values))])


def _hourly(values: Array) -> Array:
    return np.asarray(values.reshape(len(values), -1, PER_HOUR).mean(axis=2))


def _believable(day: Missed) -> Missed:
    """A day without what may still be on its way."""
    if day.days_back > 1:
        return day
    load_w, pv_w = (np.append(path[: DAY - LATE], np.zeros(LATE)) for path in (day.load_w, day.pv_w))
    return Missed(day.days_back, load_w, pv_w)


def _is_whole(day: Missed) -> bool:
    return len(day.load_w) == DAY and bool(np.isfinite(day.load_w).all() and np.isfinite(day.pv_w).all())
