"""What the people of the site do: the house's own consumption per minute and the cars' visits to each charger.

Habits follow local time; chance follows the seed and the date. No measured household is copied here: the daily shape is
the usual one of European homes (morning, noon, evening), appliances switch on and off on top of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.plant.noise import dice, hours_since_epoch, smooth
from ems_pipeline.sites import Charger

SHAPE = ((7.2, 1.3, 0.7), (12.6, 1.6, 0.6), (19.4, 2.2, 1.3))
"""Bumps over the base of 1: hour, width in hours, height."""
APPLIANCES = ((2000.0, 4, 4.0), (2200.0, 40, 0.35), (1900.0, 50, 0.45), (900.0, 20, 1.2))
"""Power, minutes, uses per day: kettle, oven, washing machine, hob."""
DRAWS = ((0.3, 6.8, 15), (0.1, 12.5, 5), (0.2, 18.5, 10), (0.4, 20.5, 20))
"""Hot water: share of the day, local hour, minutes."""
APPLIANCE_SHARE = 0.25
"""Part of the yearly consumption that comes in switched lumps."""
LARGEST_HOME_W = 3000.0
"""What uses more on average is many at once: their lumps come more often, and are not larger."""
MINUTES_PER_DAY = 1440
"""Of a UTC day, which has no clock change; the plant's series are cut at UTC midnight."""


def load_w(seed: int, mean_w: float, zone: ZoneInfo, start: datetime) -> Array:
    """House load of the 1440 minutes from ``start`` (UTC midnight), W; its long-term mean is ``mean_w``."""
    hours = hours_since_epoch(start) + (np.arange(MINUTES_PER_DAY) + 0.5) / 60.0
    shape = _shape(_local_hours(start, zone))
    swing = np.exp(0.22 * smooth(seed, "load", hours, 1.5) - 0.22**2 / 2)
    steady = mean_w * (1 - APPLIANCE_SHARE) * shape * swing
    return np.asarray(steady + _appliances(seed, mean_w * APPLIANCE_SHARE, zone, start), dtype=float)


def hot_water_w(seed: int, daily_wh: float, zone: ZoneInfo, start: datetime) -> Array:
    """Heat drawn as hot water in the 1440 minutes from ``start`` (UTC midnight), W: showers, dishes, hands."""
    drawn = np.zeros(MINUTES_PER_DAY)
    for day in time_grid.days_of(start, start + timedelta(days=1), zone):
        chance = dice(seed, "hot water", day)
        midnight, _ = time_grid.day_bounds(day, zone)
        appetite = np.exp(chance.normal(0, 0.2) - 0.02)
        for share, hour, minutes in DRAWS:
            begins = int((midnight - start) / time_grid.MINUTE) + int((hour + chance.normal(0, 0.4)) * 60)
            drawn[max(0, begins) : max(0, begins + minutes)] += daily_wh * appetite * share * 60 / minutes
    return drawn


def _local_hours(start: datetime, zone: ZoneInfo) -> Array:
    offsets = [
        (start + timedelta(hours=h)).astimezone(zone).utcoffset() or timedelta() for h in range(24)
    ]  # a clock change happens on a full hour UTC in every zone with a quarter-hour market
    per_hour = np.array([o / timedelta(hours=1) for o in offsets])
    return np.asarray((np.arange(MINUTES_PER_DAY) / 60.0 + np.repeat(per_hour, 60)) % 24, dtype=float)


def _shape(local_hours: Array) -> Array:
    bumps = sum(height * np.exp(-0.5 * ((local_hours - hour) / width) ** 2) for hour, width, height in SHAPE)
    mean = 1 + sum(height * width for _, width, height in SHAPE) * np.sqrt(2 * np.pi) / 24
    return np.asarray((1 + bumps) / mean, dtype=float)


def _appliances(seed: int, mean_w: float, zone: ZoneInfo, start: datetime) -> Array:
    """Switched lumps of the local days this UTC day touches."""
    usual_wh = sum(power * minutes / 60 * uses for power, minutes, uses in APPLIANCES)
    homes = max(mean_w / APPLIANCE_SHARE / LARGEST_HOME_W, 1.0)
    scale = mean_w * 24 / usual_wh / homes
    found = np.zeros(MINUTES_PER_DAY)
    for day in time_grid.days_of(start, start + timedelta(days=1), zone):
        chance = dice(seed, "appliances", day)
        midnight, _ = time_grid.day_bounds(day, zone)
        for power_w, minutes, uses in APPLIANCES:
            for _ in range(chance.poisson(uses * homes)):
                begins = int((midnight - start) / time_grid.MINUTE) + int(chance.triangular(6, 19, 23) * 60)
                found[max(0, begins) : max(0, begins + minutes)] += power_w * scale
    return found


@dataclass(frozen=True, slots=True)
class Visit:
    """One car at one charger: when it is there and how much it takes until it is full."""

    arrives_at: datetime
    departs_at: datetime
    energy_wh: float


def visit(seed: int, charger: Charger, zone: ZoneInfo, day: date) -> Visit | None:
    """The visit that begins on a local day, or None: one day in ten the car stays away."""
    chance = dice(seed, f"car {charger.key}", day)
    stays_away = chance.random() < 0.1
    late_min, leaves_min, appetite = chance.normal(0, 25), chance.normal(0, 10), np.exp(chance.normal(0, 0.25))
    if stays_away or day.weekday() not in charger.usual_weekdays:
        return None
    overnight = charger.usual_departure <= charger.usual_arrival
    leaves_on = day + timedelta(days=1) if overnight else day
    arrives_at = time_grid.local_instant(day, charger.usual_arrival, zone) + timedelta(minutes=round(late_min))
    departs_at = time_grid.local_instant(leaves_on, charger.usual_departure, zone) + timedelta(
        minutes=round(leaves_min)
    )
    energy_wh = min(float(charger.usual_energy_wh * appetite), 0.95 * charger.car_capacity_wh)
    return Visit(arrives_at, max(departs_at, arrives_at + timedelta(minutes=15)), energy_wh)
