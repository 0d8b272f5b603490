"""The plant's electricity exchange: day-ahead prices and exchange rates that look like those of central Europe.

A duck: cheap when the region's roofs produce, dear in the evening, negative on sunny days off. Deterministic by seed
and delivery day; measured prices of a replay take their place where given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.market.document import MARKET_TIMEZONE, market_day_slots
from ems_pipeline.market.fx import list_day
from ems_pipeline.plant.noise import dice
from ems_pipeline.plant.replay import Replay
from ems_pipeline.plant.sky import Sky

PUBLISHED = time(12, 57)
"""Market-local time of the day before delivery at which the auction's results appear."""
RATES_PUBLISHED = time(14, 30)
MEAN_EUR_PER_MWH, SEASON_SWING_EUR = 104.0, 12.0
EVENING, MORNING = (19.3, 1.9, 62.0), (7.7, 1.4, 28.0)
"""Peaks: local hour, width in hours, height in EUR/MWh."""
NIGHT_EUR, DAY_OFF_EUR = 16.0, 22.0
SOLAR_EUR_PER_W_M2 = 0.15
"""What a W/m2 over the region takes off the price."""
BELOW_ZERO = 0.4
"""Few offers follow the price below zero: it falls more slowly there."""
LOWEST_EUR, HIGHEST_EUR = -480.0, 990.0
MEAN_CZK_PER_EUR, FX_SWING = 24.4, 0.35


@dataclass(frozen=True)
class Exchange:
    """Prices by delivery day, as published at an instant of the plant's clock."""

    seed: int
    sky: Sky
    replay: Replay | None = None

    def published(self, day: date, now: datetime) -> list[float] | None:
        """EUR/MWh of every quarter-hour of the market day; None before the auction's results are out."""
        results_at = time_grid.local_instant(day - timedelta(days=1), PUBLISHED, MARKET_TIMEZONE)
        return self.prices(day) if now >= results_at else None

    def prices(self, day: date) -> list[float]:
        """EUR/MWh of the 92, 96 or 100 quarter-hours of a market day, to the cent."""
        starts = market_day_slots(day)
        measured = self._measured(starts)
        return self._synthetic(day, starts) if measured is None else measured

    def rate_list(self, day: date, now: datetime) -> tuple[date, float]:
        """The newest list of the central bank that is valid on ``day`` and out by now: its day, CZK per EUR."""
        valid = list_day(day)
        while time_grid.local_instant(valid, RATES_PUBLISHED, MARKET_TIMEZONE) > now:
            valid = list_day(valid - timedelta(days=1))
        slow = np.sin(valid.toordinal() / 97.0)
        return valid, round(float(MEAN_CZK_PER_EUR + FX_SWING * slow + dice(self.seed, "fx", valid).normal(0, 0.04)), 3)

    def _measured(self, starts: list[datetime]) -> list[float] | None:
        if self.replay is None or self.replay.prices is None:
            return None
        known = self.replay.prices.filter(pl.col("starts_at").is_between(starts[0], starts[-1]))
        found = dict(zip(known["starts_at"].to_list(), known["price_eur_per_mwh"].to_list(), strict=True))
        prices = [found.get(at) for at in starts]
        return None if any(p is None for p in prices) else [round(float(p), 2) for p in prices if p is not None]

    def _synthetic(self, day: date, starts: list[datetime]) -> list[float]:
        chance = dice(self.seed, "auction", day)
        local = [at.astimezone(MARKET_TIMEZONE) for at in starts]
        hour = np.array([at.hour + at.minute / 60 for at in local])
        winter = np.cos(2 * np.pi * (day.timetuple().tm_yday - 15) / 365.25)
        level = MEAN_EUR_PER_MWH + SEASON_SWING_EUR * winter + chance.normal(0, 12)
        if day.weekday() >= 5:
            level -= DAY_OFF_EUR
        peaks = sum(height * np.exp(-0.5 * ((hour - at) / width) ** 2) for at, width, height in (EVENING, MORNING))
        night = NIGHT_EUR * np.exp(-0.5 * ((hour - 3.0) / 2.2) ** 2)
        radiation = self.sky.weather(starts[0], starts[-1] + time_grid.SLOT)["ghi_w_m2"].to_numpy()
        solar = SOLAR_EUR_PER_W_M2 * radiation
        sawtooth = 5.0 * (np.array([at.minute for at in local]) - 22.5) / 22.5 * np.sign(hour - 13)
        prices = level + peaks - night - solar + sawtooth + chance.normal(0, 2.5, len(starts))
        prices = np.where(prices < 0, BELOW_ZERO * prices, prices)
        return [round(float(p), 2) for p in np.clip(prices, LOWEST_EUR, HIGHEST_EUR)]
