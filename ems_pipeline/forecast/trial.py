"""How a model and the simple forecast it would replace did on days gone by, each made at noon of the day before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ems_pipeline import local_time, time_grid
from ems_pipeline.arrays import Array, Positions
from ems_pipeline.forecast import load_model, profile, pv_features, pv_geometry, pv_model, score
from ems_pipeline.forecast.load_grid import LoadGrid

NOON = time(12)


def noon_before(grid: LoadGrid, days: Sequence[date], site_zone: ZoneInfo) -> tuple[Positions, Positions]:
    """Decision times and targets, as grid positions, of the forecasts for whole civil days; days outside have none."""
    origins, targets = [], []
    for day in days:
        made = grid.position(time_grid.local_instant(day - timedelta(days=1), NOON, site_zone))
        start, end = (grid.position(at) for at in time_grid.day_bounds(day, site_zone))
        if made >= 1 and end <= len(grid.values):
            targets.append(np.arange(start, end))
            origins.append(np.full(end - start, made))
    nothing = [np.empty(0, np.int64)]
    return np.concatenate(origins or nothing), np.concatenate(targets or nothing)


def load_days(model: load_model.LoadModel, grid: LoadGrid, days: Sequence[date], site_zone: ZoneInfo) -> pl.DataFrame:
    """Daily figures of `score.FIGURES` for the model and the profile: ``[day, model, ...]``."""
    origin, target = noon_before(grid, days, site_zone)
    if not len(target):
        return pl.DataFrame()
    low, middle, high = model.predict(grid, origin, target)
    made = _frame(grid, target, low, middle, high, load_model.MODEL)
    history, frames = measured(grid), [made]
    for at in np.unique(origin):
        wanted = made["starts_at"].filter(pl.Series(origin == at)).to_list()
        now = grid.start + int(at) * grid.step
        simple = profile.load_forecast(history.filter(pl.col("starts_at") < now), wanted, site_zone, now, np.nan)
        frames.append(simple.select(made.columns).with_columns(model=pl.lit(profile.MODEL)))
    return _daily(pl.concat(frames), history, site_zone)


def pv_days(model: pv_model.PvModel, pv: pv_features.PvGrid, days: Sequence[date], site_zone: ZoneInfo) -> pl.DataFrame:
    """Daily figures for the model and the geometry it corrects."""
    origin, target = noon_before(pv.measured, days, site_zone)
    known = np.isfinite(pv.base_w[target]) if len(target) else np.empty(0, bool)
    origin, target = origin[known], target[known]
    if not len(target):
        return pl.DataFrame()
    low, middle, high = model.predict(*pv_features.features(pv, origin, target))
    base = pv.base_w[target]
    made = [
        _frame(pv.measured, target, low, middle, high, pv_model.MODEL),
        _frame(pv.measured, target, base * pv_geometry.BAND_LOW, base, base * pv_geometry.BAND_HIGH, pv_geometry.MODEL),
    ]
    return _daily(pl.concat(made), measured(pv.measured), site_zone)


def measured(grid: LoadGrid) -> pl.DataFrame:
    """``[starts_at, power_w]`` of a grid where something is measured."""
    position = np.flatnonzero(np.isfinite(grid.values))
    return pl.DataFrame({"starts_at": grid.instants(position), "power_w": grid.values[position]})


def _frame(grid: LoadGrid, target: Positions, low: Array, middle: Array, high: Array, model: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"starts_at": grid.instants(target), "power_w": middle, "p10_w": low, "p90_w": high}
    ).with_columns(model=pl.lit(model))


def _daily(made: pl.DataFrame, actual: pl.DataFrame, site_zone: ZoneInfo) -> pl.DataFrame:
    day = local_time.day(pl.col("starts_at"), site_zone)
    return score.score(score.pairs(made, actual).with_columns(day=day), "day", "model")
