"""What the weather adds to a load: a median line through what the load model misses, and trees of what that leaves.

Most houses hardly notice the weather once their planned devices are counted apart; those that heat or cool with
electricity, or hide PV behind their meter, do. So the correction has to earn its place on weeks it did not see, and
where the weather is not known it is nothing: a forecast never depends on a weather service.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ems_pipeline.forecast import band, gbm, linear
from ems_pipeline.forecast.features import known_day, of_day
from ems_pipeline.forecast.load_grid import LoadGrid
from ems_pipeline.forecast.windows import Array, Index, last_days, mean_before, quietly

DAYS_BACK = (1, 5, 14)
"""Weather counts as a change against what the load of these last days already shows."""
HEATING_BELOW_C, COOLING_ABOVE_C = 15.0, 20.0
"""Of the mean of 24 hours: between them a house asks for neither (degree days)."""
PER_UNIT = {"heating": 10.0, "cooling": 10.0, "sunnier": 500.0}
"""Ten kelvin, or half a bright noon: what the line's inputs are counted in, so that its ridge treats them alike."""
MEMORY = timedelta(days=max(DAYS_BACK) + 1)
"""Weather of the past that a forecast reads."""
ENOUGH_DAYS = 28
WORTH = 0.003
"""Part of the error on unseen weeks by which the correction must lower it. One site without electric heating came to
-0.001 .. 0.001, a feeder with weather-model values to 0.03 .. 0.09, 60 W/K of heating on that site to 0.02 .. 0.04."""
RIDGE = 0.01
TREES = gbm.Settings(rounds=60, learning_rate=0.05, leaves=8, columns_per_tree=0.7, random_cuts=True)


@dataclass(frozen=True)
class Correction:
    """What to add to the logarithm of the raised load; the ``line`` reaches beyond weather seen, ``trees`` bend it."""

    line: linear.MedianLine
    trees: gbm.Trees

    def predict(self, rows: Array, names: tuple[str, ...]) -> Array:
        """Per row of `inputs`, none of them NaN."""
        return self.line.predict(_line_rows(rows, names)) + self.trees.predict(rows, names)

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> Correction:
        """From what ``dataclasses.asdict`` gave, after a way through JSON."""
        return cls(linear.MedianLine.from_parts(parts["line"]), gbm.Trees.from_parts(parts["trees"]))


def inputs(grid: LoadGrid, origin: Index, target: Index) -> dict[str, NDArray]:
    """Weather of each target and how it differs from the last days; NaN where it is not known.

    Up to the origin and beyond it is weather as forecast, never as measured.
    """
    lead, slot = target - origin, grid.slot[target]
    temperature, radiation = grid.weather["temperature_c"], grid.weather["ghi_w_m2"]
    of_24h, by_day = mean_before(temperature, grid.steps(24)), grid.arranged(radiation)
    degrees = {
        "warmer": of_24h,
        "heating": np.maximum(HEATING_BELOW_C - of_24h, 0),
        "cooling": np.maximum(of_24h - COOLING_ABOVE_C, 0),
    }
    hours = grid.step / timedelta(hours=1)
    found = {
        "hour": slot * hours,
        "lead_h": lead * hours,
        "temperature_c": temperature[target],
        "temperature_24h_c": of_24h[target],
        "ghi_w_m2": radiation[target],
    }
    for days in DAYS_BACK:
        steps = grid.steps(24 * days)
        found |= {
            f"{name}_than_{days}d": kelvin[target] - mean_before(kelvin, steps)[origin - 1]
            for name, kelvin in degrees.items()
        }
        usual = quietly(np.nanmean, last_days(by_day, days), -1)
        found[f"sunnier_than_{days}d"] = radiation[target] - of_day(usual, known_day(grid, target, lead), slot)
    return found


def fit(
    grid: LoadGrid, origin: Index, target: Index, actual: Array, expected: Array, weight: Array, leaf: int
) -> Correction | None:
    """A correction of ``actual - expected``, or None where it would not pay or too few days know their weather.

    Args:
        actual, expected: logarithms of the raised load of each pair, as measured and as the model says.
        weight: importance of each pair.
        leaf: pairs a leaf must hold.
    """
    rows, names, known = _rows(grid, origin, target)
    day = grid.day[target[known]]
    if len(np.unique(day)) < ENOUGH_DAYS:
        return None
    rows, left, weight = rows[known], (actual - expected)[known], weight[known]
    settings = replace(TREES, min_rows_in_leaf=leaf)
    fold, folds = band.weekly_folds(day)
    guess = np.empty(len(left))
    for left_out in range(folds):
        seen = fold != left_out
        guess[~seen] = _fit(rows[seen], names, left[seen], weight[seen], settings).predict(rows[~seen], names)
    size = np.exp(expected[known]) * weight
    with_it, without = (float(size @ np.abs(np.expm1(left) - np.expm1(moved))) for moved in (guess, 0 * guess))
    return None if with_it > (1 - WORTH) * without else _fit(rows, names, left, weight, settings)


def _fit(rows: Array, names: tuple[str, ...], left: Array, weight: Array, settings: gbm.Settings) -> Correction:
    straight = _line_rows(rows, names)
    line = linear.fit(straight, left, weight, ridge=RIDGE)
    return Correction(line, gbm.fit(rows, left - line.predict(straight), 0.5, names, settings, weight))


def _line_rows(rows: Array, names: tuple[str, ...]) -> Array:
    wanted = tuple(f"{name}_than_{days}d" for name in PER_UNIT for days in DAYS_BACK)
    return linear.columns(rows, names, wanted) / np.repeat(list(PER_UNIT.values()), len(DAYS_BACK))


def added(correction: Correction | None, grid: LoadGrid, origin: Index, target: Index) -> Array:
    """What to add to the logarithm of the raised load per pair; 0 where the weather is not known."""
    moved = np.zeros(len(target))
    if correction is not None:
        rows, names, known = _rows(grid, origin, target)
        if known.any():
            moved[known] = correction.predict(rows[known], names)
    return moved


def _rows(grid: LoadGrid, origin: Index, target: Index) -> tuple[Array, tuple[str, ...], NDArray[np.bool_]]:
    """``[pair, input]``, names, and which pairs know all of their weather."""
    if not grid.weather:
        return np.empty((len(target), 0)), (), np.zeros(len(target), dtype=bool)
    found = inputs(grid, origin, target)
    rows = np.column_stack(list(found.values())).astype(np.float64)
    return rows, tuple(found), np.array(np.isfinite(rows).all(axis=1))
