"""What the sky will do: forecasts as they were issued, and what it was."""

from collections.abc import Callable
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
from ems_pipeline.pictures.panel import Panel, Series
from ems_pipeline.sites import Site
from ems_pipeline.steps import sky
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.weather.errors import WeatherError

GROUP = "weather"
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
    for window in wanted:
        for part in sky.parts(window, now):
            _ask(ledger, part, partial(_forecast, ledger, ems, now))
    return ledger.close()


def _forecast(ledger: Ledger, ems: Platform, now: datetime, part: SiteWindow) -> None:
    frame = sky.forecast(ems.warehouse, part, now)
    late = HINDSIGHT if part.last < sky.today(part, now) else {}
    for day, issued in part.by_day(frame):
        if issued.height:
            _tell(ledger, part.site, day, issued, **late)
        else:
            ledger.lacks(part.site, day, f"no forecast for {part.site.key} reaches {day}: materialise it later")


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


@dg.asset(
    group_name=GROUP, deps=["site"], partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run()
)
def weather_observation(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """What the weather was, from the reanalysis archive; it lags some days behind today."""
    wanted, now = windows(context, ems), ems.clock.now()
    ledger = Ledger(context, ems, wanted)
    for window in wanted:
        _ask(ledger, window, partial(_observe, context, ledger, ems, now))
    return ledger.close()


def _observe(context: dg.AssetExecutionContext, ledger: Ledger, ems: Platform, now: datetime, part: SiteWindow) -> None:
    site = part.site
    for day, found in part.by_day(sky.observe(ems.warehouse, part, now)):
        missing = time_grid.count_slots(*time_grid.day_bounds(day, part.zone)) - found["temperature_c"].count()
        if missing:
            context.log.info(f"{site.key}: the archive lacks {missing} quarter-hours of {day}; {LAGS}")
        if found.height:
            _tell(ledger, site, day, found, missing_slots=missing)
        else:
            absent = ledger.lacks if day < sky.today(part, now) - ARCHIVE_LAG else ledger.not_yet
            absent(site, day, f"the archive has no weather of {site.key} on {day}; {LAGS}")


def _picture(frame: pl.DataFrame, site: Site) -> dg.MetadataValue | None:
    temperature = Series("temperature", frame["temperature_c"].to_list())
    panels = [
        Panel("radiation", "W/m²", [Series("horizontal", frame["ghi_w_m2"].to_list(), colour="pv")]),
        Panel("outdoor", "°C", [temperature], has_zero=False),
    ]
    return plot(frame["starts_at"].to_list(), panels, site, "weather")
