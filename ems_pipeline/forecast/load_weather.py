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

from ems_pipeline.arrays import Array, Mask, Positions
from ems_pipeline.forecast import band, gbm, linear
from ems_pipeline.forecast.features import known_day, of_day
from ems_pipeline.forecast.load_grid import LoadGrid
from ems_pipeline.forecast.load_members import Sample
from ems_pipeline.forecast.windows import last_days, mean_before, quietly

DAYS_BACK = (1, 5, 14)
"""Weather counts as a change against what the load of these last days already shows."""
HEATING_BELOW_C, COOLING_ABOVE_C = 15.0, 20.0
"""Of the mean of 24 hours: between them a house asks for neither (degree days)."""
PER_UNIT = {"heating": 10.0, "cooling": 10.0, "sunnier": 500.0}
"""Ten kelvin, or half a bright noon: what the line's inputs are counted in, so that its ridge treats them alike."""
MEMORY = timedelta(days=max(DAYS_BACK) + 1)
"""Weather of the past that a forecast reads."""
KNOWN_SHARE = 0.75
"""Of a window of weather: a mean of two hours is not that of a day."""
ENOUGH_DAYS = 28
WORTH = 0.01
"""Part of the error on unseen weeks by which the correction must lower it. Houses without electric heating come to
-0.005 .. 0.004 after twelve weeks, by chance; a feeder with weather-model values to 0.03 .. 0.09, 30 W/K of heating to
0.03 .. 0.05."""
BLIND = ("hour", "lead_h")
"""Inputs that are no weather."""
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


def inputs(grid: LoadGrid, origin: Positions, target: Positions) -> dict[str, NDArray[Any]]:
    """Weather of each target and how it differs from the last days; NaN where too little of it is known.

    Up to the origin and beyond it is weather as forecast, never as measured.
    """
    lead, slot = target - origin, grid.slot[target]
    temperature, radiation = grid.weather["temperature_c"], grid.weather["ghi_w_m2"]
    of_24h, by_day = mean_before(temperature, grid.steps(24), KNOWN_SHARE), grid.arranged(radiation)
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
            f"{name}_than_{days}d": kelvin[target] - mean_before(kelvin, steps, KNOWN_SHARE)[origin - 1]
            for name, kelvin in degrees.items()
        }
        past = last_days(by_day, days)
        whole = np.isfinite(past).mean(axis=-1) >= KNOWN_SHARE
        usual = np.where(whole, quietly(np.nanmean, past, -1), np.nan)
        found[f"sunnier_than_{days}d"] = radiation[target] - of_day(usual, known_day(grid, target, lead), slot)
    return found


def fit(grid: LoadGrid, sample: Sample, expected: Array) -> Correction | None:
    """A correction of what the members say, or None where it would not pay or too few days know their weather.

    Args:
        expected: logarithm of the raised load of each pair, as the members say.
    """
    rows, names, known = _rows(grid, sample.origin, sample.target)
    day = sample.day[known]
    if len(np.unique(day)) < ENOUGH_DAYS:
        return None
    rows, left, weight = rows[known], (sample.log_load - expected)[known], sample.weight[known]
    settings = replace(TREES, min_rows_in_leaf=sample.leaf())
    size = np.exp(expected[known]) * weight

    def miss_on_unseen_weeks(use: tuple[str, ...]) -> float:
        part = linear.columns(rows, names, use)
        guess = band.on_unseen_weeks(
            day,
            lambda seen: _fit(part[seen], use, left[seen], weight[seen], settings).predict(part[~seen], use),
        )
        return float(size @ np.abs(np.expm1(left) - np.expm1(guess)))

    # What the hour alone mends of the members is no merit of the weather.
    without = min(float(size @ np.abs(np.expm1(left))), miss_on_unseen_weeks(BLIND))
    pays = miss_on_unseen_weeks(names) <= (1 - WORTH) * without
    return _fit(rows, names, left, weight, settings) if pays else None


def _fit(rows: Array, names: tuple[str, ...], left: Array, weight: Array, settings: gbm.Settings) -> Correction:
    straight = _line_rows(rows, names)
    line = linear.fit(straight, left, weight, ridge=RIDGE)
    return Correction(line, gbm.fit(rows, left - line.predict(straight), 0.5, names, settings, weight))


def _line_rows(rows: Array, names: tuple[str, ...]) -> Array:
    counted = {f"{name}_than_{days}d": per for name, per in PER_UNIT.items() for days in DAYS_BACK}
    used = {name: per for name, per in counted.items() if name in names}
    return np.asarray(linear.columns(rows, names, tuple(used)) / np.array(list(used.values())))


def added(correction: Correction | None, grid: LoadGrid, origin: Positions, target: Positions) -> Array:
    """What to add to the logarithm of the raised load per pair; 0 where the weather is not known."""
    moved = np.zeros(len(target))
    if correction is not None:
        rows, names, known = _rows(grid, origin, target)
        if known.any():
            moved[known] = correction.predict(rows[known], names)
    return moved


def _rows(grid: LoadGrid, origin: Positions, target: Positions) -> tuple[Array, tuple[str, ...], Mask]:
    """``[pair, input]``, names, and which pairs know all of their weather."""
    if not grid.weather:
        return np.empty((len(target), 0)), (), np.zeros(len(target), dtype=bool)
    found = inputs(grid, origin, target)
    rows = np.column_stack(list(found.values())).astype(np.float64)
    return rows, tuple(found), np.array(np.isfinite(rows).all(axis=1))
