"""What the sky will do: forecasts as they were issued, and what it was."""

from datetime import date, datetime, timedelta

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.orchestration import per_site
from ems_pipeline.orchestration.figures import materialized, plot
from ems_pipeline.orchestration.partitions import SiteWindow, site_day_partitions, windows
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import forecasts
from ems_pipeline.weather import open_meteo
from ems_pipeline.weather.errors import WeatherError

GROUP = "weather"
ISSUES_BACK = (1, 2)
"""Runs of one and two days before a slot: together they hold what any decision of the day before could know."""
LAGS = "it lags some five days: the schedule asks again, or materialise the days later"


@dg.asset(group_name=GROUP, partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run())
def weather_forecast(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Temperature, radiation, cloud and wind per quarter-hour (W/m2 as means of the slot), every issue kept.

    Today and later: the newest forecast, known from now. Past days: the runs made one and two days before each slot, so
    that a back-test knows what was known. Missing? Run it again; the source may have been unreachable.
    """
    rows, shown, site, served, unusable = 0, pl.DataFrame(), None, [], {}
    for window in windows(context, ems):
        try:
            frames = _issues(window, ems.clock.now())
        except WeatherError as error:
            unusable[window.site.key] = per_site.told(error)
            continue
        site = window.site
        served.append(site.key)
        with ems.warehouse.begin() as connection:
            for frame in frames:
                rows += forecasts.issue(connection, "weather_forecast", site.key, frame)
        shown = frames[-1]
    per_site.settle(context, ems, "no-weather", served, unusable)
    return materialized(rows, _picture(shown, site), mean_temperature_c=_mean(shown, "temperature_c"))


def _issues(window: SiteWindow, now: datetime) -> list[pl.DataFrame]:
    today = time_grid.local_day(now, window.zone)
    frames = []
    if window.first < today:
        frames += _as_issued_then(window, min(window.last, today - timedelta(days=1)))
    if window.last >= today:
        frames.append(_newest(window, now, today))
    return frames


def _as_issued_then(window: SiteWindow, last: date) -> list[pl.DataFrame]:
    site, frames = window.site, []
    # The API speaks GMT days; a local day may begin on the GMT day before.
    first = window.first - timedelta(days=1)
    for days_before in ISSUES_BACK:
        body = open_meteo.fetch_previous_runs(
            site.latitude, site.longitude, first, last + timedelta(days=1), days_before
        )
        frame = open_meteo.parse_previous_runs(body, site.latitude, site.longitude, days_before)
        frames.append(_usable(frame, window.start, window.end).with_columns(source=pl.lit("open-meteo")))
    return frames


def _newest(window: SiteWindow, now: datetime, today: date) -> pl.DataFrame:
    site = window.site
    body = open_meteo.fetch_forecast(site.latitude, site.longitude, days=(window.last - today).days + 2)
    frame = open_meteo.parse(body, site.latitude, site.longitude)
    start = max(time_grid.floor_slot(now), window.start)
    return _usable(frame, start, window.end).with_columns(source=pl.lit("open-meteo"), known_at=pl.lit(now))


def _usable(frame: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """Slots of ``[start, end)`` whose weather is known: where an issue has a gap, the one before it still stands."""
    inside = frame.filter(pl.col("starts_at").is_between(start, end, closed="left"))
    return inside.drop_nulls(["temperature_c", "ghi_w_m2"])


@dg.asset(group_name=GROUP, partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run())
def weather_observation(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """What the weather was, from the reanalysis archive; it lags some days behind today."""
    rows, missing, shown, site, served, unusable = 0, 0, pl.DataFrame(), None, [], {}
    for window in windows(context, ems):
        place, now = window.site, ems.clock.now()
        body = open_meteo.fetch_archive(place.latitude, place.longitude, window.first - timedelta(days=1), window.last)
        try:
            frame = open_meteo.parse(body, place.latitude, place.longitude)
        except WeatherError as error:
            unusable[place.key] = per_site.told(error)
            continue
        site = place
        served.append(site.key)
        shown = frame.filter(pl.col("starts_at").is_between(window.start, window.end, closed="left"))
        missing = time_grid.count_slots(window.start, window.end) - int(shown["temperature_c"].count())
        if missing:
            context.log.info(f"{site.key}: the archive lacks {missing} quarter-hours up to {window.last}; {LAGS}")
        shown = shown.with_columns(source=pl.lit("open-meteo-archive"), known_at=pl.lit(now))
        with ems.warehouse.begin() as connection:
            rows += forecasts.issue(connection, "weather_observation", site.key, shown)
    per_site.settle(context, ems, "no-weather-archive", served, unusable)
    figures = {"mean_temperature_c": _mean(shown, "temperature_c"), "missing_slots": missing}
    return materialized(rows, _picture(shown, site), **figures)


def _mean(frame: pl.DataFrame, column: str) -> float | None:
    return None if frame.is_empty() else frame.select(pl.col(column).mean()).item()


def _picture(frame: pl.DataFrame, site: Site | None) -> dg.MetadataValue | None:
    if frame.is_empty():
        return None
    panels = {
        "radiation [W/m2]": {"pv": frame["ghi_w_m2"].to_list()},
        "outdoor [°C]": {"temperature": frame["temperature_c"].to_list()},
    }
    return plot(frame["starts_at"].to_list(), panels, site, "weather")
