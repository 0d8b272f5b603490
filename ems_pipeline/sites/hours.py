"""Hours of the wall clock on some days, as dated data: when a schedule acts, when other terms of a site hold.

Wall-clock hours are quarters of the day as `time_grid.slot_of_day` counts them: hours that the spring change skips do
not come, the hour that autumn repeats comes twice. So what is apart on the wall clock is apart on every day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import model_validator

from ems_pipeline import time_grid
from ems_pipeline.sites.record import Record, WallClock, Weekday

QUARTERS = 96
"""Quarter-hours on the wall clock of any day."""
WEEK = 7


class Hours(Record):
    """The quarter-hours of a wall-clock window ``[start, end)`` on some days.

    An end before the start is on the next day; without both it is the whole day. ``days`` and dates are those of the
    day the window begins on, ``until_date`` included.
    """

    days: tuple[Weekday, ...] = tuple(range(WEEK))
    """0 = Monday."""
    start: WallClock | None = None
    end: WallClock | None = None
    from_date: date | None = None
    until_date: date | None = None
    active: bool = True
    """Without, it stands there and does nothing."""

    @model_validator(mode="after")
    def _acts_some_time(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end belong together; give both, or neither for the whole day")
        for at in (self.start, self.end):
            if at is not None and (at.minute % 15 or at.second or at.microsecond or at.tzinfo):
                raise ValueError(f'{at} is no quarter-hour of the wall clock; write e.g. "{at.hour:02}:15"')
        if self.start is not None and self.start == self.end:
            raise ValueError(
                f"the window from {self.start:%H:%M} to {self.end:%H:%M} is empty; move one end, or leave both out for "
                "the whole day"
            )
        if not self._has_day(self.days, self.from_date, self.until_date):
            raise ValueError(
                f"no day from {self.from_date or 'ever'} until {self.until_date or 'ever'} is one of days "
                f"{list(self.days)} (0 = Monday); widen one of them"
            )
        return self

    @property
    def quarters(self) -> tuple[int, int]:
        """The window as quarters of the day it begins on, ``[first, end)``; beyond 96 they are of the next day."""
        if self.start is None or self.end is None:
            return 0, QUARTERS
        first, end = _quarter(self.start), _quarter(self.end)
        return first, end if end > first else end + QUARTERS

    def covers(self, slot: datetime, zone: ZoneInfo) -> bool:
        """Whether it acts in the quarter-hour that begins at ``slot``."""
        if not self.active:
            return False
        day, quarter = time_grid.local_day(slot, zone), time_grid.slot_of_day(slot, zone)
        first, end = self.quarters
        return any(
            first <= q < end and self.begins_on(began)
            for began, q in ((day, quarter), (day - timedelta(days=1), quarter + QUARTERS))
        )

    def begins_on(self, day: date) -> bool:
        """Whether a window of it begins on a local day."""
        after = self.from_date is None or day >= self.from_date
        return after and (self.until_date is None or day <= self.until_date) and day.weekday() in self.days

    def meets(self, other: Hours) -> bool:
        """Whether there is a quarter-hour in which both act."""
        if not (self.active and other.active):
            return False
        (first, end), (other_first, other_end) = self.quarters, other.quarters
        return any(
            first < other_end + later * QUARTERS and other_first + later * QUARTERS < end and self._pairs(other, later)
            for later in (-1, 0, 1)
        )

    def _pairs(self, other: Hours, later: int) -> bool:
        """Whether a window of the other begins so many days later than one of this."""
        days = [day for day in self.days if (day + later) % WEEK in other.days]
        shift = timedelta(days=later)
        begins = [d for d in (self.from_date, other.from_date and other.from_date - shift) if d is not None]
        ends = [d for d in (self.until_date, other.until_date and other.until_date - shift) if d is not None]
        return self._has_day(days, max(begins, default=None), min(ends, default=None))

    @staticmethod
    def _has_day(days: Sequence[int], first: date | None, last: date | None) -> bool:
        """Whether one of the weekdays comes in ``[first, last]``; None is without end."""
        if first is None or last is None:
            return bool(days)
        within = min((last - first).days + 1, WEEK)
        return any((first + timedelta(days=i)).weekday() in days for i in range(within))


def _quarter(at: time) -> int:
    return at.hour * 4 + at.minute // 15
