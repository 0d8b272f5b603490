"""Quarter-hours, civil days and clocks: the only module that does time arithmetic.

Inside, an instant is an aware UTC ``datetime``. A **slot** is a quarter-hour, named by its start. A **day** is the
site's local civil day and has 92, 96 or 100 slots; nothing may multiply days by 24 or 96. Local time exists only in
``local_day``, ``day_bounds`` and whoever prints for a person.

Why so strict: wrong slot counts around the clock change are the most recurrent fault of every comparable system.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from time import sleep
from typing import Protocol
from zoneinfo import ZoneInfo, reset_tzpath

reset_tzpath(())
"""Zones are those of the package `tzdata`, whose release we choose, and not of whatever lies below /usr/share."""
ZoneInfo.clear_cache()

SLOT = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
ONE_DAY = timedelta(days=1)
CLOCK_SLACK = MINUTE
"""A clock is set right by seconds all the time; by more than this it has jumped."""


class Clock(Protocol):
    """Where "now" comes from: the machine, or a simulation that runs days in minutes."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...

    def wait_until(self, at: datetime) -> None:
        """Return when ``at`` has come; at once when it has passed."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait_until(self, at: datetime) -> None:
        """Sleep; a clock set forward meanwhile ends the wait at most a second late."""
        while (remaining_s := (utc(at) - self.now()).total_seconds()) > 0:
            sleep(min(remaining_s, 1.0))


@dataclass
class SimulatedClock:
    """A clock that moves only when told to; shared by the pipeline and the virtual plant in demo and tests."""

    at: datetime = field(default_factory=lambda: floor_slot(datetime.now(UTC)))

    def now(self) -> datetime:
        return self.at

    def advance_to(self, at: datetime) -> None:
        """Move forward to ``at``; a simulation never goes back in time."""
        at = utc(at)
        if at < self.at:
            raise ValueError(f"simulated clock stands at {self.at} and was told to go back to {at}")
        self.at = at

    def wait_until(self, at: datetime) -> None:
        """Waiting is what moves simulated time."""
        if utc(at) > self.at:
            self.advance_to(at)


def utc(at: datetime) -> datetime:
    """``at`` as UTC; a naive datetime is refused because nobody can tell which zone it meant."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone; attach UTC or the site's zone where it was read")
    return at.astimezone(UTC)


def zone(name: str) -> ZoneInfo:
    """The IANA zone ``name``, e.g. ``Europe/Prague``."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"time zone {name!r} is not in the IANA database; write e.g. Europe/Prague") from error


AREAS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip
"""In which the IANA database puts places; what else it knows are offsets and names of former times."""


def civil_zone(name: str) -> ZoneInfo:
    """The zone of a place people live in, ``Area/City``.

    Raises:
        ValueError: it is not in the IANA database, or means two things: ``CET``, ``EET`` and ``MET`` change the clock
            here and are fixed offsets to PostgreSQL (its abbreviations), nobody lives in ``UTC``, and the signs of
            ``Etc/GMT+1`` are reversed.
    """
    if not name.startswith(tuple(f"{area}/" for area in AREAS)):
        raise ValueError(
            f"time zone {name!r} is no Area/City: such names mean a fixed offset to some and a clock change to others; "
            "write the zone of the place, e.g. Europe/Prague"
        )
    return zone(name)


def floor_slot(at: datetime) -> datetime:
    """Start of the slot that contains ``at``."""
    at = utc(at)
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)


def ceil_slot(at: datetime) -> datetime:
    """First slot start that is not before ``at``."""
    floor = floor_slot(at)
    return floor if floor == utc(at) else floor + SLOT


def floor_minute(at: datetime) -> datetime:
    """Start of the minute that contains ``at``: the telemetry grid."""
    return utc(at).replace(second=0, microsecond=0)


def is_slot(at: datetime) -> bool:
    """Whether ``at`` is exactly the start of a slot."""
    return floor_slot(at) == utc(at)


def slots(start: datetime, end: datetime) -> list[datetime]:
    """All slot starts in ``[start, end)``; both ends must be on the grid."""
    start, end = utc(start), utc(end)
    for bound in (start, end):
        if not is_slot(bound):
            raise ValueError(f"{bound} is not a quarter-hour; use floor_slot or ceil_slot first")
    return [start + SLOT * i for i in range(count_slots(start, end))]


def count_slots(start: datetime, end: datetime) -> int:
    """Number of slots in ``[start, end)``; 0 when the window is empty."""
    return max(0, (utc(end) - utc(start)) // SLOT)


def offsets(start: datetime, end: datetime, site_zone: ZoneInfo) -> list[tuple[datetime, timedelta]]:
    """What is to be added to UTC in ``[start, end]`` to read the clock on the wall: since when, and how much.

    The first entry is of ``start``, each further one of a change, which falls on a whole minute.
    """
    at, end = floor_minute(start), utc(end)
    found = [(utc(start), _offset(at, site_zone))]
    while at < end:
        later = min(at + ONE_DAY, floor_minute(end) + MINUTE)
        if _offset(later, site_zone) != found[-1][1]:
            found.append((_change(at, later, site_zone), _offset(later, site_zone)))
        at = later
    return found


def _change(before: datetime, after: datetime, site_zone: ZoneInfo) -> datetime:
    """The minute from which the offset is that of ``after``."""
    old = _offset(before, site_zone)
    while after - before > MINUTE:
        middle = before + (after - before) // MINUTE // 2 * MINUTE
        before, after = (middle, after) if _offset(middle, site_zone) == old else (before, middle)
    return after


def _offset(at: datetime, site_zone: ZoneInfo) -> timedelta:
    return at.astimezone(site_zone).utcoffset() or timedelta()


def local_day(at: datetime, site_zone: ZoneInfo) -> date:
    """The civil day of ``at`` where the site stands."""
    return utc(at).astimezone(site_zone).date()


def day_bounds(day: date, site_zone: ZoneInfo) -> tuple[datetime, datetime]:
    """``[start, end)`` of a civil day in UTC: 23, 24 or 25 hours apart (92, 96 or 100 slots)."""
    start = datetime.combine(day, time.min, site_zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time.min, site_zone).astimezone(UTC)
    return start, end


def day_slots(day: date, site_zone: ZoneInfo) -> list[datetime]:
    """The slots of a civil day in order: 92, 96 or 100 of them."""
    return slots(*day_bounds(day, site_zone))


def days(first: date, last: date) -> list[date]:
    """Civil days ``first`` to ``last``, both included."""
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def days_of(window_start: datetime, window_end: datetime, site_zone: ZoneInfo) -> list[date]:
    """Civil days that a window ``[start, end)`` touches."""
    return days(local_day(window_start, site_zone), local_day(utc(window_end) - MINUTE, site_zone))


def slot_of_day(at: datetime, site_zone: ZoneInfo) -> int:
    """Which quarter-hour of the wall clock ``at`` is, 0..95; the repeated autumn hour repeats its numbers."""
    local = utc(at).astimezone(site_zone)
    return local.hour * 4 + local.minute // 15


def local_instant(day: date, at: time, site_zone: ZoneInfo) -> datetime:
    """The UTC instant of a wall-clock time; a time the spring change skips means the instant it jumps to."""
    return datetime.combine(day, at, site_zone).astimezone(UTC)


def in_daily_window(at: datetime, from_time: time, until_time: time, site_zone: ZoneInfo) -> bool:
    """Whether ``at`` lies in hours of the wall clock, ``[from_time, until_time)``; over midnight where they end first.

    Where a clock change shows a time twice or skips it, the hours begin with its first reading and end with its last:
    what is meant to last a night neither breaks off nor begins again within it.
    """
    at = utc(at)
    for begun in (local_day(at, site_zone) - ONE_DAY, local_day(at, site_zone)):
        ended = begun + ONE_DAY if until_time <= from_time else begun
        if min(_readings(begun, from_time, site_zone)) <= at < max(_readings(ended, until_time, site_zone)):
            return True
    return False


def _readings(day: date, at: time, site_zone: ZoneInfo) -> list[datetime]:
    return [local_instant(day, at.replace(fold=fold), site_zone) for fold in (0, 1)]


def horizon(now: datetime, priced_until: datetime) -> list[datetime]:
    """Slots a plan covers: from the slot running now to the end of the last known price.

    Raises:
        ValueError: when no known price reaches past ``now``; a plan on guessed prices is worse than none.
    """
    start, end = floor_slot(now), floor_slot(priced_until)
    if end <= start:
        raise ValueError(
            f"prices are known until {priced_until} and now is {now}: nothing to plan; import day-ahead prices first"
        )
    return slots(start, end)


def contiguous(starts: Iterable[datetime], step: timedelta = SLOT) -> Iterator[tuple[datetime, datetime]]:
    """Group instants into runs ``[first, last + step)`` without a gap; the input need not be sorted."""
    first = previous = None
    for at in sorted(utc(s) for s in starts):
        if first is None or previous is None:
            first = at
        elif at - previous > step:
            yield first, previous + step
            first = at
        previous = at
    if first is not None and previous is not None:
        yield first, previous + step
