"""Times as the clock on a site's wall shows them: typed without a zone, printed with the offset from UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

LOCAL_TIME = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
"""Formats in which a local time is typed."""


def shown(at: datetime, zone: ZoneInfo) -> str:
    """An instant on the site's wall, e.g. ``2026-10-25 02:30+02:00``: which of the two half past twos it was."""
    return at.astimezone(zone).isoformat(" ", "minutes")


def instant(typed: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a local time that somebody typed.

    Raises:
        ValueError: no calendar has it in UTC.
    """
    try:
        return typed.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{typed:%Y-%m-%d %H:%M} is beyond any calendar; name an earlier time") from None


def end(start: datetime, zone: ZoneInfo, minutes: int | None = None, until: datetime | None = None) -> datetime | None:
    """The end that was asked for, if one was: so many minutes from the start, or a local time.

    Raises:
        ValueError: both were given, or the end is beyond any calendar.
    """
    if minutes is not None and until is not None:
        raise ValueError("both --minutes and --until were given; keep one")
    if until is not None:
        return instant(until, zone)
    try:
        return None if minutes is None else start + timedelta(minutes=minutes)
    except OverflowError:
        raise ValueError(f"--minutes {minutes} from {start:%Y-%m-%d} is beyond any calendar; name fewer") from None
