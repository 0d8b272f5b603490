"""The sky behind a measured roof: how cloudy it must have been for the modules to give what was measured.

Without it a replay would have measured sun and invented weather, and no forecast could be any good. The inversion of
`sky`'s radiation law, with the roof's geometry in between; its scale is taken from the sunniest hours.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.forecast.pv_geometry import site_pv_power_w
from ems_pipeline.local_time import INSTANT
from ems_pipeline.plant.replay import Replay
from ems_pipeline.plant.sky import clear_weather, cloud_for
from ems_pipeline.sites import Site

SUNNIEST = 0.97
"""Quantile of the ratio to the clear sky that counts as cloudless: reflections at cloud edges exceed it."""
LEAST_SHARE = 0.05
"""Below this part of the peak the clear sky says nothing about clouds."""
LONGEST_NIGHT_SLOTS = 72


def cloud_cover(replay: Replay, site: Site) -> dict[datetime, float]:
    """Cloud cover 0..1 by slot where PV was measured, nights bridged from dusk to dawn; empty without any sun."""
    known = replay.measured.select(pl.col("starts_at").cast(INSTANT), "pv_w").drop_nulls().sort("starts_at")
    peak_w = sum(a.peak_power_w for a in site.pv)
    if known.is_empty() or peak_w == 0:
        return {}
    starts = known["starts_at"].to_list()
    clear_w = _clear_w(site, starts)
    day = clear_w > LEAST_SHARE * peak_w
    ratio = np.where(day, known["pv_w"].to_numpy() / np.where(day, clear_w, 1.0), np.nan)
    if not day.any() or not (full := float(np.nanquantile(ratio, SUNNIEST))) > 0:
        return {}
    cover = cloud_for(np.clip(ratio / full, 0.0, 1.0))
    return dict(_bridged([s for s, d in zip(starts, day, strict=True) if d], cover[day]))


def _clear_w(site: Site, starts: list[datetime]) -> Array:
    weather = clear_weather(starts, site.latitude, site.longitude)
    power = site_pv_power_w(site.pv, site.latitude, site.longitude, weather)["power_w"]
    return np.asarray(power.fill_null(0.0).to_numpy(), dtype=float)


def _bridged(starts: list[datetime], cover: Array) -> list[tuple[datetime, float]]:
    found = [(starts[0], float(cover[0]))]
    for (a, b), (low, high) in zip(pairwise(starts), pairwise(cover.tolist()), strict=True):
        steps = time_grid.count_slots(a, b)
        if steps <= LONGEST_NIGHT_SLOTS:
            found += [(a + time_grid.SLOT * i, low + (high - low) * i / steps) for i in range(1, steps)]
        found.append((b, high))
    return found
