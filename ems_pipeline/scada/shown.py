"""Who is shown the rounds, each by itself: one that is slow or fails costs neither the polling nor the others.

Rounds wait for a follower that is slow, up to a number; then the oldest go, and that is said. A database that is away
for a while so costs alarms nothing. For a follower that only needs how things stand, what waits is one round: the
newest of every controller, since a round has some of them only.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from ems_pipeline.gensets.snapshot import Follower, Snapshot
from ems_pipeline.plain_text import told
from ems_pipeline.warehouse import DatabaseUnavailable

MOST_WAITING = 900
"""Ten minutes of rounds, three a cycle."""
PAUSE_S = 2.0
"""After a failure, before the next round is shown."""
Round = tuple[datetime, Sequence[Snapshot]]
logger = logging.getLogger(__name__)


class Shown:
    """A follower, and the rounds that wait for it."""

    def __init__(
        self,
        name: str,
        follower: Follower,
        keeps: int = MOST_WAITING,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        is_newest_enough: bool = False,
    ) -> None:
        self.name, self._follower, self._keeps, self._sleep = name, follower, keeps, sleep
        self._is_newest_enough = is_newest_enough
        self._waiting: deque[Round] = deque()
        self._something = asyncio.Event()
        self._fault = ""
        self.lost = 0
        """Rounds that it was never shown."""

    def show(self, at: datetime, snapshots: Sequence[Snapshot]) -> None:
        """Let a round wait for it."""
        self._waiting.append((at, snapshots))
        self._bound()
        self._something.set()

    def _bound(self) -> None:
        """What waits is no more than may."""
        while self._is_newest_enough and len(self._waiting) > 1:
            (_, older), (at, newer) = self._waiting.popleft(), self._waiting.popleft()
            newest = {(seen.site, seen.device): seen for seen in (*older, *newer)}
            self._waiting.appendleft((at, list(newest.values())))
        while len(self._waiting) > self._keeps:
            self._waiting.popleft()
            self.lost += 1

    async def run(self) -> None:
        """Show it what waits, until it is cancelled."""
        while True:
            await self._something.wait()
            self._something.clear()
            while self._waiting:
                await self.once()

    async def once(self) -> None:
        """Show it the oldest round that waits. What the database did not take is shown again; what the follower itself
        cannot bear is not."""
        at, snapshots = self._waiting.popleft()
        try:
            await self._follower.seen(at, snapshots)
        except DatabaseUnavailable as error:
            self._waiting.appendleft((at, snapshots))
            self._bound()
            self._say(str(error))
            await self._sleep(PAUSE_S)
        except Exception as error:
            self._say(told(error), error)
        else:
            self._say("")

    def _say(self, fault: str, error: Exception | None = None) -> None:
        """Once, however often it comes."""
        if fault and fault != self._fault:
            logger.error("%s: %s", self.name, fault, exc_info=error)
        if not fault and self._fault:
            logger.info("%s goes on; %d rounds were not shown to it", self.name, self.lost)
        self._fault = fault
