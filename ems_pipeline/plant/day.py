"""What one UTC day brings to a site, minute by minute: sun on its roofs, load, weather, and the local clock.

Everything that does not depend on what anybody decides is computed here at once with arrays; the world then steps
through plain lists. UTC days, because they always have 1440 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.forecast.pv_geometry import pv_power_w
from ems_pipeline.plant import household
from ems_pipeline.plant.replay import Replay
from ems_pipeline.plant.sky import Sky
from ems_pipeline.sites import PvArray, Site

ONE_DAY = timedelta(days=1)
MINUTES = household.MINUTES_PER_DAY
ROOF_QUALITY = 0.95
"""Soiling and shading that no site file states."""


@dataclass(frozen=True)
class Day:
    """1440 values each, from UTC midnight ``starts_at``; ``pv_w`` by array key."""

    starts_at: datetime
    pv_w: dict[str, list[float]]
    load_w: list[float]
    outdoor_c: list[float]
    ghi_w_m2: list[float]
    hot_water_w: dict[str, list[float]]
    """Heat drawn from the tank of each heat pump, by its key."""
    local_minute: list[int]
    """Minute of the local wall clock, 0..1439."""
    weekday: list[int]


def midnight(at: datetime) -> datetime:
    """UTC midnight before ``at``."""
    return time_grid.utc(at).replace(hour=0, minute=0, second=0, microsecond=0)


def build(site: Site, seed: int, sky: Sky, start: datetime, replay: Replay | None) -> Day:
    """The day from UTC midnight ``start``; where the replay has measured load or PV, that plays instead."""
    zone = time_grid.zone(site.timezone)
    # one slot on either side, so that interpolation to minutes has neighbours at midnight
    weather = sky.weather(start - time_grid.SLOT, start + ONE_DAY + time_grid.SLOT)
    cloud = _to_minutes(weather["cloud_pct"].to_numpy() / 100)
    flicker = sky.flicker(start, MINUTES, cloud)
    pv: dict[str, Array] = {a.key: _roof_w(a, site, weather, flicker) for a in site.pv}
    load: Array = household.load_w(seed, site.usual_load_w, zone, start)
    if replay is not None:
        load = replay.load_over(start, load)
        pv = replay.pv_over(start, pv, {a.key: a.peak_power_w for a in site.pv})
    local = [(start + timedelta(minutes=m)).astimezone(zone) for m in range(0, MINUTES, 15)]
    return Day(
        starts_at=start,
        pv_w={key: values.tolist() for key, values in pv.items()},
        load_w=load.tolist(),
        outdoor_c=_to_minutes(weather["temperature_c"].to_numpy()).tolist(),
        ghi_w_m2=_to_minutes(weather["ghi_w_m2"].to_numpy()).tolist(),
        hot_water_w={
            h.key: household.hot_water_w(seed, h.hot_water.daily_wh, zone, start).tolist()
            for h in site.heat_pumps
            if h.hot_water is not None
        },
        local_minute=[at.hour * 60 + at.minute + i for at in local for i in range(15)],
        weekday=[at.weekday() for at in local for _ in range(15)],
    )


def _roof_w(array: PvArray, site: Site, weather: pl.DataFrame, flicker: Array) -> Array:
    """What one plane gives per minute; clouds' edges may brighten it, the inverter still limits it."""
    clear_of_flicker = np.nan_to_num(pv_power_w(array, site.latitude, site.longitude, weather)["power_w"].to_numpy())
    power_w = ROOF_QUALITY * flicker * _to_minutes(clear_of_flicker)
    return power_w if array.inverter_limit_w is None else np.minimum(power_w, array.inverter_limit_w)


def _to_minutes(quarters: Array) -> Array:
    """98 quarter-hour means (a neighbour on each side) -> 1440 minutes, linear between the middles."""
    middles = (np.arange(len(quarters)) - 0.5) * 15
    return np.asarray(np.interp(np.arange(MINUTES) + 0.5, middles, quarters))
