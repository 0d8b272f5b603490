"""What was looked up a moment ago: who is behind a cookie or a token is not asked of the database at every request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, TypeVar

from ems_pipeline.time_grid import Clock

KEPT = timedelta(seconds=5)
"""So long what was taken back elsewhere, on the machine or by another process, still counts."""
MOST = 4096
Found = TypeVar("Found")


class Remembered(Generic[Found]):
    """Findings by key, each for `KEPT`; bounded."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._found: dict[str, tuple[datetime, Found]] = {}

    def get(self, key: str) -> Found | None:
        """What was found, None when that is too long ago; a clock set back counts as too long."""
        if (kept := self._found.get(key)) is None:
            return None
        at, found = kept
        if timedelta(0) <= self._clock.now() - at < KEPT:
            return found
        del self._found[key]
        return None

    def put(self, key: str, found: Found) -> None:
        if len(self._found) >= MOST:
            self._found.clear()
        self._found[key] = (self._clock.now(), found)

    def forget(self, key: str) -> None:
        self._found.pop(key, None)
