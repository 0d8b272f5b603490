"""How often a portal may be asked: a bucket that leaks, as the portal's own.

The portal's counter drains by 2 a second and refuses above 50, for all programs behind one address of the internet
together (Enterprise: 5 and 250). We are not alone there, so a burst of ours is a fifth of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ems_pipeline.time_grid import Clock

LEAK_PER_S, BURST = 2.0, 10.0


@dataclass
class Bucket:
    """Counts our own requests; `take` waits until one more may be sent."""

    clock: Clock
    level: float = 0.0
    at: datetime | None = None

    def take(self) -> None:
        self._drain()
        if self.level + 1 > BURST:
            self.clock.wait_until(self.clock.now() + timedelta(seconds=(self.level + 1 - BURST) / LEAK_PER_S))
            self._drain()
        self.level += 1

    def _drain(self) -> None:
        now = self.clock.now()
        gone_s = max(0.0, (now - (self.at or now)).total_seconds())
        self.level, self.at = max(0.0, self.level - gone_s * LEAK_PER_S), now
