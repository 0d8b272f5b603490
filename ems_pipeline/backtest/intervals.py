"""Money by day, and how sure its sums are: pairs of days drawn again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Positions
from ems_pipeline.audit.settlement import meter_cost
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.history import Record

NOTHING = 0.001
"""Money a day of which no share is worth a word."""
DRAWS = 2000
STRETCH_DAYS = 7
SURE = (2.5, 97.5)
"""Percentiles between which the truth lies in 95 of 100 cases."""


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Interval:
        """The same of more or fewer days; ``factor`` > 0."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)


def costs(
    record: Record, slots: range, grid_w: Array, soc_pct: Array, start_soc_pct: float, storage: Storage,
    stored_per_kwh: float,
) -> Array:  # fmt: skip
    """Money of each of the ``slots``: at the meter, less what the change in stored energy is worth."""
    here = slice(slots.start, slots.stop)
    money = meter_cost(grid_w, record.buy_per_kwh[here], record.sell_per_kwh[here])
    stored_kwh = units.kilo(np.diff(soc_pct, prepend=start_soc_pct) / 100 * storage.capacity_wh)
    return np.asarray(money - stored_per_kwh * stored_kwh)


def share(won: Array, of: Array, seed: int = 1) -> Interval | None:
    """``sum(won) / sum(of)`` in percent, days drawn in pairs; None where less than `NOTHING` a day is to be won."""
    if of.sum() < NOTHING * len(of):
        return None
    return _drawn(lambda days: 100 * won[days].sum(-1) / of[days].sum(-1), len(won), seed)


def total(values: Array, seed: int = 1) -> Interval:
    """The sum over the days."""
    return _drawn(lambda days: values[days].sum(-1), len(values), seed)


def total_of_stretches(values: Array, seed: int = 1) -> Interval:
    """The sum over the days, drawn in stretches of `STRETCH_DAYS` that follow each other (the last is followed by the
    first): weather and habits last longer than a day, and days drawn alone would make a sum look too sure."""
    count = len(values)
    length = min(STRETCH_DAYS, count)
    starts = np.random.default_rng(seed).integers(0, count, (DRAWS, -(-count // length), 1))
    drawn = ((starts + np.arange(length)) % count).reshape(DRAWS, -1)[:, :count]
    low, high = np.percentile(values[drawn].sum(-1), SURE)
    return Interval(float(values.sum()), float(low), float(high))


def _drawn(figure: Callable[[Positions], Array], days: int, seed: int) -> Interval:
    drawn = np.random.default_rng(seed).integers(0, days, (DRAWS, days))
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = np.nanpercentile(figure(drawn), SURE)
    return Interval(float(figure(np.arange(days))), float(low), float(high))
