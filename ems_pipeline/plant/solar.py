"""Twin of forecast.solar: energies of one plane between irregular stamps, today and tomorrow, by the plant's clock."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.forecast.pv_geometry import pv_power_w
from ems_pipeline.market.document import MARKET_TIMEZONE
from ems_pipeline.plant.sky import Sky
from ems_pipeline.sites import PvArray
from ems_pipeline.units import from_kilo, slot_energy_wh
from ems_pipeline.weather import sun

PLANE = re.compile(r"/estimate/([\d.-]+)/([\d.-]+)/([\d.]+)/([\d.-]+)/([\d.]+)")
HORIZON_DEG = 90.8
"""Zenith of sunrise and sunset, the sun's radius and refraction included."""


def estimate(path: str, sky_over: Callable[[float, float], Sky], now: datetime) -> tuple[int, bytes]:
    """Status and body for ``/estimate/lat/lon/tilt/azimuth/kWp`` (azimuth 0 = south); 422 where the plane is none."""
    asked = PLANE.fullmatch(path)
    try:
        latitude, longitude, tilt, south, kwp = map(float, asked.groups() if asked else ())
        array = PvArray(key="plane", peak_power_w=from_kilo(kwp), tilt_deg=tilt, azimuth_deg=south + 180)
    except ValueError:
        return 422, _body({}, 422, f"invalid plane {path}")
    sky = sky_over(latitude, longitude)
    today = time_grid.local_day(now, MARKET_TIMEZONE)
    periods: dict[str, int] = {}
    for day in (today, today + timedelta(days=1)):
        slots = time_grid.day_slots(day, MARKET_TIMEZONE)
        zenith, _ = sun.position(slots, sky.latitude, sky.longitude)
        lit = [at for at, deg in zip(slots, zenith, strict=True) if deg < HORIZON_DEG]
        leads_h = np.array([(at - now) / timedelta(hours=1) for at in lit])
        power = pv_power_w(array, sky.latitude, sky.longitude, sky.weather_ahead(lit, leads_h))["power_w"]
        periods |= _periods(lit, [slot_energy_wh(watts) for watts in power])
    return 200, _body(periods, 0, "")


def _periods(lit: Sequence[datetime], energies_wh: Sequence[float]) -> dict[str, int]:
    """Sunrise with nothing, then each full hour and the sunset with what came since the stamp before."""
    stamps: dict[str, int] = {}
    since, before = 0.0, None
    for at, after, wh in zip(lit, [*lit[1:], None], energies_wh, strict=True):
        if at != before:
            stamps[at.isoformat()] = 0
        before, since = at + time_grid.SLOT, since + wh
        if before.minute == 0 or before != after:
            stamps[before.isoformat()], since = round(since), 0.0
    return stamps


def _body(periods: dict[str, int], code: int, text: str) -> bytes:
    result = {"watt_hours_period": periods} if periods else None
    return json.dumps(
        {"result": result, "message": {"code": code, "type": "success" if not code else "error", "text": text}}
    ).encode()
