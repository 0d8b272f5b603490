"""What is remembered of the sets between looks, and kept in the database: a restart forgets nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from ems_pipeline.gensets.sequence.keys import Action
from ems_pipeline.gensets.sequence.recall import Recall
from ems_pipeline.gensets.sequence.view import Memory, Mode, View
from ems_pipeline.gensets.snapshot import Snapshot
from ems_pipeline.warehouse import genset_commands as commands
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.genset_commands import Controlled


class Remembered:
    """Of all sets; what has not changed is not written."""

    def __init__(self) -> None:
        self._recalls: dict[Controlled, Recall] = {}
        self._kept: dict[Controlled, dict[str, Any]] | None = None

    def forget(self) -> None:
        """What was kept is not known any more: a transaction failed. The next look reads it back."""
        self._kept = None

    def look(
        self, connection: Connection, snapshots: Mapping[Controlled, Snapshot], new: Collection[Controlled],
        now_at: datetime,
    ) -> None:  # fmt: skip
        """Take the new ones of these, or all of them where what was kept has to be read back first."""
        if self._kept is None:
            self._kept, new = commands.memories(connection), list(snapshots)
            self._recalls = {key: Recall.read(one) for key, one in self._kept.items()}
        for key in new:
            view = View(now_at=now_at, snapshot=snapshots[key])
            self._of(key).seen(view.snapshot, view.mode, view.engine, now_at)
        self.keep(connection, new, now_at)

    def keep(self, connection: Connection, which: Collection[Controlled], now_at: datetime) -> None:
        """Write down what has changed of these."""
        kept = self._kept or {}
        documents = {key: self._of(key).document(now_at) for key in which}
        changed = {key: one for key, one in documents.items() if kept.get(key) != one}
        commands.remember(connection, changed, now_at)
        self._kept = kept | changed

    def memory(self, key: Controlled, now_at: datetime, locks: Iterable[str]) -> Memory:
        """What a sequence is shown of a set."""
        return self._of(key).memory(now_at, locks)

    def told(self, key: Controlled, action: Action, now_at: datetime, mode: Mode | None) -> None:
        """An action is to be told (`Recall.told`)."""
        self._of(key).told(action, now_at, mode)

    def withheld(self, key: Controlled, action: Action, told_at: datetime) -> None:
        """It was not told after all."""
        self._of(key).withheld(action, told_at)

    def _of(self, key: Controlled) -> Recall:
        return self._recalls.setdefault(key, Recall())
