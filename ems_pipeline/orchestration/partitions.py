"""Partitions: market days, and sites x days; and the windows an asset works on.

Keys are local civil days. The definition's own time zone only decides when a new key appears; `end_offset=3` in UTC
makes "tomorrow" exist everywhere on Earth before anybody plans it. They begin with the first day of the installation,
see `first_day`: both dimensions hold for all sites, and a site's days before its own first day are left out here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.orchestration import shards
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.sites import Site

MEANT_TAG = "ems/sites"
"""Of a run whose range passes over sites that are not meant: those that are, separated by commas."""

site_partitions = dg.DynamicPartitionsDefinition(name="site")


def days_from(first: date) -> dg.DailyPartitionsDefinition:
    """Market days from ``first`` on."""
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), end_offset=3)


def site_days_from(first: date) -> dg.MultiPartitionsDefinition:
    """Sites x days from ``first`` on."""
    return dg.MultiPartitionsDefinition({"site": site_partitions, "day": days_from(first)})


EARLY = date(2025, 7, 1)
"""Where nobody knows better (a checkout, a database without sites): before any market day of quarter-hours."""
day_partitions, site_day_partitions = days_from(EARLY), site_days_from(EARLY)
"""As assets are declared; `build_defs` lets them begin with the installation."""


def site_day(site_key: str, day: date) -> dg.MultiPartitionKey:
    """The partition key of a site's day."""
    return dg.MultiPartitionKey({"site": site_key, "day": day.isoformat()})


def local_days(site: Site, now: datetime, first: int = 0, last: int = 0) -> tuple[date, date]:
    """The site's civil days ``today + first`` to ``today + last``."""
    today = time_grid.local_day(now, time_grid.zone(site.timezone))
    return today + timedelta(days=first), today + timedelta(days=last)


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
        return _window(self.site, first, last)

    def by_day(self, frame: pl.DataFrame, column: str = "starts_at") -> Iterator[tuple[date, pl.DataFrame]]:
        """The days in order, each with its rows of a frame: those whose instant in ``column`` is of that civil day."""
        for day in self.days:
            yield day, frame.filter(pl.col(column).is_between(*time_grid.day_bounds(day, self.zone), closed="left"))


DECISION_OF_THE_DAY = time(14, 30)
"""Local time on the day before at which a past day's forecasts count as made: the daily plan is decided at 15:00."""


def decided_at(day: date, site: Site, now: datetime) -> datetime:
    """When forecasts for a day are (or were) made: now for today and later, the afternoon before for past days.

    This is what keeps a back-test honest: nothing known later is read, and the result counts as known from then.
    """
    zone = time_grid.zone(site.timezone)
    if day >= time_grid.local_day(now, zone):
        return now
    return time_grid.local_instant(day - timedelta(days=1), DECISION_OF_THE_DAY, zone)


def days_of(context: dg.AssetExecutionContext) -> list[date]:
    """Days of a run over the market-wide partition, in order."""
    return sorted(date.fromisoformat(key) for key in _keys(context))


def windows(context: dg.AssetExecutionContext, platform: Platform) -> list[SiteWindow]:
    """Windows of a run over site x day: one per site of its shard and stretch of consecutive days.

    A range passes over every site registered in between: those switched off since are left out, and so are days
    before a site's own first day.

    Raises:
        dg.Failure: no day of it is one of the site's.
    """
    shard = shards.of_run(context.run.tags)
    by_site: dict[str, list[date]] = {}
    for key in _keys(context):
        if not isinstance(key, dg.MultiPartitionKey):
            raise TypeError(f"partition {key!r} is not site x day; launch the asset with a site and a day")
        dimensions = key.keys_by_dimension
        if shard.holds(dimensions["site"]):
            by_site.setdefault(dimensions["site"], []).append(date.fromisoformat(dimensions["day"]))
    meant = context.run.tags.get(MEANT_TAG)
    if meant is not None:
        by_site = {key: days for key, days in by_site.items() if key in meant.split(",")}
    sites = platform.chosen(sorted(by_site))
    if switched_off := sorted(by_site.keys() - sites.keys()):
        context.log.info(f"not active, left out: {', '.join(switched_off)}")
    asked = {key: sorted(days) for key, days in sorted(by_site.items()) if key in sites}
    served = {key: _since_first_day(sites[key], days, platform.clock.now()) for key, days in asked.items()}
    if early := [f"{key} begins with {sites[key].first_day}" for key in asked if served[key] != asked[key]]:
        told = f"{', '.join(early)} (first_day in the site's file): days before it are left out"
        if not any(served.values()):
            raise dg.Failure(f"{told}, and no other was asked for; write an earlier day there", allow_retries=False)
        context.log.info(told)
    return [_window(sites[key], *stretch) for key, days in served.items() for stretch in _stretches(days)]


def _since_first_day(site: Site, days: Iterable[date], now: datetime) -> list[date]:
    """Those from the site's first day on. Today and later are always served: a date mistyped must not stop a house."""
    today = time_grid.local_day(now, time_grid.zone(site.timezone))
    return [day for day in days if site.first_day is None or day >= min(site.first_day, today)]


def _window(site: Site, first: date, last: date) -> SiteWindow:
    zone = time_grid.zone(site.timezone)
    return SiteWindow(site, first, last, time_grid.day_bounds(first, zone)[0], time_grid.day_bounds(last, zone)[1])


def _stretches(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    first = previous = None
    for day in days:
        if first is None or previous is None:
            first = day
        elif day - previous > timedelta(days=1):
            yield first, previous
            first = day
        previous = day
    if first is not None and previous is not None:
        yield first, previous


def _keys(context: dg.AssetExecutionContext) -> list[str]:
    keys = list(context.partition_keys)
    if not keys:
        # A range over a dynamic dimension follows insertion order and may come out empty, yet green.
        raise dg.Failure("the partition range is empty: pick start and end in the order the sites were added")
    return keys
