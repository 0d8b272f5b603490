"""PV from a second source, for as long as our own weather is missing or old.

Without Open-Meteo forecasts are made of an ever older sky, and from midnight on none of the new day at all.
forecast.solar needs no weather of ours. It is asked for live days only (it has no past), one request per plane.
EMS_PV_SECOND_SOURCE=none keeps it from being asked: it learns where the roof is.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from logging import Logger
from typing import Any

import polars as pl

from ems_pipeline import http, settings, time_grid
from ems_pipeline.forecast import pv_second
from ems_pipeline.sites import Site
from ems_pipeline.steps.windows import local_days
from ems_pipeline.warehouse import forecasts
from ems_pipeline.weather import forecast_solar
from ems_pipeline.weather.errors import WeatherError

OLD = timedelta(hours=12)
"""Up to this age weather serves: our PV models are trained on forecasts made half a day ahead."""


def is_wanted() -> bool:
    """Whether anybody may be asked; WrongSetting: a source is named that is not known."""
    return settings.PV_SECOND_SOURCE.read() == pv_second.MODEL


def lacking(connection: Any, sites: Iterable[Site], now: datetime) -> list[Site]:
    """Sites with PV that know no young weather for some slot from now to the end of tomorrow."""
    by_zone: dict[str, list[Site]] = {}
    for site in sites:
        if site.pv:
            by_zone.setdefault(site.timezone, []).append(site)
    start, found = time_grid.floor_slot(now), []
    for zone, members in by_zone.items():
        _, tomorrow = local_days(members[0], now, last=1)
        _, end = time_grid.day_bounds(tomorrow, time_grid.zone(zone))
        young = forecasts.young_weather(connection, [site.key for site in members], start, end, now - OLD)
        found += [site for site in members if young[site.key] < time_grid.count_slots(start, end)]
    return found


def served(connection: Any, now: datetime) -> set[str]:
    """Sites that the source has served within the hour, in the run that found the weather missing."""
    return forecasts.issued_by(connection, "pv_forecast", pv_second.MODEL, now - timedelta(hours=1))


class SecondSource:
    """What the provider said in one run. After an outage or a refusal to serve it is left alone: its free plan bans
    who keeps knocking."""

    def __init__(self, logger: Logger) -> None:
        self.logger = logger
        self._is_open = is_wanted()
        self._estimates: dict[str, list[pl.DataFrame]] = {}

    def ask(self, site: Site) -> None:
        """Fetch the estimates of a site's planes, ``[starts_at, power_w]`` each; why there are none is logged."""
        if not self._is_open:
            return
        try:
            bodies = [forecast_solar.fetch(array, site.latitude, site.longitude) for array in site.pv]
            self._estimates[site.key] = [forecast_solar.parse(body) for body in bodies]
        except (http.HttpError, WeatherError) as error:
            self._is_open = not isinstance(error, http.HttpError)
            self.logger.warning(f"the weather of {site.key} is missing or old, and the second source fails: {error}")

    def planes(self, site: Site, start: datetime, end: datetime) -> pl.DataFrame | None:
        """PV of every plane over ``[start, end)``, ``[starts_at, power_w, p10_w, p90_w, model, asset_key]``.

        None where nothing was fetched, or where it does not reach to ``end``, which is logged.
        """
        if site.key not in self._estimates:
            return None
        slots = time_grid.slots(start, end)
        found = pl.concat(
            pv_second.pv_forecast(array, site.latitude, site.longitude, slots, estimate).with_columns(
                asset_key=pl.lit(array.key)
            )
            for array, estimate in zip(site.pv, self._estimates[site.key], strict=True)
        )
        wanted = len(slots) * len(site.pv)
        if found.height < wanted:
            self.logger.warning(f"{pv_second.MODEL} knows {found.height} of {wanted} powers of {site.key} from {start}")
            return None
        self.logger.warning(f"PV of {site.key} from {start} is {pv_second.MODEL}'s: the weather is missing or old")
        return found
