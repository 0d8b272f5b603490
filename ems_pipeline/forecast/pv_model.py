"""PV power by a trained model on top of a base forecast: what history teaches about this roof and this weather.

The base is the geometry model, or a provider's own forecast; the model learns its error: shade, dirt, a wrong azimuth,
a weather model that sees clouds too thin. Slots in which the plant was curtailed say nothing about the sun and must
come in as not measured. Measured values enter up to the decision time only, weather as it was forecast.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array, Positions
from ems_pipeline.forecast import band, gbm, linear
from ems_pipeline.forecast.pv_features import LIT_SHARE, PvGrid, features

MODEL = "pv-recent"
ENOUGH_DAYS = 28
HALF_LIFE_DAYS = 365
MAX_ROWS = 18_000
PIECES_PER_DAY = 2
"""Independent stretches of a day: clouds of a morning or of an afternoon."""
# fmt: off
LINE = (
    "base", "base_corrected", "base_around", "same_slot_14d", "carried", "base_-0.5h", "base_+0.5h", "base_day",
    "best_28d", "base_carried_1h", "base_carried_2h", "base_carried_4h", "best_clear_1h", "best_clear_2h",
)
# fmt: on


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
        # Nothing is expected and nothing was made at this hour on any day of a month: it is night.
        base, best = linear.columns(rows, names, ("base", "best_28d")).T
        lit = ~((base <= 0) & (best == 0))
        low, middle, high = (np.clip(v, 0.0, 1.2) * self.peak_w * lit for v in edges)
        return low, middle, high

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


def training_pairs(pv: PvGrid, until: int, seed: int = 1) -> tuple[Positions, Positions]:
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
