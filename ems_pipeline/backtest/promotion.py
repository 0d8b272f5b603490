"""When a challenger may take over: what it gained on the same days, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ems_pipeline.backtest.intervals import Interval, total

LEAST_DAYS = 28
"""Four whole weeks: fewer days say how lucky somebody was."""
Outcome = Literal["wait", "wins", "not shown"]


@dataclass(frozen=True)
class Verdict:
    """What a challenger has shown against the live planner.

    Attributes:
        gain: money of all days that it paid less, net of what stayed in the cells, with its 95 % interval over days
            drawn in pairs; None where no day was settled.
    """

    days: int
    gain: Interval | None
    outcome: Outcome


def judged(gains: Sequence[float]) -> Verdict:
    """The verdict on daily gains: at least `LEAST_DAYS` of them, and the lower bound of their sum above zero."""
    if not gains:
        return Verdict(0, None, "wait")
    gain = total(np.asarray(gains, dtype=float))
    if len(gains) < LEAST_DAYS:
        return Verdict(len(gains), gain, "wait")
    return Verdict(len(gains), gain, "wins" if gain.low > 0 else "not shown")
