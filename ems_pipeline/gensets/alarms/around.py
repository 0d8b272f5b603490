"""The values of a controller from a minute before a shutdown to a minute after it, kept with the alarm."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline.gensets.alarms.alarm import Alarm, Controller, Step
from ems_pipeline.gensets.alarms.life import What
from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.gensets.states import AlarmGroup

SPAN = timedelta(seconds=60)
Kept = tuple[Alarm, dict[str, Any]]


class Around:
    """The last minutes of every controller, and shutdowns whose minute afterwards is not over."""

    def __init__(self) -> None:
        self._seen: dict[Controller, deque[tuple[datetime, Snapshot]]] = {}
        self._waiting: list[tuple[datetime, Alarm]] = []

    def see(self, at: datetime, snapshots: Sequence[Snapshot], steps: Iterable[Step]) -> list[Kept]:
        """Take a round; values to be kept, of each shutdown when it comes, and whole a minute later."""
        for one in snapshots:
            self._remember(at, one)
        new = [
            (at, step.alarm)
            for step in steps
            if step.what is What.RAISED and step.alarm.condition.group is AlarmGroup.SHUTDOWN
        ]
        whole = [one for one in self._waiting if at - one[0] >= SPAN]
        self._waiting = [*(one for one in self._waiting if at - one[0] < SPAN), *new]
        return [(alarm, self._values(alarm.controller, since)) for since, alarm in [*whole, *new]]

    def _remember(self, at: datetime, seen: Snapshot) -> None:
        past = self._seen.setdefault(Controller(seen.site, seen.device), deque())
        if seen.link is Link.GOOD and seen.taken_at is not None and (not past or past[-1][0] != seen.taken_at):
            past.append((seen.taken_at, seen))
        while past and past[0][0] < at - 2 * SPAN:
            past.popleft()

    def _values(self, of: Controller, since: datetime) -> dict[str, Any]:
        """Instants, and of each name its values at them; None: no sensor, or not believed."""
        past = [(at, one) for at, one in self._seen.get(of, ()) if abs(at - since) <= SPAN]
        names = sorted({name for _, one in past for name in one.values})
        return {
            "at": [at.isoformat() for at, _ in past],
            "values": {name: [one.values.get(name) for _, one in past] for name in names},
        }
