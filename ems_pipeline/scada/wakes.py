"""Commands that are heard of at once: the database says that one was filed, and sequences look without waiting."""

from __future__ import annotations

import asyncio
import logging

from ems_pipeline.plain_text import told
from ems_pipeline.scada.sequences import Sequences
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import Warehouse, genset_commands

HEARD_S = 1.0
"""How long somebody listens before it is seen whether to end."""
AGAIN_S = 5.0
"""After the connection was lost; the rounds look meanwhile."""
logger = logging.getLogger(__name__)


class Wakes:
    """Listens for as long as it runs; what it misses the next round finds."""

    def __init__(self, warehouse: Warehouse, sequences: Sequences, clock: Clock) -> None:
        self._warehouse, self._sequences, self._clock = warehouse, sequences, clock

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._listen()
            except Exception as error:
                logger.warning("nobody says when a command is filed; the rounds look: %s", told(error))
                await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        ear = await asyncio.to_thread(genset_commands.Ear, self._warehouse)
        try:
            while True:
                if await asyncio.to_thread(ear.hears, HEARD_S):
                    await self._sequences.look_again(self._clock.now())
        finally:
            ear.close()
