"""From what is left to a service on people are warned, and past what the planner holds the set.

docs/maintenance.md has the table. All are engineering choices: warned at 50 h or a tenth of the interval, critical at
20 h or a fiftieth, a tolerance of a tenth, at most 100 h and 30 days. They are stored with each level of a template,
so that whoever compares (SQL, pages, the planner) compares with the same numbers.
"""

from __future__ import annotations

from typing import NamedTuple

DAYS_PER_MONTH = 365.25 / 12
WARNING_H, WARNING_SHARE = 50.0, 0.10
CRITICAL_H, CRITICAL_SHARE = 20.0, 0.02
CRITICAL_DAYS = 2.0
TOLERANCE_SHARE, TOLERANCE_H, TOLERANCE_DAYS = 0.10, 100.0, 30.0


class Limits(NamedTuple):
    """Of one level; hours are null where only the calendar counts, days of tolerance where only hours do."""

    warning_h: float | None
    critical_h: float | None
    tolerance_h: float | None
    warning_days: float
    critical_days: float
    tolerance_days: float | None


def limits(hours: float | None, months: int | None, notice_days: float) -> Limits:
    """Of an interval of so many hours and months; days are those to the due date that is expected."""
    span_days = None if months is None else months * DAYS_PER_MONTH
    return Limits(
        warning_h=None if hours is None else max(WARNING_H, WARNING_SHARE * hours),
        critical_h=None if hours is None else max(CRITICAL_H, CRITICAL_SHARE * hours),
        tolerance_h=None if hours is None else tolerance_h(hours),
        warning_days=notice_days,
        critical_days=CRITICAL_DAYS,
        tolerance_days=None if span_days is None else tolerance_days(span_days),
    )


def tolerance_h(hours: float) -> float:
    """How much earlier or later than its interval a service may be done, h."""
    return min(TOLERANCE_H, TOLERANCE_SHARE * hours)


def tolerance_days(span_days: float) -> float:
    """The same by the calendar."""
    return min(TOLERANCE_DAYS, TOLERANCE_SHARE * span_days)
