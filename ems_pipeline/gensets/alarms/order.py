"""First-out: which alarm of a trouble came first. Bits of one poll tie, since nobody knows their order within 2 s.

A trouble begins with the first alarm of a controller that does something (any but a warning), and lasts until none of
them has a cause any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ems_pipeline.gensets.alarms.alarm import Alarm
from ems_pipeline.gensets.states import AlarmGroup


def has_order(alarm: Alarm) -> bool:
    """Warnings stop nothing: what they say came before or after a stop, and was not its cause."""
    return alarm.condition.group is not AlarmGroup.WARNING


def place(new: Iterable[Alarm], before: Iterable[Alarm], at: datetime) -> None:
    """Give alarms of one controller that came with one poll their trouble and place.

    Args:
        before: those that had a cause at the poll before.
    """
    ordered = [alarm for alarm in new if has_order(alarm)]
    among = [other for other in before if other.trouble_at is not None]
    trouble = max((other.trouble_at for other in among if other.trouble_at), default=at)
    places = [other.place for other in among if other.trouble_at == trouble and other.place]
    for alarm in ordered:
        alarm.trouble_at, alarm.place = trouble, max(places, default=0) + 1
