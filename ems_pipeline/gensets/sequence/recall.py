"""What is remembered of a set between looks: whose mode it stands in, its starts, resets, and how long it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline.gensets.sequence.acting import MODES
from ems_pipeline.gensets.sequence.keys import Action, Key, Press
from ems_pipeline.gensets.sequence.view import COMING_UP, Memory, Mode
from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.gensets.states import EngineState

SHOWS = timedelta(seconds=15)
"""How long a key may take to show: until then the mode before it is ours, too."""
DAY = timedelta(hours=24)
SAME_START = timedelta(minutes=5)
"""A start that is seen so soon after our key is the one the key asked for."""


@dataclass(slots=True)
class Recall:
    """Of one set. What is remembered is committed with the journal, so that a restart forgets nothing."""

    owned: Mode | None = None
    before: Mode | None = None
    pressed_at: datetime | None = None
    starts: tuple[datetime, ...] = ()
    start_told_at: datetime | None = None
    resets: tuple[datetime, ...] = ()
    engine: EngineState | None = None
    running_from_at: datetime | None = None
    stopped_at: datetime | None = None

    def told(self, action: Action, at: datetime, mode: Mode | None) -> None:
        """An action was committed; ``mode``: what the switch stood at then."""
        if not isinstance(action, Press):
            return
        if action.key in MODES:
            self.owned, self.before, self.pressed_at = MODES[action.key], mode, at
        if action.key is Key.START:
            self.starts, self.start_told_at = (*self.starts, at), at
        if action.key is Key.RESET:
            self.resets += (at,)

    def withheld(self, action: Action, at: datetime) -> None:
        """What was committed at an instant was not told after all."""
        if not isinstance(action, Press):
            return
        if action.key in MODES:
            self.owned, self.before, self.pressed_at = self.before, None, None
        if action.key is Key.START:
            self.starts, self.start_told_at = tuple(one for one in self.starts if one != at), None
        if action.key is Key.RESET:
            self.resets = tuple(one for one in self.resets if one != at)

    def seen(self, snapshot: Snapshot, mode: Mode | None, engine: EngineState | None, at: datetime) -> None:
        """A look; what is not answered changes nothing."""
        if snapshot.link is not Link.GOOD:
            return
        if mode is not None:
            self._own(mode, at)
        if engine is not None:
            self._follow(engine, at)

    def _own(self, mode: Mode, at: datetime) -> None:
        if mode is self.owned:
            self.before = None
        elif mode is not self.before:
            self.owned = None  # somebody chose it
        elif self.pressed_at is None or at - self.pressed_at > SHOWS:
            self.owned, self.before = self.before, None  # the key was never heard

    def _follow(self, engine: EngineState, at: datetime) -> None:
        before, self.engine = self.engine, engine
        if before is None or before is engine:
            return
        if before is EngineState.STANDBY and engine in COMING_UP:
            if self.start_told_at is None or at - self.start_told_at > SAME_START:
                self.starts += (at,)
            self.start_told_at = None
        if engine is EngineState.RUNNING:
            self.running_from_at = at
        elif engine is EngineState.STANDBY:
            self.running_from_at, self.stopped_at = None, at

    def memory(self, at: datetime, locks: Iterable[str] = ()) -> Memory:
        """What a sequence is shown of it."""
        return Memory(
            owned_mode=self.owned, starts=_lately(self.starts, at), resets=_lately(self.resets, at),
            running_from_at=self.running_from_at, stopped_at=self.stopped_at, locks=tuple(locks),
        )  # fmt: skip

    def document(self, at: datetime) -> dict[str, Any]:
        """As it is kept; starts and resets of the last day."""
        self.starts, self.resets = _lately(self.starts, at), _lately(self.resets, at)
        return {name: _plain(getattr(self, name)) for name in NAMES}

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Recall:
        """From what was kept."""
        return cls(
            owned=None if said["owned"] is None else Mode(said["owned"]),
            before=None if said["before"] is None else Mode(said["before"]),
            engine=None if said["engine"] is None else EngineState(said["engine"]),
            starts=tuple(datetime.fromisoformat(at) for at in said["starts"]),
            resets=tuple(datetime.fromisoformat(at) for at in said["resets"]),
            **{name: None if said[name] is None else datetime.fromisoformat(said[name]) for name in INSTANTS},
        )


NAMES = tuple(one.name for one in fields(Recall))
INSTANTS = ("pressed_at", "start_told_at", "running_from_at", "stopped_at")


def _lately(instants: tuple[datetime, ...], at: datetime) -> tuple[datetime, ...]:
    return tuple(one for one in instants if one > at - DAY)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return [at.isoformat() for at in value] if isinstance(value, tuple) else value
