"""PV from a second source, for as long as our own weather is missing or old.

Without Open-Meteo forecasts are made of an ever older sky, and from midnight on none of the new day at all.
forecast.solar needs no weather of ours. It is asked for live days only (it has no past), one plane at a time.
EMS_PV_SECOND_SOURCE=none keeps it from being asked: it learns where the roof is.
"""

import os
from datetime import datetime, timedelta
from logging import Logger

import polars as pl

from ems_pipeline import http, time_grid
from ems_pipeline.forecast import pv_second
from ems_pipeline.sites import Site
from ems_pipeline.weather import forecast_solar
from ems_pipeline.weather.errors import WeatherError

SETTING = "EMS_PV_SECOND_SOURCE"
OLD = timedelta(hours=12)
"""Up to this age weather serves: our PV models are trained on forecasts made half a day ahead."""


def is_wanted() -> bool:
    """Whether anybody may be asked.

    Raises:
        ValueError: the setting names a source that is not known.
    """
    chosen = os.environ.get(SETTING) or pv_second.MODEL
    if chosen not in (pv_second.MODEL, "none"):
        raise ValueError(f"{SETTING} is {chosen!r}; write {pv_second.MODEL} or none")
    return chosen == pv_second.MODEL


class SecondSource:
    """Asked by one run. After the first failure it is left alone: its free plan bans who keeps knocking."""

    def __init__(self, logger: Logger) -> None:
        self.logger = logger
        self.is_open = is_wanted()

    def instead_of(
        self, weather: pl.DataFrame, site: Site, start: datetime, end: datetime, at: datetime
    ) -> pl.DataFrame | None:
        """PV of every plane over ``[start, end)`` where ``weather`` ``[starts_at, known_at]`` does not do; else None.

        Returns:
            ``[starts_at, power_w, p10_w, p90_w, model, asset_key]``; None, too, when the source fails or does not
            reach to ``end``, which is logged.
        """
        young = weather.filter(pl.col("known_at") >= at - OLD).height
        wanted = time_grid.count_slots(start, end)
        if young >= wanted or not self.is_open:
            return None
        why = (
            f"weather of {site.key} not older than {OLD // timedelta(hours=1)} h is known for {young} of {wanted} slots"
        )
        try:
            planes = self._planes(site, time_grid.slots(start, end))
        except (http.HttpError, WeatherError) as error:
            self.is_open = False
            self.logger.warning(f"{why} from {start}, and the second source fails: {error}")
            return None
        if planes.height < wanted * len(site.pv):
            self.logger.warning(f"{why}; the second source knows PV of {planes.height // len(site.pv)} of them")
            return None
        self.logger.warning(f"{why} from {start}: PV is taken from {pv_second.MODEL}")
        return planes

    def _planes(self, site: Site, slots: list[datetime]) -> pl.DataFrame:
        frames = []
        for array in site.pv:
            estimate = forecast_solar.parse(forecast_solar.fetch(array, site.latitude, site.longitude))
            plane = pv_second.pv_forecast(array, site.latitude, site.longitude, slots, estimate)
            frames.append(plane.with_columns(asset_key=pl.lit(array.key)))
        return pl.concat(frames)
