"""The plant's weather: what it is, and what a forecast made some hours before would have said.

Sun from geometry, clouds from smooth chance, radiation after Kasten and Czeplak (1980) with the cloud cover c:
``GHI = GHI_clear (1 - 0.75 c^3.4)``. Temperature: the climate of central Europe by day of year, with weather
on top, warmest at 15 h solar time. Add here what the sky does; what the site makes of it belongs elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.local_time import INSTANT
from ems_pipeline.plant.noise import hours_since_epoch, smooth
from ems_pipeline.weather import sun

YEAR_MEAN_C, YEAR_SWING_C, WARMEST_DAY = 9.5, 10.5, 201
WEATHER_SWING_C = 3.5
FULL_ERROR_H = 24.0
"""A forecast errs by the amplitudes below one day ahead, and as the square root of the lead time otherwise."""
TEMPERATURE_ERROR_C = 1.2
CLOUD_ERROR = 0.7
LONGEST_LEAD_H = 96.0
HAZE = 0.95
"""The clear-sky model knows no turbidity."""
OVERCAST = 1.5
"""Shifts the mean cloud cover to the 70 % that central Europe has (logit scale)."""


DEEPEST, EXPONENT = 0.75, 3.4
"""Kasten and Czeplak (1980)."""


def transmitted(cloud: Array) -> Array:
    """Part of the clear sky's radiation that comes through a cloud cover 0..1."""
    return np.asarray(1 - DEEPEST * cloud**EXPONENT, dtype=float)


def cloud_for(part: Array) -> Array:
    """The cover that lets ``part`` of the clear sky through; the inverse of `transmitted`, overcast below its end."""
    return np.clip((1 - part) / DEEPEST, 0.0, 1.0) ** (1 / EXPONENT)


def clear_weather(starts: list[datetime], latitude: float, longitude: float) -> pl.DataFrame:
    """Cloudless quarter-hours at 15 degrees: the columns a roof's geometry asks for."""
    return _frame(starts, np.zeros(len(starts)), np.full(len(starts), 15.0), (latitude, longitude))


def _frame(starts: list[datetime], cloud: Array, temperature_c: Array, place: tuple[float, float]) -> pl.DataFrame:
    zenith, _ = sun.position(starts, *place)
    ghi = HAZE * sun.clear_sky_ghi(zenith) * transmitted(cloud)
    dni, dhi = sun.decompose(ghi, zenith, sun.midpoints(starts))
    return pl.DataFrame(
        {
            "starts_at": pl.Series(starts, dtype=INSTANT),
            "temperature_c": temperature_c,
            "ghi_w_m2": ghi,
            "dni_w_m2": dni,
            "dhi_w_m2": dhi,
            "cloud_pct": 100 * cloud,
        }
    )


@dataclass(frozen=True)
class Sky:
    """The sky over one place; the same seed gives the same weather. ``observed``: cloud cover 0..1 where known."""

    seed: int
    latitude: float
    longitude: float
    observed: Mapping[datetime, float] = field(default_factory=dict, repr=False)

    def weather(self, start: datetime, end: datetime, issued_at: datetime | None = None) -> pl.DataFrame:
        """Quarter-hours of ``[start, end)``: the columns of `weather.frame`, radiation as means of the slot.

        Args:
            issued_at: the truth when None, else the forecast of that instant (slots before it: the truth).
        """
        starts = time_grid.slots(start, end)
        leads_h = np.zeros(len(starts))
        if issued_at is not None:
            leads_h = np.array([(s - issued_at) / timedelta(hours=1) for s in starts])
        return self.weather_ahead(starts, leads_h)

    def weather_ahead(self, starts: list[datetime], leads_h: Array) -> pl.DataFrame:
        """The weather of each slot as foretold ``leads_h`` before it; 0 and less is the truth."""
        hours = np.array([hours_since_epoch(s) for s in starts]) + time_grid.SLOT / timedelta(hours=2)
        growth = np.sqrt(np.clip(leads_h, 0.0, LONGEST_LEAD_H) / FULL_ERROR_H)
        cloud = self._cloud(starts, hours, growth)
        error_c = TEMPERATURE_ERROR_C * growth * smooth(self.seed, "temperature error", hours, 9.0)
        frame = _frame(starts, cloud, self._temperature(hours) + error_c, (self.latitude, self.longitude))
        return frame.with_columns(wind_m_s=3.0 * np.exp(0.5 * smooth(self.seed, "wind", hours, 20.0)))

    def flicker(self, start: datetime, minutes: int, cloud: Array) -> Array:
        """What passing clouds do to PV from minute to minute: factors around 1, largest under a broken sky.

        Args:
            cloud: cloud cover 0..1 per minute.
        """
        hours = hours_since_epoch(start) + (np.arange(minutes) + 0.5) / 60.0
        amplitude = 0.35 * np.clip(4 * cloud * (1 - cloud), 0.0, 1.0)
        return np.clip(1 + amplitude * smooth(self.seed, "flicker", hours, 1 / 12), 0.1, 1.35)

    def _cloud(self, starts: list[datetime], hours: Array, growth: Array) -> Array:
        winter = np.cos(2 * np.pi * (hours / 24 / 365.25))
        fronts = 1.7 * smooth(self.seed, "fronts", hours, 40.0) + 0.9 * smooth(self.seed, "clouds", hours, 4.0)
        logit = fronts + OVERCAST + 0.6 * winter
        if self.observed:
            seen = np.clip([self.observed.get(at, np.nan) for at in starts], 0.01, 0.99)
            logit = np.where(np.isnan(seen), logit, np.log(seen / (1 - seen)))
        error = CLOUD_ERROR * growth * smooth(self.seed, "cloud error", hours, 5.0)
        return np.asarray(1 / (1 + np.exp(-(logit + error))), dtype=float)

    def _temperature(self, hours: Array) -> Array:
        day = hours / 24.0
        season = np.cos(2 * np.pi * (day - WARMEST_DAY) / 365.25)
        solar_hour = (hours + self.longitude / 15.0) % 24
        daily = (3.5 + 1.5 * season) * np.cos(2 * np.pi * (solar_hour - 15) / 24)
        fronts_c = WEATHER_SWING_C * smooth(self.seed, "air mass", hours, 60.0)
        return np.asarray(YEAR_MEAN_C + YEAR_SWING_C * season + daily + fronts_c, dtype=float)
