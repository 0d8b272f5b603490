"""Instants to places along a picture, and labels of the wall clock where the site stands.

Places go by the instant: the hour that the autumn repeats is drawn twice, the one that the spring skips not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from statistics import median_low
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ems_pipeline import time_grid
from ems_pipeline.pictures.paths import Reach
from ems_pipeline.pictures.svg import text_width
from ems_pipeline.time_grid import SLOT

HOUR_STEPS = (1, 2, 3, 4, 6, 12)
MOST_DAYS_WITH_HOURS = 6
MOST_DAYS_WITH_LINES = 62
HOLE = 1.5
"""A slot that begins later than so many usual steps after the one before leaves a hole; a day of 25 hours does not."""


class Tick(NamedTuple):
    """A place on the axis with its label."""

    x: float
    label: str


class DayTick(NamedTuple):
    """What is shown of a civil day: from ``x`` to ``until``, which is a midnight or the end of the picture."""

    x: float
    until: float
    day: date
    begins: bool
    """Whether its midnight is shown."""


@dataclass(frozen=True)
class TimeAxis:
    """``[starts_at, ends_at)`` drawn between the pixels ``left`` and ``right``."""

    starts_at: datetime
    ends_at: datetime
    left: float
    right: float
    zone: ZoneInfo

    def x(self, at: datetime) -> float:
        """To a tenth of a pixel."""
        return self.tenths(at) / 10

    def tenths(self, at: datetime) -> int:
        """The same in whole tenths of a pixel."""
        share = (at - self.starts_at) / (self.ends_at - self.starts_at)
        return round(10 * (self.left + share * (self.right - self.left)))

    def shows(self, at: datetime) -> bool:
        """Whether an instant lies on the axis, its end included."""
        return self.starts_at <= at <= self.ends_at

    def days(self) -> Iterator[DayTick]:
        """The civil days that are shown, whole or in part."""
        for day in time_grid.days_of(self.starts_at, self.ends_at, self.zone):
            start, end = time_grid.day_bounds(day, self.zone)
            shown = self.x(max(start, self.starts_at)), self.x(min(end, self.ends_at))
            yield DayTick(*shown, day, start >= self.starts_at)

    def midnights(self) -> list[float]:
        """Where days begin; months, where more days are shown than lines can be told apart."""
        days = list(self.days())
        are_many = len(days) > MOST_DAYS_WITH_LINES
        return [day.x for day in days if day.begins and (day.day.day == 1 or not are_many)]

    def hours(self, font: float) -> list[Tick]:
        """Full hours of the wall clock as far apart as their labels need; none where too many days are shown."""
        return list(_hours(self, font))

    def clock_changes(self) -> Iterator[tuple[float, timedelta]]:
        """Where the clock on the wall is put forward (> 0) or back (< 0) within the picture, and by how much."""
        offsets = time_grid.offsets(self.starts_at, self.ends_at, self.zone)
        for (_, before), (at, after) in pairwise(offsets):
            if self.starts_at < at < self.ends_at:
                yield self.x(at), after - before


@lru_cache(64)  # of each axis asked for twice, for the lines and for their labels; a day's is that of all its pictures
def _hours(axis: TimeAxis, font: float) -> list[Tick]:
    days = time_grid.days_of(axis.starts_at, axis.ends_at, axis.zone)
    if len(days) > MOST_DAYS_WITH_HOURS:
        return []
    hour_px = (axis.right - axis.left) / ((axis.ends_at - axis.starts_at) / (4 * SLOT))
    least_px = text_width("00:00", font) + font * 0.7
    step = next((h for h in HOUR_STEPS if h * hour_px >= least_px), 24)
    ticks: list[Tick] = []
    for at in (at for day in days for at in time_grid.day_slots(day, axis.zone)):
        local = at.astimezone(axis.zone)
        is_due = local.minute == 0 and local.hour % step == 0 and axis.shows(at)
        if is_due and (not ticks or axis.x(at) - ticks[-1].x >= least_px):
            ticks.append(Tick(axis.x(at), f"{local:%H:%M}"))
    return ticks


def ends(starts: Sequence[datetime]) -> list[datetime]:
    """Where each slot ends: where the next begins, or after the usual step where it is followed by a hole."""
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    usual = median_low(gaps) if gaps else SLOT
    return [start + (gap if gap < HOLE * usual else usual) for start, gap in zip(starts, [*gaps, usual], strict=True)]


def reaches(axis: TimeAxis, starts: Iterable[datetime], ended: Iterable[datetime]) -> list[Reach]:
    """The place of each slot."""
    return [Reach(axis.tenths(start), axis.tenths(end)) for start, end in zip(starts, ended, strict=True)]
