"""The days a step works on: consecutive civil days of a site, and when what is known of them was decided."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.sites import Site

DECISION_OF_THE_DAY = time(14, 30)
"""Local time on the day before at which a past day's forecasts count as made: the daily plan is decided at 15:00."""


def local_days(site: Site, now: datetime, first: int = 0, last: int = 0) -> tuple[date, date]:
    """The site's civil days ``today + first`` to ``today + last``."""
    today = time_grid.local_day(now, time_grid.zone(site.timezone))
    return today + timedelta(days=first), today + timedelta(days=last)


def decided_at(day: date, site: Site, now: datetime) -> datetime:
    """When forecasts for a day are (or were) made: now for today and later, the afternoon before for past days.

    This is what keeps a back-test honest: nothing known later is read, and the result counts as known from then.
    """
    zone = time_grid.zone(site.timezone)
    if day >= time_grid.local_day(now, zone):
        return now
    return time_grid.local_instant(day - timedelta(days=1), DECISION_OF_THE_DAY, zone)


@dataclass(frozen=True)
class SiteWindow:
    """Consecutive civil days of one site, first and last included, and their bounds in UTC."""

    site: Site
    first: date
    last: date
    start: datetime
    end: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return time_grid.zone(self.site.timezone)

    @property
    def days(self) -> list[date]:
        """The civil days in order."""
        return time_grid.days(self.first, self.last)

    def part(self, first: date, last: date) -> "SiteWindow":
        """The days ``first`` to ``last`` of it."""
        return window(self.site, first, last)

    def by_day(self, frame: pl.DataFrame, column: str = "starts_at") -> Iterator[tuple[date, pl.DataFrame]]:
        """The days in order, each with its rows of a frame: those whose instant in ``column`` is of that civil day."""
        for day in self.days:
            yield day, frame.filter(pl.col(column).is_between(*time_grid.day_bounds(day, self.zone), closed="left"))


def window(site: Site, first: date, last: date) -> SiteWindow:
    """The civil days ``first`` to ``last`` of a site."""
    zone = time_grid.zone(site.timezone)
    return SiteWindow(site, first, last, time_grid.day_bounds(first, zone)[0], time_grid.day_bounds(last, zone)[1])


def by_day(windows: Iterable[SiteWindow]) -> list[tuple[date, list[Site]]]:
    """The days of windows in order, each with the sites whose window it is in."""
    found: dict[date, list[Site]] = {}
    for one in windows:
        for day in one.days:
            found.setdefault(day, []).append(one.site)
    return sorted(found.items(), key=lambda item: item[0])
