"""When an address may be spoken to again: as a service asks, and later after each failure. Nobody sleeps."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

FIRST_PAUSE_S, LONGEST_PAUSE_S = 15.0, 900.0
BEYOND_S = 1.0
"""Longer than a service says: its clock is not ours."""


@dataclass
class Pace:
    """By address: not before when, and how long the last pause after a failure was. Shared by threads."""

    _not_before: dict[str, datetime] = field(default_factory=dict)
    _pauses_s: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_free(self, address: str, now: datetime) -> bool:
        with self._lock:
            return now >= self._not_before.get(address, now)

    def sent(self, address: str, now: datetime, spacing_s: float) -> None:
        """It arrived: the next one after the spacing, and failures are forgotten."""
        with self._lock:
            self._pauses_s.pop(address, None)
            self._later(address, now + timedelta(seconds=spacing_s))

    def hold(self, address: str, now: datetime, after_s: float) -> None:
        """The service said how long."""
        with self._lock:
            self._later(address, now + timedelta(seconds=after_s + BEYOND_S))

    def failed(self, address: str, now: datetime) -> None:
        """Twice as long as the last time."""
        with self._lock:
            pause_s = min(LONGEST_PAUSE_S, 2 * self._pauses_s.get(address, FIRST_PAUSE_S / 2))
            self._pauses_s[address] = pause_s
            self._later(address, now + timedelta(seconds=pause_s))

    def _later(self, address: str, at: datetime) -> None:
        """Another thread's pause is not cut short."""
        self._not_before[address] = max(at, self._not_before.get(address, at))
