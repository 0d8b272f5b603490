"""Who hears of what, and when: what a person wants of a channel, applied to an alarm. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from ems_pipeline import time_grid
from ems_pipeline.notify.notice import SEVERITIES, Notice, Severity


@dataclass(frozen=True)
class Quiet:
    """Hours of the wall clock in which nobody is disturbed; over midnight where they end before they begin."""

    from_time: time
    until_time: time
    zone: str

    def holds(self, at: datetime) -> bool:
        return time_grid.in_daily_window(at, self.from_time, self.until_time, time_grid.zone(self.zone))


@dataclass(frozen=True)
class Wishes:
    """What a person wants of a channel. ``sites`` None: all that exist for the person."""

    least_severity: Severity = "warning"
    quiet: Quiet | None = None
    critical_breaks_quiet: bool = True
    wants_daily: bool = False
    wants_weekly: bool = False
    sites: frozenset[str] | None = None


def rank(severity: str) -> int:
    """The worse, the higher; of an unknown one the highest: nobody is spared what we do not understand."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def sees(site: str, of_person: frozenset[str] | None, wishes: Wishes) -> bool:
    """Whether a person hears of a site by a channel.

    Alarms of the installation (``site`` empty) may name any site: they are for those for whom all exist.
    """
    if not site:
        return of_person is None
    return all(of is None or site in of for of in (of_person, wishes.sites))


def wanted(notices: Iterable[Notice], of_person: frozenset[str] | None, wishes: Wishes, at: datetime) -> list[Notice]:
    """Those that may be told at this instant, the worst first; what is quiet now waits until it is not."""
    is_quiet = wishes.quiet is not None and wishes.quiet.holds(at)
    found = [
        notice
        for notice in notices
        if rank(notice.severity) >= rank(wishes.least_severity)
        and sees(notice.site, of_person, wishes)
        and not (is_quiet and not (notice.severity == "critical" and wishes.critical_breaks_quiet))
    ]
    return sorted(found, key=lambda notice: (-rank(notice.severity), notice.number))
