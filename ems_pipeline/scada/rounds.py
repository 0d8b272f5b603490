"""The cycle: every two seconds each line asks the controllers behind it, and followers are shown what came.

Lines are independent: a dead one delays nobody. What has come soon is shown soon, what serial buses say when they are
through, so a round has those controllers whose poll ended since the last one, and nobody may conclude
anything from who is not in it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from ems_pipeline.gensets.snapshot import Snapshot
from ems_pipeline.plain_text import told
from ems_pipeline.scada.shown import Shown
from ems_pipeline.scada.yard import Standing, Yard
from ems_pipeline.time_grid import Clock

EVERY_S = 2.0
SHOWN_S = (0.2, 0.8, 1.95)
"""When in a cycle what has come is shown: what answers at once, a busy network, a serial bus."""
logger = logging.getLogger(__name__)


class Rounds:
    """Polls a yard for as long as it runs."""

    def __init__(self, yard: Yard, shown: Sequence[Shown], clock: Clock, every_s: float = EVERY_S) -> None:
        self._yard, self._shown, self._clock, self._every_s = yard, shown, clock, every_s
        self._running: dict[str, asyncio.Task[None]] = {}
        self._came: list[Snapshot] = []
        self._faults: dict[str, str] = {}
        self._known: set[tuple[str, str]] = set()
        self.shown_at = clock.now()
        """When followers were shown the last round."""

    async def run(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        try:
            tick_at = loop.time()
            while True:
                await self.cycle(tick_at)
                tick_at = max(tick_at + self._every_s, loop.time() - self._every_s)
                await asyncio.sleep(max(0.0, tick_at - loop.time()))
        finally:
            for task in self._running.values():
                task.cancel()

    async def cycle(self, tick_at: float) -> None:
        """One round of polls, shown as it comes."""
        loop = asyncio.get_running_loop()
        for address, standing in self._yard.by_address().items():
            if address not in self._running:
                task = self._running[address] = asyncio.ensure_future(self._ask(standing))
                task.add_done_callback(partial(self._done, address))
        scale = self._every_s / EVERY_S
        for until_s in SHOWN_S:
            left_s = tick_at + until_s * scale - loop.time()
            if self._running and left_s > 0:
                with suppress(TimeoutError):
                    await asyncio.wait(tuple(self._running.values()), timeout=left_s)
            self._show()

    def _done(self, address: str, _: asyncio.Task[None]) -> None:
        self._running.pop(address, None)

    def _show(self) -> None:
        """What came; a round without anything where others are polled now, for whoever minds those that are not."""
        came, self._came = self._came, []
        before, self._known = self._known, set(self._yard.standing)
        now_at = self.shown_at = self._clock.now()
        if came or self._known != before:
            for one in self._shown:
                one.show(now_at, came)

    async def _ask(self, standing: Sequence[Standing]) -> None:
        """The controllers behind an address, one after the other."""
        for one in standing:
            try:
                one.snapshot = await one.polled.poll()
            except Exception as error:  # a fault of ours costs this controller, and is told
                self._tell(one, told(error), error)
                continue
            self._tell(one, one.polled.trouble)
            self._came.append(one.snapshot)

    def _tell(self, one: Standing, trouble: str, error: Exception | None = None) -> None:
        """Trouble of a controller, once; and that it is over."""
        key = "/".join(one.wanted.key)
        before = self._faults.get(key, "")
        if trouble and not before:
            logger.warning("%s (%s): %s", key, one.address, trouble, exc_info=error)
        if before and not trouble:
            logger.info("%s (%s) answers again", key, one.address)
        self._faults[key] = trouble
