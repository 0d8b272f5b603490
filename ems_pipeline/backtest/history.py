"""What happens at a home, and until when its prices are known."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.plan.assembly.courses import Missed

PRICES_OUT = time(13, 15)
"""Local time from which the next day's prices are known."""


@dataclass(frozen=True)
class AsKnown:
    """Prices per kWh as they were known: row after row, each from its slot of ``since`` on; NaN: not known then."""

    since: list[int]
    buy_per_kwh: Array
    sell_per_kwh: Array

    def at(self, t: int) -> tuple[Array, Array]:
        """What was known at the begin of slot ``t`` of it and all that follow; it ends where nothing was."""
        row = bisect_right(self.since, t) - 1
        if row < 0:
            return np.empty(0), np.empty(0)
        buy, sell = self.buy_per_kwh[row, t:], self.sell_per_kwh[row, t:]
        unknown = np.flatnonzero(np.isnan(buy) | np.isnan(sell))
        count = int(unknown[0]) if len(unknown) else len(buy)
        return buy[:count], sell[:count]


@dataclass(frozen=True)
class Record:
    """What is known and what happens, per slot of ``starts`` (UTC, consecutive): prices per kWh, powers in W >= 0.

    Attributes:
        buy_per_kwh, sell_per_kwh: what the slots are settled at.
        known: prices as plans knew them; None: as they are settled, each day's from `PRICES_OUT` of the day before.
    """

    starts: list[datetime]
    buy_per_kwh: Array
    sell_per_kwh: Array
    load_w: Array
    pv_w: Array
    known: AsKnown | None = None

    def prices_at(self, t: int, timezone: str) -> tuple[Array, Array]:
        """Buying and selling prices of slot ``t`` and those after it that a plan made at its begin knows."""
        if self.known is not None:
            return self.known.at(t)
        until = self.known_until(t, timezone)
        return self.buy_per_kwh[t:until], self.sell_per_kwh[t:until]

    def known_until(self, t: int, timezone: str) -> int:
        """Index of the first slot without a known price at the begin of slot ``t``."""
        zone = time_grid.zone(timezone)
        today = time_grid.local_day(self.starts[t], zone)
        is_out = self.starts[t] >= time_grid.local_instant(today, PRICES_OUT, zone)
        _, end = time_grid.day_bounds(today + timedelta(days=int(is_out)), zone)
        return t + time_grid.count_slots(self.starts[t], min(end, self.starts[-1] + time_grid.SLOT))


class Expected(Protocol):
    """What is expected of load and PV."""

    def at(self, t: int, until: int) -> tuple[Array, Array]:
        """Load and PV of slots ``[t, until)`` as far as they were forecast at the begin of slot ``t``, W >= 0."""

    def same_until(self, t: int) -> int:
        """First slot after ``t`` at whose begin another forecast may be known."""

    def missed(self, actual: Record, t: int) -> list[Missed]:
        """Of days before slot ``t`` what came less what was forecast at the same time of that day."""


@dataclass(frozen=True)
class Foreseen:
    """The same forecast whenever it is asked: what truly comes, or somebody's series."""

    load_w: Array
    pv_w: Array

    def at(self, t: int, until: int) -> tuple[Array, Array]:
        """See `Expected`."""
        return self.load_w[t:until], self.pv_w[t:until]

    def same_until(self, t: int) -> int:  # noqa: ARG002
        """See `Expected`."""
        return len(self.load_w)

    def missed(self, actual: Record, t: int) -> list[Missed]:  # noqa: ARG002
        """Nothing: no day says how such a forecast errs."""
        return []
