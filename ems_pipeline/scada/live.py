"""The newest of every controller, written once a round for whoever follows: pages, programs, other processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from ems_pipeline.gensets.snapshot import Snapshot
from ems_pipeline.warehouse import Warehouse, gensets


class Live:
    """Writes `genset_live`; of controllers that no file names any more it takes the row away."""

    def __init__(self, warehouse: Warehouse, known: Callable[[], set[gensets.Key]]) -> None:
        self._warehouse, self._known = warehouse, known
        self._kept: set[gensets.Key] | None = None

    async def seen(self, now_at: datetime, snapshots: Sequence[Snapshot]) -> None:
        await asyncio.to_thread(self._write, now_at, snapshots, self._known())

    def _write(self, now_at: datetime, snapshots: Sequence[Snapshot], known: set[gensets.Key]) -> None:
        with self._warehouse.begin() as connection:
            if known != self._kept:
                gensets.forget_live(connection, known)
            gensets.tell_live(connection, [seen for seen in snapshots if (seen.site, seen.device) in known], now_at)
        self._kept = known
