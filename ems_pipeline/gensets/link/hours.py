"""Run hours that were read while they moved. Pure.

Hours, minutes and seconds stand in registers of their own, and a controller that counts on while it answers says 99:59
or 100:59 for 100:00. A value that moved as no clock can is held back until a second poll says it again: then it is a
meter that was set or replaced, which is for maintenance to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

PARTS = ("run_whole_hours", "run_minutes", "run_seconds")
SLACK = 1.05
"""Clocks of controllers run fast."""
GRAIN_H = 2 / 60


@dataclass(slots=True)
class RunHours:
    """The last hours that were believed, and the ones that are in doubt."""

    hours: float | None = None
    read_at: datetime | None = None
    doubted: float | None = None

    def take(self, values: Mapping[str, float | str | None], now_at: datetime) -> float | None:
        """Run hours by the parts of a poll; None: a part is missing, or they are in doubt."""
        whole, minutes, seconds = (values.get(name) for name in PARTS)
        if not isinstance(whole, float | int) or not isinstance(minutes, float | int):
            return None
        hours = whole + minutes / 60 + (seconds / 3600 if isinstance(seconds, float | int) else 0.0)
        if self._moved_as_a_clock(self.hours, hours, now_at) or self._repeats(hours):
            self.hours, self.read_at, self.doubted = hours, now_at, None
            return round(hours, 4)
        self.doubted = hours
        return None

    def _moved_as_a_clock(self, before: float | None, hours: float, now_at: datetime) -> bool:
        if before is None or self.read_at is None:
            return True
        elapsed_h = (now_at - self.read_at).total_seconds() / 3600
        return 0 <= hours - before <= SLACK * elapsed_h + GRAIN_H

    def _repeats(self, hours: float) -> bool:
        return self.doubted is not None and 0 <= hours - self.doubted <= GRAIN_H
