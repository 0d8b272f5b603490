"""When alarms come faster than anybody reads: ten within ten minutes begin a flood, fewer than five end it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

SPAN = timedelta(minutes=10)
BEGINS, ENDS = 10, 5
DIGEST_EVERY = timedelta(minutes=1)


class Flood:
    """Of one site, the operator of which reads all of its alarms."""

    def __init__(self, before: Iterable[datetime] = ()) -> None:
        """``before``: when alarms came in the ten minutes before this process did, in order."""
        self._came = deque(before)
        self.is_on = len(self._came) >= BEGINS
        self._told_at: datetime | None = None

    @property
    def count(self) -> int:
        """Alarms of the past ten minutes, as of the last look."""
        return len(self._came)

    def look(self, at: datetime, came: int) -> None:
        """So many alarms came with this round."""
        self._came.extend([at] * came)
        while self._came and self._came[0] <= at - SPAN:
            self._came.popleft()
        self.is_on = len(self._came) >= (ENDS if self.is_on else BEGINS)
        if not self.is_on:
            self._told_at = None

    def takes_digest(self, at: datetime) -> bool:
        """Whether a digest is due; it is taken for told."""
        if not self.is_on or (self._told_at is not None and at - self._told_at < DIGEST_EVERY):
            return False
        self._told_at = at
        return True
