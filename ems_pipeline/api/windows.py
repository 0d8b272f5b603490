"""Windows of time that a question is about: ``[start, end)``, and civil days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Query

from ems_pipeline.api.fields import Instant
from ems_pipeline.api.problems import Problem
from ems_pipeline.plain_text import plain

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
Start = Annotated[Instant | None, Query(description="First instant: RFC 3339 with offset, or epoch seconds.")]
End = Annotated[Instant | None, Query(description="First instant after it, written like start.")]
Past = Annotated[bool, Query(description="Those that are over, too.", examples=[False])]


@dataclass(frozen=True)
class Window:
    """Instants of ``[start, end)``."""

    start: datetime
    end: datetime


def window(start: datetime | None, end: datetime | None, now: datetime, usual: timedelta, longest: timedelta) -> Window:
    """What ``start`` and ``end`` of a question mean; without them the ``usual`` time that ends now.

    Raises:
        Problem: 422, it ends before it begins, is longer than ``longest``, or lies outside 2000 to 2100.
    """
    for at, field in ((start, "start"), (end, "end")):
        if at is not None:
            within(at, field)  # before anything is reckoned with it: the calendar ends somewhere
    until = end if end is not None else now if start is None else min(start + longest, max(now, start + usual))
    since = start if start is not None else until - usual
    if until <= since:
        raise out_of_range("start", f"{since} is not before end {until}", "name a later end")
    if until - since > longest:
        raise out_of_range("end", f"{since} to {until} is longer than {longest.days} days", "ask for less at a time")
    return Window(within(since, "start"), within(until, "end"))


def within(at: datetime, field: str) -> datetime:
    """An instant that any site may have lived; Problem 422 for others."""
    if EARLIEST <= at <= LATEST:
        return at
    raise out_of_range(field, f"{at} is not from 2000 to 2100", "name an instant in between")


def civil_day(text: str, field: str) -> date:
    """A civil day as written, from 2000 to 2099; Problem 422 where it is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise out_of_range(field, f"{plain(text, 40)!r} is no civil day", "write it as 2026-03-01") from None
    if not EARLIEST.date() <= day < LATEST.date():
        raise out_of_range(field, f"{day} is not from 2000 to 2099", "name a day in between")
    return day


def out_of_range(field: str, detail: str, remedy: str) -> Problem:
    """A value that nothing can be answered to."""
    return Problem(422, "out_of_range", "A value is out of range", f"{field}: {detail}", remedy, field)
