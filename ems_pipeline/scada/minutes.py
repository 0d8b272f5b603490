"""Means of minutes and changes of states, written as they come: the warehouse's memory of every controller."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from ems_pipeline.gensets.snapshot import Snapshot
from ems_pipeline.scada.means import Means
from ems_pipeline.warehouse import Warehouse, gensets
from ems_pipeline.warehouse.gensets import Change, Key, Minute


class Minutes:
    """Follows every controller; what could not be written is written with the next round."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse, self._means = warehouse, Means()
        self._numbers: dict[Key, int] = {}
        self._minutes: list[Minute] = []
        self._changes: list[Change] = []
        self._taken: Sequence[Snapshot] = ()

    async def seen(self, now_at: datetime, snapshots: Sequence[Snapshot]) -> None:
        if snapshots is not self._taken:  # shown again, where the database did not take it
            for seen in snapshots:
                minutes, changes = self._means.take(seen, now_at)
                self._minutes += minutes
                self._changes += changes
            self._taken = snapshots
        if self._minutes or self._changes:
            await asyncio.to_thread(self._write, {(seen.site, seen.device): seen.model for seen in snapshots})

    def _write(self, models: dict[Key, str]) -> None:
        wanted = {(one.site_key, one.device_key) for one in self._minutes}
        wanted |= {(one.site_key, one.device_key) for one in self._changes}
        with self._warehouse.begin() as connection:
            if missing := {key: models[key] for key in wanted - self._numbers.keys() if key in models}:
                self._numbers |= gensets.numbers(connection, missing)
            gensets.add_minutes(connection, self._minutes, self._numbers)
            gensets.add_changes(connection, self._changes, self._numbers)
        self._minutes, self._changes = [], []
