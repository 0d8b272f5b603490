"""The straight companion of the boosted trees: a median regression on a few smooth features.

Trees learn corners and steps but need many examples; a line through recent means needs few and does not overfit. Their
mean beats either on almost every measured home. Least absolute deviations by iteratively reweighted least squares
(Schlossmacher 1973) with a light ridge, so that near-copies among the features do no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ems_pipeline.arrays import Array

ROUNDS = 20
RIDGE_PER_ROW = 0.01
SMALLEST_MISS = 0.02
"""In the unit of the target; closer than this counts as hit, which keeps the weights finite."""


def columns(rows: Array, names: tuple[str, ...], wanted: tuple[str, ...]) -> Array:
    """The features of ``rows`` that a member looks at, in the order ``wanted``; ``names`` are those of the rows."""
    place = {name: i for i, name in enumerate(names)}
    return rows[:, [place[name] for name in wanted]]


@dataclass(frozen=True)
class MedianLine:
    """``coefficients`` per feature, ``constant``, and what to take for a feature nobody knows."""

    coefficients: tuple[float, ...]
    constant: float
    usual: tuple[float, ...]

    def predict(self, rows: Array) -> Array:
        """Conditional median per row; NaN inputs count as usual."""
        known = np.where(np.isnan(rows), np.array(self.usual), rows)
        return np.asarray(known @ np.array(self.coefficients) + self.constant)

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> MedianLine:
        """From what ``dataclasses.asdict`` gave, after a way through JSON."""
        return cls(tuple(parts["coefficients"]), parts["constant"], tuple(parts["usual"]))


def fit(
    rows: Array, target: Array, weight: Array, prior: Array | None = None, ridge: float = RIDGE_PER_ROW
) -> MedianLine:
    """Train on ``[row, feature]`` (NaN where unknown) and one finite value per row.

    Args:
        prior: coefficients to stay near, zero by default.
        ridge: how near, per row: the weight of one unit of distance against one unit of error.
    """
    usual = np.nan_to_num(np.nanmedian(rows, axis=0))
    known = np.where(np.isnan(rows), usual, rows)
    # Centred, so that the ridge pulls towards the mean level and not towards zero.
    centre, level = known.mean(axis=0), float(np.median(target))
    inputs = np.column_stack([known - centre, np.ones(len(known))])
    start = np.zeros(inputs.shape[1]) if prior is None else np.append(prior, 0.0)
    outputs = target - level - inputs @ start
    penalty = np.eye(inputs.shape[1]) * ridge * weight.sum()
    solution, importance = np.zeros(inputs.shape[1]), weight
    for _ in range(ROUNDS):
        weighted = inputs * importance[:, None]
        solution = np.linalg.solve(weighted.T @ inputs + penalty, weighted.T @ outputs)
        importance = weight / np.maximum(np.abs(outputs - inputs @ solution), SMALLEST_MISS)
    solution = solution + start
    constant = level + float(solution[-1] - solution[:-1] @ centre)
    return MedianLine(tuple(map(float, solution[:-1])), constant, tuple(map(float, usual)))
