"""Spans of time as windows of slots."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from ems_pipeline import time_grid
from ems_pipeline.plan.problem import Window


def windows_where(holds: Iterable[bool]) -> tuple[Window, ...]:
    """The slots in which something holds, as few windows as there are."""
    found, first = [], 0
    for is_so, slots in groupby(holds):
        end = first + len(list(slots))
        found += [Window(first, end)] if is_so else []
        first = end
    return tuple(found)


def slots_of(from_at: datetime, until_at: datetime, starts: list[datetime], whole: bool) -> tuple[int, int]:
    """Slot window of a span of time, counted from the horizon's first slot; ``end`` may lie beyond the horizon.

    Args:
        whole: only slots wholly inside the span (presence); else every slot it touches (limits), inside the horizon.
    """
    start = time_grid.utc(starts[0])
    begin, end = max(time_grid.utc(from_at), start), max(time_grid.utc(until_at), start)
    if whole:
        inside = time_grid.ceil_slot(begin), time_grid.floor_slot(end)
        return time_grid.count_slots(start, inside[0]), time_grid.count_slots(start, inside[1])
    first = time_grid.count_slots(start, time_grid.floor_slot(begin))
    return first, min(len(starts), time_grid.count_slots(start, time_grid.ceil_slot(end)))
