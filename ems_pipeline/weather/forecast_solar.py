"""forecast.solar: a second opinion on PV, one plane at a time, already as power.

The free plan answers hourly energies for today and tomorrow with irregular stamps at sunrise and sunset, 12 calls an
hour. It knows neither curtailment nor our inverter. Its azimuth is 0 = south, -90 = east.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl

from ems_pipeline import http, settings, time_grid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.sites import PvArray
from ems_pipeline.units import kilo, slot_power_w
from ems_pipeline.weather.errors import MalformedWeather, RejectedWeatherRequest, parser

NAME = "forecast.solar"
SERVER = "https://api.forecast.solar"
LARGEST_WH = 1e9
"""Of a period; beyond it, below 0 and where there is no number, the source says nothing about the period."""
LONGEST_STEP = timedelta(hours=3)
"""Between two stamps further apart than this lies a night, not a period of generation."""


def fetch(array: PvArray, latitude: float, longitude: float) -> bytes:
    """The estimate for one plane, stamps in UTC.

    Raises:
        RejectedWeatherRequest: the plane or place is refused; http.TransientError: limit reached or busy, ask later.
    """
    plane = (
        f"{latitude:.4f}/{longitude:.4f}/{array.tilt_deg:g}/{array.azimuth_deg - 180:g}/{kilo(array.peak_power_w):g}"
    )
    try:
        return http.get(f"{settings.SOURCE_URL.of(NAME) or SERVER}/estimate/{plane}", {"time": "utc"})
    except http.PermanentError as error:
        if error.body.lstrip().startswith(b"{"):
            _result(error.body)  # raises with the reason the source gives
        raise


@parser(NAME)
def parse(body: bytes) -> pl.DataFrame:
    """Energy since the previous stamp -> mean power per slot, ``[starts_at, power_w]``, W; the energy is kept.

    The energy of a period is spread evenly over it; slots that several periods touch collect their shares. Slots
    outside every period are absent: the source says nothing about them (at night, whoever knows the sun knows a zero).

    Raises:
        RejectedWeatherRequest: the reply carries an error message; MalformedWeather: truncated, without zone,
            or nothing but zeros.
    """
    periods = _result(body).get("watt_hours_period")
    if not isinstance(periods, Mapping) or len(periods) < 2:
        raise MalformedWeather("forecast.solar reply has no watt_hours_period; it is truncated")
    if not any(periods.values()):
        raise MalformedWeather("forecast.solar gives the plane exactly 0 Wh all day", "check its data, or ask later")
    energy_wh: dict[datetime, float] = {}
    stamped = sorted((_stamp(at), float(wh)) for at, wh in periods.items())
    for (start, _), (end, wh) in pairwise(stamped):
        if end - start <= LONGEST_STEP and 0 <= wh < LARGEST_WH:
            _spread(energy_wh, start, end, wh)
    rows = sorted(energy_wh.items())
    return pl.DataFrame(
        {"starts_at": [at for at, _ in rows], "power_w": [slot_power_w(wh) for _, wh in rows]},
        schema={"starts_at": INSTANT, "power_w": pl.Float64},
    )


def _spread(energy_wh: dict[datetime, float], start: datetime, end: datetime, wh: float) -> None:
    for slot in time_grid.slots(time_grid.floor_slot(start), time_grid.ceil_slot(end)):
        inside = min(end, slot + time_grid.SLOT) - max(start, slot)
        energy_wh[slot] = energy_wh.get(slot, 0.0) + wh * (inside / (end - start))


@parser(NAME)
def _result(body: bytes) -> Mapping[str, Any]:
    reply = json.loads(body)
    message = reply.get("message") if isinstance(reply, Mapping) else None
    if not isinstance(message, Mapping):
        raise MalformedWeather("forecast.solar reply has no message block; it is not an estimate")
    if message.get("code") != 0:
        raise RejectedWeatherRequest(f"forecast.solar refused the plane: {message.get('text') or message}")
    return reply["result"] if isinstance(reply.get("result"), Mapping) else {}


def _stamp(text: str) -> datetime:
    try:
        return time_grid.utc(datetime.fromisoformat(text))
    except ValueError as error:
        raise MalformedWeather(f"forecast.solar stamp {text!r} has no zone or no time", "ask with time=utc") from error
