"""What the sky will do: forecasts as they were issued, and what it was."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.orchestration.assets.issuing import HINDSIGHT
from ems_pipeline.orchestration.figures import plot
from ems_pipeline.orchestration.ledger import Ledger
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.warehouse import forecasts
from ems_pipeline.weather import open_meteo
from ems_pipeline.weather.errors import WeatherError

GROUP = "weather"
ONE_DAY = timedelta(days=1)
ISSUES_BACK = (1, 2)
"""Runs of one and two days before a slot: together they hold what any decision of the day before could know."""
ARCHIVE_LAG = timedelta(days=7)
"""A day so old is in the archive, if it ever will be."""
LAGS = "it lags some five days: the schedule asks again, or materialise the days later"


@dg.asset(
    group_name=GROUP, deps=["site"], partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run()
)
def weather_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Temperature, radiation, cloud and wind per quarter-hour (W/m2 as means of the slot), every issue kept.

    Today and later: the newest forecast, known from now. Past days: the runs made one and two days before each slot, so
    that a back-test knows what was known. Missing? Run it again; the source may have been unreachable.
    """
    wanted, now = windows(context, ems), ems.clock.now()
    ledger = Ledger(context, ems, wanted, "no-weather")

    def store(part: SiteWindow) -> None:
        frames = [_newest(part, now)] if part.last >= _today(part, now) else list(_as_issued_then(part))
        with ems.warehouse.begin() as connection:
            for frame in frames:
                forecasts.issue(connection, "weather_forecast", part.site.key, frame, recorded_at=now)
        for day, issued in part.by_day(pl.concat(frames)):
            if issued.height:
                _tell(ledger, part.site, day, issued, **(HINDSIGHT if part.last < _today(part, now) else {}))
            else:
                ledger.lacks(part.site, day, f"no forecast for {part.site.key} reaches {day}: materialise it later")

    for window in wanted:
        today = _today(window, now)
        # Past days and days to come are asked of different services.
        if window.first < today:
            _ask(ledger, window.part(window.first, min(window.last, today - ONE_DAY)), store)
        if window.last >= today:
            _ask(ledger, window.part(max(window.first, today), window.last), store)
    return ledger.close()


def _today(window: SiteWindow, now: datetime) -> date:
    return time_grid.local_day(now, window.zone)


def _ask(ledger: Ledger, window: SiteWindow, store: Callable[[SiteWindow], None]) -> None:
    """Ask for a window at once; a reply that cannot be used is asked for day by day, so that a bad day costs itself."""
    with ledger.each(window.site, *window.days):
        try:
            store(window)
        except WeatherError:
            if len(window.days) == 1:
                raise
            for day in window.days:
                _ask(ledger, window.part(day, day), store)


def _tell(ledger: Ledger, site: Site, day: date, frame: pl.DataFrame, **figures: Any) -> None:
    newest = frame.sort("starts_at", "known_at").unique("starts_at", keep="last", maintain_order=True)
    mean_c = newest.select(pl.col("temperature_c").mean()).item()
    ledger.made(site, day, frame.height, partial(_picture, newest, site), mean_temperature_c=mean_c, **figures)


def _as_issued_then(window: SiteWindow) -> Iterator[pl.DataFrame]:
    site = window.site
    # The API speaks GMT days; a local day may begin on the GMT day before.
    first, last = window.first - ONE_DAY, window.last + ONE_DAY
    for days_before in ISSUES_BACK:
        body = open_meteo.fetch_previous_runs(site.latitude, site.longitude, first, last, days_before)
        frame = open_meteo.parse_previous_runs(body, site.latitude, site.longitude, days_before)
        yield _usable(frame, window.start, window.end).with_columns(source=pl.lit("open-meteo"))


def _newest(window: SiteWindow, now: datetime) -> pl.DataFrame:
    site, days = window.site, (window.last - _today(window, now)).days + 2
    body = open_meteo.fetch_forecast(site.latitude, site.longitude, days=days)
    frame = open_meteo.parse(body, site.latitude, site.longitude)
    start = max(time_grid.floor_slot(now), window.start)
    return _usable(frame, start, window.end).with_columns(source=pl.lit("open-meteo"), known_at=pl.lit(now))


def _usable(frame: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """Slots of ``[start, end)`` whose weather is known: where an issue has a gap, the one before it still stands."""
    inside = frame.filter(pl.col("starts_at").is_between(start, end, closed="left"))
    return inside.drop_nulls(["temperature_c", "ghi_w_m2"])


@dg.asset(
    group_name=GROUP, deps=["site"], partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run()
)
def weather_observation(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """What the weather was, from the reanalysis archive; it lags some days behind today."""
    wanted, now = windows(context, ems), ems.clock.now()
    ledger = Ledger(context, ems, wanted)

    def store(part: SiteWindow) -> None:
        site = part.site
        body = open_meteo.fetch_archive(site.latitude, site.longitude, part.first - ONE_DAY, part.last)
        frame = open_meteo.parse(body, site.latitude, site.longitude)
        inside = frame.filter(pl.col("starts_at").is_between(part.start, part.end, closed="left"))
        observed = inside.with_columns(source=pl.lit("open-meteo-archive"), known_at=pl.lit(now))
        with ems.warehouse.begin() as connection:
            forecasts.issue(connection, "weather_observation", site.key, observed)
        for day, found in part.by_day(observed):
            missing = time_grid.count_slots(*time_grid.day_bounds(day, part.zone)) - found["temperature_c"].count()
            if missing:
                context.log.info(f"{site.key}: the archive lacks {missing} quarter-hours of {day}; {LAGS}")
            if found.height:
                _tell(ledger, site, day, found, missing_slots=missing)
            else:
                absent = ledger.lacks if day < _today(part, now) - ARCHIVE_LAG else ledger.not_yet
                absent(site, day, f"the archive has no weather of {site.key} on {day}; {LAGS}")

    for window in wanted:
        _ask(ledger, window, store)
    return ledger.close()


def _picture(frame: pl.DataFrame, site: Site) -> dg.MetadataValue | None:
    panels = {
        "radiation [W/m2]": {"pv": frame["ghi_w_m2"].to_list()},
        "outdoor [°C]": {"temperature": frame["temperature_c"].to_list()},
    }
    return plot(frame["starts_at"].to_list(), panels, site, "weather")
