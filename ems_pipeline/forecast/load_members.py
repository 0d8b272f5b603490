"""Three ways from the same features to the median of a load, each wrong in its own way, and what they learn from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ems_pipeline.arrays import Array, Positions
from ems_pipeline.forecast import gbm, linear
from ems_pipeline.forecast.load_inputs import level_prior, relative_rows, straight_rows

LINE_RIDGE = 0.1
LEAF_DAYS, SMALL_LEAF_DAYS = 2.5, 1.2
"""What a leaf must see of days, see `Sample.leaf`; the trees that see every feature as it is may look closer."""
REST = gbm.Settings(rounds=80, learning_rate=0.05, random_cuts=True)


@dataclass(frozen=True)
class Sample:
    """Pairs of a decision time and a target, as `features` sees them, with what came true.

    ``log_load`` is the logarithm of the load raised by ``floor_w``; ``day`` and ``weight`` are the civil day of each
    target and its importance.
    """

    origin: Positions
    target: Positions
    rows: Array
    names: tuple[str, ...]
    log_load: Array
    day: Positions
    weight: Array
    floor_w: float

    def leaf(self, days: float = LEAF_DAYS) -> int:
        """Pairs of so many days: quarter-hours of one day resemble each other, a leaf must see several."""
        return max(20, round(days * len(self.day) / max(1, len(np.unique(self.day)))))


@dataclass(frozen=True)
class Members:
    """A ``line`` through recent levels, ``trees`` that see every feature as it is, trees of what the line leaves."""

    line: linear.MedianLine
    trees: gbm.Trees
    rest: gbm.Trees

    def predict(self, rows: Array, names: tuple[str, ...], floor_w: float) -> Array:
        """Mean of the three, W >= 0, per row of `features`."""
        straight = self.line.predict(straight_rows(rows, names, floor_w))
        left = self.rest.predict(*relative_rows(rows, names, floor_w, straight))
        ways = straight, self.trees.predict(rows, names), straight + left
        mean: Array = np.mean([np.maximum(np.exp(np.clip(way, 0, 20)) - floor_w, 0.0) for way in ways], axis=0)
        return mean

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> Members:
        """From what ``dataclasses.asdict`` gave, after a way through JSON."""
        line = linear.MedianLine.from_parts(parts["line"])
        return cls(line, *(gbm.Trees.from_parts(parts[name]) for name in ("trees", "rest")))


def fit(sample: Sample, seed: int) -> Members:
    """Train the three on one sample."""
    rows, names, floor_w, weight = sample.rows, sample.names, sample.floor_w, sample.weight
    inputs = straight_rows(rows, names, floor_w)
    line = linear.fit(inputs, sample.log_load, weight, level_prior(), LINE_RIDGE)
    settings = gbm.Settings(min_rows_in_leaf=sample.leaf(SMALL_LEAF_DAYS), seed=seed)
    trees = gbm.fit(rows, sample.log_load, 0.5, names, settings, weight)
    straight = line.predict(inputs)
    relative, relative_names = relative_rows(rows, names, floor_w, straight)
    settings = replace(REST, min_rows_in_leaf=sample.leaf(), seed=seed)
    rest = gbm.fit(relative, sample.log_load - straight, 0.5, relative_names, settings, weight)
    return Members(line, trees, rest)
