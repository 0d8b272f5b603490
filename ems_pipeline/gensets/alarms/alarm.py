"""One alarm that stands, and a step of its life."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ems_pipeline.gensets.alarms import life
from ems_pipeline.gensets.alarms.life import State, What
from ems_pipeline.gensets.states import AlarmGroup


class Controller(NamedTuple):
    """Whose alarm it is. ``device`` empty: the site's own, when the road to all of its controllers is lost."""

    site: str
    device: str


class Source(StrEnum):
    """Who says that there is a cause."""

    BIT = "bit"
    """The controller."""
    LIMIT = "limit"
    """A limit of the site file."""
    LINK = "link"
    """That nothing is heard."""


class Condition(NamedTuple):
    """What an alarm of a controller is about; one alarm of each stands at a time."""

    source: Source
    group: AlarmGroup
    name: str


@dataclass(kw_only=True)
class Alarm:
    """An alarm from its first cause until it is over."""

    controller: Controller
    condition: Condition
    raised_at: datetime
    """The newest time its cause came."""
    state: State = State.NORMAL
    number: int | None = None
    """As stored; None: not yet."""
    times: int = 0
    """How often its cause has come since it stands."""
    returned_at: datetime | None = None
    trouble_at: datetime | None = None
    """When the first alarm of the same trouble came; None: it stops nothing, and has no order."""
    place: int | None = None
    """In the order of its trouble, from 1; those of one poll have the same."""
    suppressed_by: str | None = None
    removed_for: str | None = None
    """Why its controller is out of service."""
    shelved_until: datetime | None = None
    notice: int | None = None
    """The alarm that people are told by (``ems.alarm``)."""

    @property
    def latches(self) -> bool:
        """A shutdown is over when a person says so, not when the controller was reset."""
        return self.condition.group is AlarmGroup.SHUTDOWN

    @property
    def is_hidden(self) -> bool:
        """Whether somebody or something keeps it from people."""
        return any((self.suppressed_by, self.removed_for, self.shelved_until))

    def step(self, what: What, at: datetime, reason: str = "") -> Step:
        """Let something happen to it; Refused: see `life.after`."""
        self.state = life.after(self.state, what, latches=self.latches)
        if what is What.RAISED:
            self.raised_at, self.returned_at, self.times = at, None, self.times + 1
        if what is What.RETURNED:
            self.returned_at = at
        return Step(self, at, what, self.state, reason)


@dataclass(frozen=True)
class Step:
    """A row of the journal: what happened, and how the alarm stood then."""

    alarm: Alarm = field(repr=False)
    at: datetime
    what: What
    state: State
    reason: str = ""
