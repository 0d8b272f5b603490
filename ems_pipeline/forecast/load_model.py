"""House load by a trained model: boosted quantiles and a median line on features known at the decision time.

One model per site serves every lead from the running slot to six days ahead: it is trained on pairs of a decision time
and a target, the afternoon before, hours before and just before. It works on the logarithm of the load (plus a floor),
where a kettle at night and an oven at noon are equally rare, and a band moves by a factor and never below zero.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.forecast import gbm, linear
from ems_pipeline.forecast.features import features
from ems_pipeline.forecast.load_grid import Array, Index, LoadGrid
from ems_pipeline.forecast.profile import known_history

MODEL = "load-gbm"
ENOUGH = timedelta(days=28)
"""Measured history from which a model is trained; the profile forecasts until then."""
HISTORY = timedelta(days=400)
"""What a model is trained on: all seasons once."""
MEMORY_WEEKS = 10
"""What a forecast reads: eight weeks of shapes, up to six days ahead."""
WARM_UP_DAYS = 8
HALF_LIFE_DAYS = 90
FLOOR_SHARE = 0.2
MAX_ROWS = 18_000
PIECES_PER_DAY = 4
"""Independent stretches of a day: night, morning, afternoon and evening each go their own way as a whole."""
LEADS_H = (0, 4, 36)
"""Besides the noon before, each target is learned once from a decision time in each of these spans."""

# fmt: off
LEVELS = (
    "day_0", "day_1", "smooth_day_0", "smooth_day_1", "week_1", "smooth_week_1", "smooth_week_2", "mean_7d", "mean_28d",
    "median_28d", "fading_mean", "class_mean_smooth", "class_median_smooth", "weekday_median", "mean_24h", "mean_168h",
    "mean_3h",
)
# fmt: on
EXCESSES = ("carried_1h", "carried_3h", "unusual_24h")


@dataclass(frozen=True)
class LoadModel:
    """A trained model; ``floor_w`` is what the load is raised by before its logarithm is taken."""

    trees: gbm.QuantileModel
    line: linear.MedianLine
    floor_w: float
    step_s: int

    def predict(self, rows: Array, names: tuple[str, ...]) -> tuple[Array, Array, Array]:
        """``(p10_w, power_w, p90_w)`` per row of `features`, W >= 0; power_w is the median."""
        low, middle, high = (np.exp(v) for v in self.trees.predict(rows, names))
        straight = np.exp(np.clip(self.line.predict(straight_rows(rows, names, self.floor_w)), 0, 20))
        middle = (middle + straight) / 2
        edges = np.minimum(low, middle), middle, np.maximum(high, middle)
        return tuple(np.maximum(v - self.floor_w, 0.0) for v in edges)  # type: ignore[return-value]

    def document(self) -> str:
        """The model as JSON text, for the warehouse; `from_document` forecasts the same to the last bit."""
        numbers = {"floor_w": self.floor_w, "step_s": self.step_s}
        return json.dumps({"trees": self.trees.document(), "line": asdict(self.line)} | numbers)

    @classmethod
    def from_document(cls, document: str) -> LoadModel:
        """The model that `document` wrote."""
        parts = json.loads(document)
        line = linear.MedianLine.from_parts(parts["line"])
        trees = gbm.QuantileModel.from_document(parts["trees"])
        return cls(trees, line, parts["floor_w"], parts["step_s"])


def straight_rows(rows: Array, names: tuple[str, ...], floor_w: float) -> Array:
    """Inputs of the median line: logarithms of the levels, excesses in units of the mean level."""
    column = {name: i for i, name in enumerate(names)}
    levels = np.log(np.maximum(rows[:, [column[n] for n in LEVELS]], 0) + floor_w)
    # A level nobody measured is taken from the others of its row: better than what is usual all year.
    known = np.isfinite(levels)
    mean = np.where(known, levels, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    levels = np.where(known, levels, np.where(known.any(axis=1), mean, np.nan)[:, None])
    return np.column_stack([levels, rows[:, [column[n] for n in EXCESSES]] * (FLOOR_SHARE / floor_w)])


def training_pairs(grid: LoadGrid, until: int, seed: int = 1) -> tuple[Index, Index]:
    """Decision times and targets to learn from, all measured before grid position ``until``; at most `MAX_ROWS`."""
    generator = np.random.default_rng(seed)
    first_day = max(WARM_UP_DAYS, int(grid.day[until - 1]) - HISTORY.days)
    target = np.flatnonzero(np.isfinite(grid.values[:until]) & (grid.day[:until] >= first_day)).astype(np.int64)
    noon_before = target - grid.slot[target] - grid.per_day // 2
    spans = pairwise(LEADS_H)
    drawn = [target - generator.integers(grid.steps(a) if a else 0, grid.steps(b), len(target)) for a, b in spans]
    origin, target = np.concatenate([noon_before, *drawn]), np.tile(target, len(drawn) + 1)
    usable = np.flatnonzero((origin >= 1) & (origin <= target))
    kept = np.sort(generator.permutation(usable)[:MAX_ROWS])
    return origin[kept], target[kept]


def has_enough(grid: LoadGrid, until: int) -> bool:
    """Whether `ENOUGH` is measured before grid position ``until``; small gaps are forgiven."""
    return bool(np.isfinite(grid.values[:until]).sum() * grid.step >= 0.9 * ENOUGH)


def train(grid: LoadGrid, until: int, settings: gbm.Settings | None = None) -> LoadModel:
    """Learn from what was measured before grid position ``until`` and from nothing later.

    Raises:
        ValueError: less than `ENOUGH` measured; forecast by profile until there is more.
    """
    if not has_enough(grid, until):
        raise ValueError(f"less than {ENOUGH.days} days of load are measured; forecast by the profile until then")
    floor_w = max(FLOOR_SHARE * float(np.nanmean(grid.values[:until])), 1.0)
    origin, target = training_pairs(grid, until)
    rows, names = features(grid, origin, target)
    # A counter tells the load to within a step; the edges of a band must not stick to its rungs.
    rung = resolution_w(grid.values[:until]) * (np.random.default_rng(1).random(len(target)) - 0.5)
    log_load = np.log(np.maximum(grid.values[target] + rung, 0) + floor_w)
    last_day = int(grid.day[until - 1])
    age = last_day - grid.day[target]
    weight = 0.5 ** (age / HALF_LIFE_DAYS)
    held_out_days = min(28, max(7, last_day // 4))
    # Quarter-hours of one day resemble each other: a leaf must see several days, whatever the step.
    leaf = max(20, round(2.5 * len(target) / max(1, len(np.unique(grid.day[target])))))
    settings = settings or gbm.Settings(min_rows_in_leaf=leaf)
    trees = gbm.fit(rows, log_load, age < held_out_days, names, settings, weight, PIECES_PER_DAY * held_out_days)
    line = linear.fit(straight_rows(rows, names, floor_w), log_load, weight)
    return LoadModel(trees, line, floor_w, round(grid.step.total_seconds()))


def resolution_w(values: Array) -> float:
    """Step of the meter as seen in its values, W; 0 where they are as good as continuous."""
    known = values[np.isfinite(values)]
    distinct = np.unique(np.round(known, 1))
    if len(distinct) < 2 or len(distinct) * 20 > len(known):
        return 0.0
    return float(np.quantile(np.diff(distinct), 0.1))


def forecast(
    model: LoadModel, history: pl.DataFrame, slots: Sequence[datetime], site_zone: ZoneInfo, now: datetime,
    country: str | None = None, weather: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Load of the coming slots as known at ``now``.

    Args:
        history: ``[starts_at, power_w]`` per slot; rows from ``now`` on are not looked at.
        slots: the slots wanted, from ``now`` to at most six days ahead.
        weather: ``[starts_at, temperature_c]``, only for a model trained with it.

    Returns:
        ``[starts_at, power_w, p10_w, p90_w, model]``, W.
    """
    known, step = known_history(history, now, MEMORY_WEEKS), timedelta(seconds=model.step_s)
    grid = LoadGrid.build(known, site_zone, max(slots) + step, country, step, weather)
    target = np.array([grid.position(at) for at in slots], dtype=np.int64)
    origin = np.full_like(target, grid.position(time_grid.floor_slot(now)))
    low, middle, high = model.predict(*features(grid, origin, target))
    frame = {"starts_at": list(slots), "power_w": middle, "p10_w": low, "p90_w": high}
    return pl.DataFrame(frame, schema_overrides={"starts_at": pl.Datetime("us", "UTC")}).with_columns(
        model=pl.lit(MODEL)
    )
