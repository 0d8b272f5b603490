"""What a load model may look at: calendar, lags and levels, none of it newer than the decision time.

A row belongs to a pair (origin, target) of grid positions: origin is the first slot NOT yet measured at the decision
time, target >= origin the slot to forecast. Every feature reads values before the origin only; a test replaces all
later values by noise and demands the same features. Add a feature as one named entry below; the weather has a room of
its own (`load_weather`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ems_pipeline.arrays import Array, Positions
from ems_pipeline.forecast import habits
from ems_pipeline.forecast.load_grid import PARTS, LoadGrid
from ems_pipeline.forecast.windows import mean_before
from ems_pipeline.sites import market_zones

MARGIN = timedelta(hours=2)
"""A day's smoothed shape reads one hour ahead and a clock change moves it by one more: younger is not used."""
WIDE_MARGIN = timedelta(hours=5)
"""The same for what is averaged over three hours to either side."""
LONGEST_LEAD = timedelta(days=6)
"""Beyond this the same slot of last week would not be known yet."""
RECENT_HOURS = (0.5, 1, 3, 6, 24, 72, 168, 336, 672)
UNUSUAL_HOURS = (1, 3, 24)
LIVELY_HOURS = (1, 3, 6, 24, 72, 168)
LAST_STEPS = 4


def country_of(market_zone: str) -> str | None:
    """ISO country of a market zone (``DE-LU`` -> ``DE``, ``DK1`` -> ``DK``) if its holidays are known, else None."""
    import holidays

    code = market_zone[:2].upper()
    known = market_zone != market_zones.NONE and code in holidays.list_supported_countries()
    return code if known else None


def features(grid: LoadGrid, origin: Positions, target: Positions) -> tuple[Array, tuple[str, ...]]:
    """``[pair, feature]`` and the names of the features; NaN where the history does not reach back far enough.

    Raises:
        ValueError: a target before its origin or further than `LONGEST_LEAD`.
    """
    lead = target - origin
    if len(lead) and (lead.min() < 0 or lead.max() * grid.step > LONGEST_LEAD):
        raise ValueError(
            f"leads of {lead.min() * grid.step} to {lead.max() * grid.step}; 0 to {LONGEST_LEAD} are known"
        )
    columns = (
        _calendar(grid, target, lead)
        | _past_days(grid, target, known_day(grid, target, lead))
        | _levels(grid, origin, lead)
        | _habits(grid, target, known_day(grid, target, lead))
        | _lively(grid, origin, target)
    )
    return np.column_stack(list(columns.values())).astype(np.float64), tuple(columns)


def known_day(grid: LoadGrid, target: Positions, lead: Positions, margin: timedelta = MARGIN) -> Positions:
    """The latest civil day whose same slot, and ``margin`` after it, was measured at the origin."""
    steps = grid.steps(margin / timedelta(hours=1))
    return grid.day[target] - np.maximum(1, -(-(lead + 1 + steps) // grid.per_day))


def _calendar(grid: LoadGrid, target: Positions, lead: Positions) -> dict[str, NDArray[Any]]:
    day, calendar = grid.day[target], grid.calendar
    return {
        "lead_h": lead * (grid.step / timedelta(hours=1)),
        "hour": grid.slot[target] * (grid.step / timedelta(hours=1)),
        "day_class": grid.day_class[day],
        "holiday_yesterday": calendar["holiday"][np.maximum(day - 1, 0)],
    } | {name: calendar[name][day] for name in ("weekday", "holiday", "holiday_tomorrow", "season")}


def _past_days(grid: LoadGrid, target: Positions, known: Positions) -> dict[str, NDArray[Any]]:
    day, slot = grid.day[target], grid.slot[target]
    kind = grid.calendar["class"][day]
    smooth = grid.smoothed(grid.by_day)
    columns = {f"day_{i}": of_day(grid.by_day, known - i, slot) for i in range(3)}
    columns |= {f"smooth_day_{i}": of_day(smooth, known - i, slot) for i in range(3)}
    columns |= {f"week_{w}": of_day(grid.by_day, day - 7 * w, slot) for w in range(1, 4)}
    columns |= {f"smooth_week_{w}": of_day(smooth, day - 7 * w, slot) for w in range(1, 4)}
    columns |= {name: of_day(shape, known, slot) for name, shape in grid.shapes.items()}
    columns |= {name: of_day(shape, day, slot) for name, shape in grid.weekday_shapes.items()}
    for name, shape in grid.class_shapes.items():
        columns[name] = np.where(known >= 0, shape[kind, np.maximum(known, 0), slot], np.nan)
    return columns


def of_day(matrix: Array, day: Positions, slot: Positions) -> Array:
    """``matrix[day, slot]``, NaN for days before the first."""
    return np.where(day >= 0, matrix[np.maximum(day, 0), slot], np.nan)


def _levels(grid: LoadGrid, origin: Positions, lead: Positions) -> dict[str, NDArray[Any]]:
    """How the house has been lately, as measured up to the origin."""
    last, values = origin - 1, grid.values
    columns = {f"mean_{h:g}h": mean_before(values, grid.steps(h))[last] for h in RECENT_HOURS}
    unusual = values - grid.usual
    columns |= {f"unusual_{h}h": mean_before(unusual, grid.steps(h))[last] for h in UNUSUAL_HOURS}
    # What is unusual now fades: after a few hours the house is back to its habits.
    lead_h = lead * (grid.step / timedelta(hours=1))
    columns |= {f"carried_{h}h": columns[f"unusual_{h}h"] * np.exp(-lead_h / (2 * h)) for h in UNUSUAL_HOURS[:2]}
    columns |= {f"last_{i}": values[np.maximum(last - i, 0)] for i in range(LAST_STEPS)}
    square = mean_before(values**2, grid.steps(24))[last]
    columns["spread_24h"] = np.sqrt(np.maximum(square - columns["mean_24h"] ** 2, 0))
    today = grid.day[origin]
    for part in range(PARTS):
        over = (grid.slot[origin] >= (part + 1) * grid.per_day // PARTS).astype(int)
        columns[f"part_{part}"] = of_day(grid.parts_of_day, today - 1 + over, np.full_like(origin, part))
    return columns


def _habits(grid: LoadGrid, target: Positions, known: Positions) -> dict[str, NDArray[Any]]:
    """What the house usually does then, W: means of roots, raised again."""
    day, slot = grid.day[target], grid.slot[target]
    kind, row = grid.day_class[day], np.maximum(known, 0)
    columns = {}
    for days, means in grid.habits.items():
        shapes = {"": means} | ({"_smooth": np.stack([grid.smoothed(m) for m in means])} if days > 2 else {})
        for name, shape in shapes.items():
            columns[f"habit_{days}d{name}"] = np.where(known >= 0, shape[kind, row, slot], np.nan)
    columns |= {name: of_day(shape, day, slot) for name, shape in grid.weekday_habits.items()}
    return {name: roots ** (1 / habits.ROOT) for name, roots in columns.items()}


def _lively(grid: LoadGrid, origin: Positions, target: Positions) -> dict[str, NDArray[Any]]:
    """How lively the house has been against its habits: lately, and at this time of the last days and last week."""
    lead, slot = target - origin, grid.slot[target]
    lead_h = lead * (grid.step / timedelta(hours=1))
    columns = {}
    for hours in LIVELY_HOURS:
        means = (mean_before(roots, grid.steps(hours))[origin - 1] for roots in grid.roots)
        columns[f"lively_{hours}h"] = habits.liveliness(*means)
    for hours in LIVELY_HOURS[:2]:
        columns[f"lively_carried_{hours}h"] = np.nan_to_num(columns[f"lively_{hours}h"]) * np.exp(-lead_h / (2 * hours))
    known = known_day(grid, target, lead, WIDE_MARGIN)
    columns |= {f"lively_day_{i}": of_day(grid.lively_around, known - i, slot) for i in range(3)}
    return columns | {"lively_week": of_day(grid.lively_around, grid.day[target] - 7, slot)}
