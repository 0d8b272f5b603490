"""What a PV model may look at: the base and the weather of the target as forecast, measurements from before the origin.

A row belongs to a pair (origin, target) of grid positions, as in `features`. Add a feature as one named entry below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array, Positions
from ems_pipeline.forecast.load_grid import LoadGrid
from ems_pipeline.forecast.windows import days_before, last_days, mean_before, quietly

UTC_CLOCK = time_grid.zone("UTC")
LIT_SHARE = 0.02
"""Of the peak; below it the sun is down or nearly so, and a band is right without knowing anything."""
BASE_HOURS = (-1.0, -0.5, 0.5, 1.0)
RECENT_HOURS = (0.5, 1, 2, 4)
CLEAR_HOURS = (1, 2)
FADING_H = 3.0
"""What the sky does now against its forecast is forgotten by a factor e in these hours."""
LEAST, MOST = 0.05, 5.0
"""Bounds of what was made as a share of what was expected."""
CLEAREST = 1.5
"""Bound of what was made as a share of the best of the month."""


@dataclass(frozen=True)
class PvGrid:
    """Measured PV (NaN: unknown, asleep or curtailed) beside what was expected, both per grid position.

    ``measured`` is arranged by UTC, since the sun does not change its clock. ``base_w`` and each of ``weather`` are
    values as forecast for that position, NaN where there is none.
    """

    measured: LoadGrid
    base_w: Array
    weather: Mapping[str, Array]

    @classmethod
    def build(cls, history: pl.DataFrame, expected: pl.DataFrame, until: datetime, step: timedelta) -> PvGrid:
        """From frames on one time base.

        Args:
            history: measured ``[starts_at, power_w]``, without curtailed slots.
            expected: ``[starts_at, base_w, ...]``, every further column a quantity of the weather.
            until: end of the grid, past the last slot to forecast.
        """
        grid = LoadGrid.build(history, UTC_CLOCK, until, None, step)
        at = pl.DataFrame({"starts_at": grid.instants(np.arange(len(grid.values)))})
        joined = at.join(expected.unique("starts_at", keep="last"), on="starts_at", how="left", maintain_order="left")
        values = {
            name: joined[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            for name in expected.columns
            if name != "starts_at"
        }
        return cls(grid, values.pop("base_w"), values)

    @cached_property
    def usual_ratio(self) -> Array:
        """What the days of a month made of their base at each slot, ``[day, slot]`` up to and including each day.

        A quotient of means, held near one where little is known or little shines.
        """
        grid = self.measured
        base = np.where(np.isfinite(grid.by_day), grid.arranged(self.base_w), np.nan)
        made = np.where(np.isfinite(base), grid.by_day, np.nan)
        month = [quietly(np.nanmean, last_days(each, 28), -1) for each in (made, base)]
        little = self.little_w[:, None]
        return (np.nan_to_num(month[0]) + little) / (np.maximum(np.nan_to_num(month[1]), 0) + little)

    @cached_property
    def best_28d(self) -> Array:
        """The most a month made at each slot, ``[day, slot]`` up to and including each day."""
        return quietly(np.nanmax, last_days(self.measured.by_day, 28), -1)

    @cached_property
    def little_w(self) -> Array:
        """What counts as next to nothing on each day, W: a part of the best of the month before it.

        Of the days before, as the rest of a day may lie after the decision; of a month, as forecasts remember no more.
        """
        best = quietly(np.nanmax, self.measured.by_day, 1)[:, None]
        before = quietly(np.nanmax, last_days(days_before(best, 1), 28), -1)[:, 0]
        return 1.0 + LIT_SHARE * np.nan_to_num(before)


def features(pv: PvGrid, origin: Positions, target: Positions) -> tuple[Array, tuple[str, ...]]:
    """``[pair, feature]`` and names: base and weather of the target, measurements from before the origin only."""
    grid = pv.measured
    lead = target - origin
    columns = _expected(pv, target) | _learned(
        pv, target, grid.day[target] - np.maximum(1, -(-(lead + 1) // grid.per_day))
    )
    recent = mean_before(grid.values, grid.steps(2))[origin - 1]
    recent_base = mean_before(np.where(np.isfinite(grid.values), pv.base_w, np.nan), grid.steps(2))[origin - 1]
    lead_h = lead * (grid.step / timedelta(hours=1))
    columns |= {
        "lead_h": lead_h,
        "recent_error": recent - recent_base,
        "carried": np.nan_to_num(recent - recent_base) * np.exp(-lead_h / FADING_H),
    }
    columns |= _recent(pv, origin, target, lead_h)
    return np.column_stack(list(columns.values())).astype(np.float64), tuple(columns)


def _recent(pv: PvGrid, origin: Positions, target: Positions, lead_h: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """What was made in the last hours, of what the base usually means and of the best of a month; what if it lasts?

    A share of the base fades towards one as the lead grows. In the dark shares are one: little of little.
    """
    grid = pv.measured
    best, before = pv.best_28d, np.maximum(grid.day - 1, 0)
    measured = np.isfinite(grid.values)
    usual_w = pv.usual_ratio[before, grid.slot] * pv.base_w
    expected, ceiling = (np.where(measured, v, np.nan) for v in (usual_w, best[before, grid.slot]))
    little = pv.little_w[grid.day[origin]]

    def share(of: Array, hours: float, most: float) -> Array:
        made, full = (np.nan_to_num(mean_before(v, grid.steps(hours))[origin - 1]) for v in (grid.values, of))
        return np.clip((made + little) / (np.maximum(full, 0) + little), LEAST, most)

    shares = {hours: share(expected, hours, MOST) for hours in RECENT_HOURS}
    clear = {hours: share(ceiling, hours, CLEAREST) for hours in CLEAR_HOURS}
    fading, best_then = np.exp(-lead_h / FADING_H), best[before[origin], grid.slot[target]]
    columns = {f"share_{h:g}h": s for h, s in shares.items()} | {f"clear_{h:g}h": c for h, c in clear.items()}
    corrected = pv.usual_ratio[before[origin], grid.slot[target]] * pv.base_w[target]
    columns |= {f"base_carried_{h:g}h": corrected * s**fading for h, s in shares.items()}
    columns |= {f"best_clear_{h:g}h": c * best_then for h, c in clear.items()}
    # On the first day there is no day before to compare with.
    return {name: np.where(grid.day[origin] > 0, values, np.nan) for name, values in columns.items()}


def _expected(pv: PvGrid, target: Positions) -> dict[str, NDArray[Any]]:
    grid = pv.measured
    year = 2 * np.pi * (grid.day[target] + grid.first_day.timetuple().tm_yday) / 365.25
    columns: dict[str, NDArray[Any]] = {
        "base": pv.base_w[target],
        "hour": grid.slot[target] * (grid.step / timedelta(hours=1)),
        "season": np.cos(year),
        "spring": np.sin(year),
        "base_day": quietly(np.nanmean, pv.measured.arranged(pv.base_w), 1)[grid.day[target]],
    }
    last = len(pv.base_w) - 1
    for hours in BASE_HOURS:
        steps = round(timedelta(hours=hours) / grid.step)
        columns[f"base_{hours:+g}h"] = pv.base_w[np.clip(target + steps, 0, last)]
    columns["base_around"] = quietly(
        np.nanmean, np.stack([columns[n] for n in columns if n.startswith("base_")][1:]), 0
    )
    return columns | {name: values[target] for name, values in pv.weather.items()}


def _learned(pv: PvGrid, target: Positions, known: Positions) -> dict[str, NDArray[Any]]:
    """How the same slot and the whole day went lately, up to civil day ``known``, and against the base."""
    grid = pv.measured
    slot = grid.slot[target]
    row = np.maximum(known, 0)

    def of_slot(matrix: Array) -> Array:
        return np.where(known >= 0, matrix[row, slot], np.nan)

    ratio = of_slot(pv.usual_ratio)
    return {
        "same_slot_3d": of_slot(quietly(np.nanmean, last_days(grid.by_day, 3), -1)),
        "same_slot_14d": of_slot(quietly(np.nanmean, last_days(grid.by_day, 14), -1)),
        "best_28d": of_slot(pv.best_28d),
        "ratio_28d": ratio,
        "base_corrected": ratio * pv.base_w[target],
    }
