"""Open-Meteo: forecast, previous model runs and reanalysis archive -> the weather frame of this package.

Facts of the format: radiation stamped T is the mean of the step that ENDS at T, all else is the instant T; with a local
time zone the reply uses one constant offset over a clock change, so we always ask for GMT and unix seconds. Data is
CC BY 4.0, "Weather data by Open-Meteo.com". Add a variable to `VARIABLES` when a model needs it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from ems_pipeline import http, settings, time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.local_time import INSTANT
from ems_pipeline.weather import sun
from ems_pipeline.weather.errors import MalformedWeather, RejectedWeatherRequest, parser
from ems_pipeline.weather.frame import COLUMNS, RADIATION, at_midpoints, drop_unknown_tail, quarter_starts, split_mean

NAME = "open-meteo"
VARIABLES = {
    "temperature_c": "temperature_2m",
    "ghi_w_m2": "shortwave_radiation",
    "dni_w_m2": "direct_normal_irradiance",
    "dhi_w_m2": "diffuse_radiation",
    "cloud_pct": "cloud_cover",
    "wind_m_s": "wind_speed_10m",
}
FACTORS = {
    "temperature_c": {"°C": 1.0},
    "ghi_w_m2": {"W/m²": 1.0},
    "dni_w_m2": {"W/m²": 1.0},
    "dhi_w_m2": {"W/m²": 1.0},
    "cloud_pct": {"%": 1.0},
    "wind_m_s": {"m/s": 1.0, "km/h": 1 / 3.6},
}
"""Unit named in the reply -> ours; a unit that is not listed refuses the document (km/h is the source's default)."""

RANGE = {
    "temperature_c": (-80.0, 60.0),
    "ghi_w_m2": (-5.0, 1500.0),
    "dni_w_m2": (-5.0, 1500.0),
    "dhi_w_m2": (-5.0, 1500.0),
    "cloud_pct": (0.0, 100.0),
    "wind_m_s": (0.0, 120.0),
}
"""Physical limits: a value beyond is a cell without a value. Radiation slightly below zero is model noise: zero."""

LARGEST = 1e9
"""Of a number at all; JSON has no largest one."""
MOST_IMPOSSIBLE = 0.5
"""Where more of a column lies beyond, it is in another unit, and the whole reply is none we understand."""

BRIGHT_W_M2, HIGH_SUN_W_M2 = 100.0, 250.0
"""What a clear sky would give. Under the heaviest cloud something of it is left: an exact zero is a gap, surely so
where the sun stands some 17 degrees high."""
DARK_DAYLIGHT = timedelta(hours=4)
"""So much of it is no gap: the reply has no radiation at all."""

STEPS = {"minutely_15": time_grid.SLOT, "hourly": timedelta(hours=1)}


SERVERS = {
    "forecast": ("open-meteo", "https://api.open-meteo.com", "/v1/forecast"),
    "previous-runs": ("open-meteo-previous-runs", "https://previous-runs-api.open-meteo.com", "/v1/forecast"),
    "archive": ("open-meteo-archive", "https://archive-api.open-meteo.com", "/v1/archive"),
}
"""Per API: the name by which a variable moves it to another host (paid plan, own server, replay), its public host, its
path."""


def fetch_forecast(latitude: float, longitude: float, days: int = 3, past_days: int = 1) -> bytes:
    """The newest forecast in quarter-hours, from ``past_days`` ago to the end of day ``days`` (GMT days, today = 1).

    Raises:
        RejectedWeatherRequest: the source refused, with its reason; http.TransientError: ask again later.
    """
    period = {"forecast_days": str(days), "past_days": str(past_days)}
    return _fetch("forecast", "minutely_15", list(VARIABLES.values()), latitude, longitude, period)


def fetch_previous_runs(latitude: float, longitude: float, first: date, last: date, days_before: int) -> bytes:
    """The forecast for GMT days ``first``..``last`` as known ``days_before`` x 24 h before each hour (from 2024 on)."""
    names = [f"{name}_previous_day{days_before}" for name in VARIABLES.values()]
    return _fetch("previous-runs", "hourly", names, latitude, longitude, _period(first, last))


def fetch_archive(latitude: float, longitude: float, first: date, last: date) -> bytes:
    """Reanalysis (what the weather was) for GMT days ``first``..``last``; some days behind today."""
    return _fetch("archive", "hourly", list(VARIABLES.values()), latitude, longitude, _period(first, last))


def _period(first: date, last: date) -> dict[str, str]:
    return {"start_date": first.isoformat(), "end_date": last.isoformat()}


def _fetch(api: str, block: str, names: list[str], latitude: float, longitude: float, period: dict[str, str]) -> bytes:
    source, host, path = SERVERS[api]
    place = {"latitude": f"{latitude:.4f}", "longitude": f"{longitude:.4f}"}
    form = {"timezone": "GMT", "timeformat": "unixtime", "wind_speed_unit": "ms"}
    try:
        return http.get(
            (settings.SOURCE_URL.of(source) or host) + path, place | {block: ",".join(names)} | period | form
        )
    except http.PermanentError as error:
        if error.body.lstrip().startswith(b"{"):
            _one_place(error.body)  # raises with the reason the source gives
        raise


@parser(NAME)
def parse(body: bytes, latitude: float, longitude: float, days_before: int = 0) -> pl.DataFrame:
    """A reply of the forecast, archive or previous-runs API -> weather per quarter-hour.

    Args:
        body: the JSON reply for one place (an object, or a list of one).
        latitude, longitude: of the site, for the sun's position (the reply's own are those of the grid cell).
        days_before: read the variables of the run made so many days earlier (``*_previous_dayN``); 0 = newest.

    Returns:
        ``[starts_at, temperature_c, ghi_w_m2, dni_w_m2, dhi_w_m2, cloud_pct, wind_m_s]`` per slot, sorted, with nulls
        where the source has none and the empty far end dropped.

    Raises:
        RejectedWeatherRequest: the reply says ``error``.
        MalformedWeather: truncated, uneven, in other units, or outside physics.
    """
    reply = _one_place(body)
    block = next((name for name in STEPS if name in reply), None)
    if block is None:
        raise MalformedWeather(f"Open-Meteo reply has neither {' nor '.join(STEPS)} but {sorted(reply)}", "ask for one")
    series, units, step = reply[block], reply.get(f"{block}_units", {}), STEPS[block]
    stamps = _stamps(series, units, reply.get("utc_offset_seconds"), step)
    suffix = f"_previous_day{days_before}" if days_before else ""
    columns = {ours: _column(series, units, ours, name + suffix, len(stamps)) for ours, name in VARIABLES.items()}
    for needed in ("temperature_c", "ghi_w_m2"):
        if np.isnan(columns[needed]).all():
            raise MalformedWeather(
                f"Open-Meteo reply has no value of {VARIABLES[needed] + suffix}",
                "ask for older days (the archive lags some five) or for another model",
            )
    return _quarter_hours(columns, stamps[0] - step, step, latitude, longitude)


def parse_previous_runs(body: bytes, latitude: float, longitude: float, days_before: int) -> pl.DataFrame:
    """A previous-runs reply -> the weather frame plus ``known_at``, for back-tests that do not cheat.

    The value of a slot in ``*_previous_dayN`` was forecast N x 24 h before it, so ``known_at = starts_at - N days``. A
    decision at T may use the rows with ``known_at <= T``: for tomorrow evening that is day 2, not day 1.

    Raises:
        ValueError: ``days_before`` outside 1..7, which is what the source keeps.
    """
    if not 1 <= days_before <= 7:
        raise ValueError(f"days_before is {days_before}; Open-Meteo keeps runs of 1 to 7 days before")
    frame = parse(body, latitude, longitude, days_before)
    return frame.with_columns(known_at=pl.col("starts_at") - pl.duration(hours=24 * days_before))


@parser(NAME)
def _one_place(body: bytes) -> Mapping[str, Any]:
    document = json.loads(body)
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, Mapping):
        raise MalformedWeather(f"Open-Meteo reply is {type(document).__name__}, not an object for one place")
    if document.get("error"):
        raise RejectedWeatherRequest(f"Open-Meteo refused the request: {document.get('reason', 'no reason given')}")
    return document


def _stamps(series: Mapping[str, Any], units: Mapping[str, str], offset_s: Any, step: timedelta) -> list[datetime]:
    times = series.get("time") or []
    if not times or not isinstance(offset_s, int | float):
        raise MalformedWeather("Open-Meteo reply has no time axis or no utc_offset_seconds; it is truncated")
    if units.get("time") == "unixtime":
        stamps = [datetime.fromtimestamp(t, UTC) for t in times]
    else:
        # One constant offset for all rows, also across a clock change: documented behaviour of the source.
        stamps = [datetime.fromisoformat(t).replace(tzinfo=UTC) - timedelta(seconds=offset_s) for t in times]
    uneven = next((later for earlier, later in pairwise(stamps) if later - earlier != step), None)
    if uneven is not None or not time_grid.is_slot(stamps[0]):
        raise MalformedWeather(f"Open-Meteo time axis is not an even grid of {step} (at {uneven or stamps[0]})")
    return stamps


def _column(series: Mapping[str, Any], units: Mapping[str, str], ours: str, name: str, count: int) -> Array:
    """One variable in our unit; NaN where null, all NaN where the reply does not have it."""
    values = series.get(name)
    if values is None:
        return np.full(count, np.nan)
    if len(values) != count:
        raise MalformedWeather(f"Open-Meteo {name} has {len(values)} values for {count} times; the reply is truncated")
    if (unit := units.get(name)) not in FACTORS[ours]:
        raise MalformedWeather(f"Open-Meteo {name} is in {unit!r}; expected {' or '.join(FACTORS[ours])}")
    numbers = np.array([_number(value) for value in values]) * FACTORS[ours][str(unit)]
    low, high = RANGE[ours]
    impossible = (numbers < low) | (numbers > high)
    if impossible.sum() > MOST_IMPOSSIBLE * np.isfinite(numbers).sum():
        raise MalformedWeather(
            f"Open-Meteo {name} ranges {np.nanmin(numbers):g}..{np.nanmax(numbers):g} {unit}; "
            f"physics allows {low}..{high}",
            "drop this reply and ask again",
        )
    numbers[impossible] = np.nan
    return np.maximum(numbers, 0.0) if ours in RADIATION else numbers


def _number(value: Any) -> float:
    """A cell; NaN where there is no number in it."""
    return float(value) if isinstance(value, int | float) and abs(value) < LARGEST else np.nan


def _quarter_hours(
    columns: dict[str, Array], first: datetime, step: timedelta, latitude: float, longitude: float
) -> pl.DataFrame:
    parts = time_grid.count_slots(first, first + step)
    starts = quarter_starts(first, step, len(columns["ghi_w_m2"]))
    zenith, _ = sun.position(starts, latitude, longitude)
    clear = sun.clear_sky_ghi(zenith)
    columns["ghi_w_m2"] = _without_dark_noons(columns["ghi_w_m2"], clear.reshape(-1, parts).mean(axis=1), step)
    shapes: dict[str, Array] = {"ghi_w_m2": clear, "dhi_w_m2": clear, "dni_w_m2": np.where(clear > 0, 1000.0, 0.0)}
    quarters: dict[str, Array] = {c: split_mean(columns[c], parts, shapes[c]) for c in RADIATION}
    quarters |= {c: at_midpoints(columns[c], parts) for c in COLUMNS if c not in RADIATION}
    ghi, dhi = quarters["ghi_w_m2"], quarters["dhi_w_m2"]
    if np.isnan(dhi).all():
        quarters["dni_w_m2"], quarters["dhi_w_m2"] = sun.decompose(ghi, zenith, sun.midpoints(starts))
    elif np.isnan(quarters["dni_w_m2"]).all():
        quarters["dni_w_m2"] = np.where(np.isnan(ghi + dhi), np.nan, sun.direct_normal(ghi, dhi, zenith))
    frame = pl.DataFrame({"starts_at": starts} | {c: quarters[c] for c in COLUMNS}, nan_to_null=True)
    return drop_unknown_tail(frame.with_columns(pl.col("starts_at").cast(INSTANT)))


def _without_dark_noons(ghi: Array, clear: Array, step: timedelta) -> Array:
    """Global radiation with a gap where it is exactly 0 under a high sun, in a reply that has light elsewhere."""
    lasts = int(((ghi == 0) & (clear > BRIGHT_W_M2)).sum()) * step
    if lasts >= DARK_DAYLIGHT:
        raise MalformedWeather(
            f"Open-Meteo radiation is exactly 0 for {lasts / timedelta(hours=1):g} h of daylight",
            "drop this reply and ask again",
        )
    return np.where((ghi == 0) & (clear > HIGH_SUN_W_M2) & (ghi > 0).any(), np.nan, ghi)
