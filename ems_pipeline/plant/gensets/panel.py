"""The alarms of one controller: what causes them, what it shows, what it remembers until somebody resets it.

An alarm is a bit of a register, in a group that says what the controller does about it. Warnings go when their cause
goes; all else stands until it is reset, which takes only when the cause is gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from ems_pipeline.gensets.states import AlarmGroup

REMEMBERED = 100_000
"""Changes of alarms that are kept: a storm of three hours."""


class Alarm(NamedTuple):
    """Where an alarm is shown, and what is done about it."""

    group: AlarmGroup
    address: int
    bit: int


class Change(NamedTuple):
    """An alarm came or went. ``at_s``: seconds since the hall began."""

    at_s: float
    alarm: Alarm
    is_on: bool


class Panel:
    """What a controller knows of alarms. ``shown`` are the bits that are set, ``history`` how they came and went."""

    def __init__(self) -> None:
        self.at_s = 0.0
        self.causes: set[Alarm] = set()
        self.shown: set[Alarm] = set()
        self.groups: frozenset[AlarmGroup] = frozenset()
        self.history: deque[Change] = deque(maxlen=REMEMBERED)
        self.takes_reset = True
        self.is_muted = False

    def cause(self, alarm: Alarm, is_there: bool) -> None:
        """Say whether what an alarm is about is there now."""
        if is_there == (alarm in self.causes):
            return
        if is_there:
            self.causes.add(alarm)
            if alarm not in self.shown:
                self.is_muted = False
                self._show(alarm, True)
        else:
            self.causes.discard(alarm)
            if alarm.group is AlarmGroup.WARNING and alarm in self.shown:
                self._show(alarm, False)

    def happened(self, alarm: Alarm) -> None:
        """An alarm about an event: its cause is gone as it comes."""
        self.cause(alarm, True)
        self.cause(alarm, False)

    def reset(self) -> None:
        """Forget every alarm whose cause is gone, if the controller lets itself be reset from outside."""
        if self.takes_reset:
            for alarm in sorted(self.shown - self.causes):
                self._show(alarm, False)

    def has(self, groups: Iterable[AlarmGroup]) -> bool:
        """Whether an alarm of one of the groups is shown."""
        return not self.groups.isdisjoint(groups)

    def _show(self, alarm: Alarm, is_on: bool) -> None:
        (self.shown.add if is_on else self.shown.discard)(alarm)
        self.history.append(Change(self.at_s, alarm, is_on))
        self.groups = frozenset(a.group for a in self.shown)
