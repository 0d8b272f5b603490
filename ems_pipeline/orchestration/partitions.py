"""Partitions: market days, and sites x days; and the windows an asset works on.

Keys are local civil days. The definition's own time zone only decides when a new key appears; `end_offset=3` in UTC
makes "tomorrow" exist everywhere on Earth before anybody plans it. They begin with the first day of the installation,
see `first_day`: both dimensions hold for all sites, and a site's days before its own first day are left out here.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

import dagster as dg

from ems_pipeline import time_grid
from ems_pipeline.sites import Site
from ems_pipeline.steps import shards
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow, window

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

STUDY_HOMES = "study_home"
study_partitions = dg.MultiPartitionsDefinition(
    {
        "home": dg.DynamicPartitionsDefinition(name=STUDY_HOMES),
        "month": dg.MonthlyPartitionsDefinition(start_date="2000-01-01", end_offset=1),
    }
)
"""Homes of studies, called ``STUDY.HOME``, x months; measured homes have a past before any installation."""


def site_day(site_key: str, day: date) -> dg.MultiPartitionKey:
    """The partition key of a site's day."""
    return dg.MultiPartitionKey({"site": site_key, "day": day.isoformat()})


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
    return [window(sites[key], *stretch) for key, days in served.items() for stretch in _stretches(days)]


def _since_first_day(site: Site, days: Iterable[date], now: datetime) -> list[date]:
    """Those from the site's first day on. Today and later are always served: a date mistyped must not stop a house."""
    today = time_grid.local_day(now, time_grid.zone(site.timezone))
    return [day for day in days if site.first_day is None or day >= min(site.first_day, today)]


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
