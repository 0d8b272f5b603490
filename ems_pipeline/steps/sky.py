"""The sky over a site: forecasts as they were issued, and what it was. Fetched, and stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.time_grid import ONE_DAY
from ems_pipeline.warehouse import Warehouse, forecasts
from ems_pipeline.weather import open_meteo

ISSUES_BACK = (1, 2)
"""Runs of one and two days before a slot: together they hold what any decision of the day before could know."""


def today(window: SiteWindow, now: datetime) -> date:
    """The site's civil day."""
    return time_grid.local_day(now, window.zone)


def parts(window: SiteWindow, now: datetime) -> Iterator[SiteWindow]:
    """Past days and days to come, of which different services are asked."""
    running = today(window, now)
    if window.first < running:
        yield window.part(window.first, min(window.last, running - ONE_DAY))
    if window.last >= running:
        yield window.part(max(window.first, running), window.last)


def forecast(warehouse: Warehouse, part: SiteWindow, now: datetime) -> pl.DataFrame:
    """Fetch and keep what is forecast for days to come, or was for past days; as of `open_meteo`, with ``known_at``.

    Raises:
        HttpError: the service does not answer.
        WeatherError: its reply cannot be used.
    """
    frames = [_newest(part, now)] if part.last >= today(part, now) else list(_as_issued_then(part))
    with warehouse.begin() as connection:
        for frame in frames:
            forecasts.issue(connection, "weather_forecast", part.site.key, frame, recorded_at=now)
    return pl.concat(frames)


def observe(warehouse: Warehouse, part: SiteWindow, now: datetime) -> pl.DataFrame:
    """Fetch and keep what the weather was, as far as the archive has it; same errors and columns as `forecast`."""
    site = part.site
    body = open_meteo.fetch_archive(site.latitude, site.longitude, part.first - ONE_DAY, part.last)
    frame = open_meteo.parse(body, site.latitude, site.longitude)
    inside = frame.filter(pl.col("starts_at").is_between(part.start, part.end, closed="left"))
    observed = inside.with_columns(source=pl.lit("open-meteo-archive"), known_at=pl.lit(now))
    with warehouse.begin() as connection:
        forecasts.issue(connection, "weather_observation", site.key, observed)
    return observed


def _as_issued_then(window: SiteWindow) -> Iterator[pl.DataFrame]:
    site = window.site
    # The API speaks GMT days; a local day may begin on the GMT day before.
    first, last = window.first - ONE_DAY, window.last + ONE_DAY
    for days_before in ISSUES_BACK:
        body = open_meteo.fetch_previous_runs(site.latitude, site.longitude, first, last, days_before)
        frame = open_meteo.parse_previous_runs(body, site.latitude, site.longitude, days_before)
        yield _usable(frame, window.start, window.end).with_columns(source=pl.lit("open-meteo"))


def _newest(window: SiteWindow, now: datetime) -> pl.DataFrame:
    site, days = window.site, (window.last - today(window, now)).days + 2
    body = open_meteo.fetch_forecast(site.latitude, site.longitude, days=days)
    frame = open_meteo.parse(body, site.latitude, site.longitude)
    start = max(time_grid.floor_slot(now), window.start)
    return _usable(frame, start, window.end).with_columns(source=pl.lit("open-meteo"), known_at=pl.lit(now))


def _usable(frame: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """Slots of ``[start, end)`` whose weather is known: where an issue has a gap, the one before it still stands."""
    inside = frame.filter(pl.col("starts_at").is_between(start, end, closed="left"))
    return inside.drop_nulls(["temperature_c", "ghi_w_m2"])
