"""The log's lines about requests, written a few times a second: one by one they cost more than many an answer."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import lru_cache
from typing import NoReturn

LOGGER = "ems.web.requests"
"""Its records are several lines, each whole with its own time."""
EVERY_S = 0.25
logger = logging.getLogger(LOGGER)


class Lines:
    """Of one process."""

    def __init__(self) -> None:
        self._held: list[tuple[float, str]] = []

    def note(self, line: str) -> None:
        """Keep a line for the next time."""
        self._held.append((time.time(), line))

    async def run(self) -> NoReturn:
        """Write what is held, again and again."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.write()

    def write(self) -> None:
        """Write what is held."""
        held, self._held = self._held, []
        if held:
            logger.info("%s", "\n".join(f"{_shown(at_s)} INFO {LOGGER} {line}" for at_s, line in held))


def _shown(at_s: float) -> str:
    """As `logging` shows it."""
    return f"{_second(int(at_s))},{int(at_s % 1 * 1000):03}"


@lru_cache(2)
def _second(at_s: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_s))
