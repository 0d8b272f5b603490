"""PV power by a trained model on top of a base forecast: what history teaches about this roof and this weather.

The base is the geometry model, or a provider's own forecast; the model learns its error: shade, dirt, a wrong azimuth,
a weather model that sees clouds too thin. Slots in which the plant was curtailed say nothing about the sun and must
come in as not measured. Measured values enter up to the decision time only, weather as it was forecast.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ems_pipeline import time_grid
from ems_pipeline.forecast import band, gbm, linear
from ems_pipeline.forecast.load_grid import LoadGrid
from ems_pipeline.forecast.windows import Array, Index, days_before, last_days, mean_before, quietly

MODEL = "pv-blend"
UTC_CLOCK = ZoneInfo("UTC")
ENOUGH_DAYS = 28
HALF_LIFE_DAYS = 365
MAX_ROWS = 18_000
PIECES_PER_DAY = 2
"""Independent stretches of a day: clouds of a morning or of an afternoon."""
LIT_SHARE = 0.02
"""Of the peak; below it the sun is down or nearly so, and a band is right without knowing anything."""
BASE_HOURS = (-1.0, -0.5, 0.5, 1.0)
# fmt: off
LINE = (
    "base", "base_corrected", "base_around", "same_slot_14d", "carried", "base_-0.5h", "base_+0.5h", "base_day",
    "best_28d",
)
# fmt: on


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


def features(pv: PvGrid, origin: Index, target: Index) -> tuple[Array, tuple[str, ...]]:
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
        "carried": np.nan_to_num(recent - recent_base) * np.exp(-lead_h / 3),
    }
    return np.column_stack(list(columns.values())).astype(np.float64), tuple(columns)


def _expected(pv: PvGrid, target: Index) -> dict[str, NDArray[Any]]:
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


def _learned(pv: PvGrid, target: Index, known: Index) -> dict[str, NDArray[Any]]:
    """How the same slot and the whole day went lately, up to civil day ``known``, and against the base."""
    grid = pv.measured
    slot = grid.slot[target]
    base = np.where(np.isfinite(grid.by_day), pv.measured.arranged(pv.base_w), np.nan)
    made = np.where(np.isfinite(base), grid.by_day, np.nan)
    row = np.maximum(known, 0)

    def of_slot(matrix: Array) -> Array:
        return np.where(known >= 0, matrix[row, slot], np.nan)

    month = quietly(np.nanmean, last_days(made, 28), -1), quietly(np.nanmean, last_days(base, 28), -1)
    # A quotient of means, held near one where little is known or little shines.
    # What a little is follows from the best of the days before: the rest of a day may lie after the decision.
    best = np.fmax.accumulate(quietly(np.nanmax, days_before(grid.by_day, 1), 1))
    calm = 1.0 + 0.02 * np.nan_to_num(best)[:, None]
    ratio = (np.nan_to_num(month[0]) + calm) / (np.maximum(np.nan_to_num(month[1]), 0) + calm)
    return {
        "same_slot_3d": of_slot(quietly(np.nanmean, last_days(grid.by_day, 3), -1)),
        "same_slot_14d": of_slot(quietly(np.nanmean, last_days(grid.by_day, 14), -1)),
        "best_28d": of_slot(quietly(np.nanmax, last_days(grid.by_day, 28), -1)),
        "ratio_28d": of_slot(ratio),
        "base_corrected": of_slot(ratio) * pv.base_w[target],
    }


@dataclass(frozen=True)
class PvModel:
    """A trained model; powers are learned as shares of ``peak_w``."""

    line: linear.MedianLine
    trees: gbm.Trees
    band: band.Band
    peak_w: float

    def predict(self, rows: Array, names: tuple[str, ...]) -> tuple[Array, Array, Array]:
        """``(p10_w, power_w, p90_w)`` per row of `features`, W >= 0; power_w is the median."""
        middle = (self.trees.predict(rows, names) + self.line.predict(_line_rows(rows, names, self.peak_w))) / 2
        low, high = self.band.predict(rows, names, middle)
        edges = np.minimum(low, middle), middle, np.maximum(high, middle)
        return tuple(np.clip(v, 0.0, 1.2) * self.peak_w for v in edges)  # type: ignore[return-value]

    def document(self) -> str:
        """The model as JSON text, for the warehouse; `from_document` forecasts the same to the last bit."""
        return json.dumps(asdict(self))

    @classmethod
    def from_document(cls, document: str) -> PvModel:
        """The model that `document` wrote."""
        parts = json.loads(document)
        line, edges = linear.MedianLine.from_parts(parts["line"]), band.Band.from_parts(parts["band"])
        return cls(line, gbm.Trees.from_parts(parts["trees"]), edges, parts["peak_w"])


def _line_rows(rows: Array, names: tuple[str, ...], peak_w: float) -> Array:
    return linear.columns(rows, names, LINE) / peak_w


def training_pairs(pv: PvGrid, until: int, seed: int = 1) -> tuple[Index, Index]:
    """Decision times and targets measured before ``until`` that have a base: the noon before, and up to four hours."""
    grid = pv.measured
    usable = np.isfinite(grid.values[:until]) & np.isfinite(pv.base_w[:until])
    target = np.flatnonzero(usable & (grid.day[:until] >= 3)).astype(np.int64)
    generator = np.random.default_rng(seed)
    day_before = target - generator.integers(grid.steps(12), grid.steps(36), len(target))
    just_before = target - generator.integers(0, grid.steps(4), len(target))
    origin, target = np.concatenate([day_before, just_before]), np.tile(target, 2)
    usable_pairs = np.flatnonzero(origin >= 1)
    kept = np.sort(generator.permutation(usable_pairs)[:MAX_ROWS])
    return origin[kept], target[kept]


def has_enough(pv: PvGrid, until: int) -> bool:
    """Whether `ENOUGH_DAYS` have measurements before grid position ``until``; a few lost days are forgiven."""
    known = np.isfinite(pv.measured.values[:until]) & np.isfinite(pv.base_w[:until])
    return len(np.unique(pv.measured.day[:until][known])) >= 0.9 * ENOUGH_DAYS


def train(pv: PvGrid, until: int) -> PvModel:
    """Learn from what was measured before grid position ``until``.

    Raises:
        ValueError: fewer than `ENOUGH_DAYS` with measurements; forecast by the base alone until then.
    """
    grid = pv.measured
    if not has_enough(pv, until):
        raise ValueError(f"PV and its base are known on fewer than {ENOUGH_DAYS} days; forecast by the base until then")
    origin, target = training_pairs(pv, until)
    rows, names = features(pv, origin, target)
    peak_w = max(float(np.nanmax(grid.values[:until])), 1.0)
    share = grid.values[target] / peak_w
    day = grid.day[target]
    weight = 0.5 ** ((grid.day[until - 1] - day) / HALF_LIFE_DAYS)
    leaf = max(20, round(2.5 * len(target) / max(1, len(np.unique(day)))))
    trees = gbm.fit(rows, share, 0.5, names, gbm.Settings(min_rows_in_leaf=leaf), weight)
    line = linear.fit(_line_rows(rows, names, peak_w), share, weight)
    lit = np.maximum(pv.base_w[target] / peak_w, share) > LIT_SHARE
    edges = band.fit(rows, share, names, day, leaf, weight, PIECES_PER_DAY, lit)
    return PvModel(line, trees, edges, peak_w)


def forecast(model: PvModel, pv: PvGrid, now: datetime, slots: Sequence[datetime]) -> tuple[Array, Array, Array]:
    """``(p10_w, power_w, p90_w)`` of the coming slots, as known at ``now``; NaN where the base is not known."""
    target = np.array([pv.measured.position(at) for at in slots], dtype=np.int64)
    origin = np.minimum(pv.measured.position(time_grid.floor_slot(now)), target)
    known = np.isfinite(pv.base_w[target])
    edges = model.predict(*features(pv, origin, target))
    return tuple(np.where(known, v, np.nan) for v in edges)  # type: ignore[return-value]
