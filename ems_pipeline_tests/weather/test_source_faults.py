"""Every source of weather with every fault does what docs/sources.md says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from ems_pipeline import http, time_grid
from ems_pipeline.sites import PvArray, Site
from ems_pipeline.steps import forecasting
from ems_pipeline.steps.situation import InputsMissing
from ems_pipeline.weather import forecast_solar, open_meteo, sun
from ems_pipeline.weather.errors import MalformedWeather
from ems_pipeline_tests.fault_table import documented
from ems_pipeline_tests.market.replay import Answer, Replay, replay

TABLE = documented("Weather")
PLACE = (50.08, 14.42)
PRAGUE = ZoneInfo("Europe/Prague")
DAY = date(2026, 10, 25)
"""Of 25 hours: 100 quarter-hours."""
START, END = time_grid.day_bounds(DAY, PRAGUE)
ROOF = PvArray(key="roof", peak_power_w=5000, tilt_deg=35, azimuth_deg=180)
UNITS = {
    "temperature_2m": "°C", "shortwave_radiation": "W/m²", "direct_normal_irradiance": "W/m²",
    "diffuse_radiation": "W/m²", "cloud_cover": "%", "wind_speed_10m": "m/s",
}  # fmt: skip
SERVERS = {"open-meteo": "forecast", "open-meteo-previous-runs": "previous-runs", "open-meteo-archive": "archive"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    with replay() as running:
        for source in (*SERVERS, "forecast-solar"):
            name = f"EMS_SOURCE_{source.upper().replace('-', '_')}_URL"
            monkeypatch.setenv(name, f"http://127.0.0.1:{running.port}/{source}")
        monkeypatch.setattr("ems_pipeline.http.time.sleep", lambda _: None)
        yield running


def sky(fault: str, step: timedelta) -> tuple[list[datetime], list[float | None]]:
    """Ends of the steps of the day and half a clear sky over it."""
    count = (END - START) // step
    ends = [START + step * (i + 1) for i in range(count)]
    zenith, _ = sun.position([at - step for at in ends], *PLACE)
    shines: list[float | None] = [round(float(v) / 2, 1) for v in sun.clear_sky_ghi(zenith)]
    if fault == "all zero":
        shines = [0.0] * count
    if fault == "not yet published":
        shines[-count // 2 :] = [None] * (count // 2 + count % 2)
    hour = timedelta(hours=1) // step
    return (ends[:-hour], shines[:-hour]) if fault == "wrong length" else (ends, shines)


def open_meteo_body(source: str, fault: str) -> bytes:
    block = "minutely_15" if source == "open-meteo" else "hourly"
    suffix = "_previous_day1" if source.endswith("runs") else ""
    ends, shines = sky(fault, open_meteo.STEPS[block])
    dark: Any = [None if v is None else 10.0 for v in shines]
    series: dict[str, Any] = {name + suffix: dark for name in UNITS} | {f"shortwave_radiation{suffix}": shines}
    stamps: list[Any] = [int(at.timestamp()) for at in ends]
    unit, offset_s = "unixtime", 0
    if fault == "wrong zone":  # labels with the offset of the day's first half on all of it
        offset_s = 7200
        stamps, unit = [f"{at + timedelta(seconds=offset_s):%Y-%m-%dT%H:%M}" for at in ends], "iso8601"
    units = {name + suffix: is_in for name, is_in in UNITS.items()} | {"time": unit}
    content = {"utc_offset_seconds": offset_s, f"{block}_units": units, block: {"time": stamps} | series}
    return json.dumps(content).encode()


def solar_body(fault: str) -> bytes:
    ends, shines = sky(fault, timedelta(hours=1))
    label = "{:%Y-%m-%d %H:%M:%S}" if fault == "wrong zone" else "{:%Y-%m-%dT%H:%M:%S+00:00}"
    wh = {} if fault == "not yet published" else {label.format(at): v for at, v in zip(ends, shines, strict=True)}
    return json.dumps({"result": {"watt_hours_period": wh}, "message": {"code": 0, "text": ""}}).encode()


def answer(source: str, fault: str) -> Answer:
    if fault.startswith("HTTP"):
        return Answer(b"busy", int(fault.split()[1]))
    body = solar_body(fault) if source == "forecast-solar" else open_meteo_body(source, fault)
    return Answer(body[: len(body) // 2] if fault == "truncated" else body)


def asked(source: str) -> pl.DataFrame:
    asks: dict[str, Callable[[], pl.DataFrame]] = {
        "open-meteo": lambda: open_meteo.parse(open_meteo.fetch_forecast(*PLACE), *PLACE),
        "open-meteo-previous-runs": lambda: open_meteo.parse_previous_runs(
            open_meteo.fetch_previous_runs(*PLACE, DAY, DAY, 1), *PLACE, 1
        ),
        "open-meteo-archive": lambda: open_meteo.parse(open_meteo.fetch_archive(*PLACE, DAY, DAY), *PLACE),
        "forecast-solar": lambda: forecast_solar.parse(forecast_solar.fetch(ROOF, *PLACE)),
    }
    return asks[source]().filter(pl.col("starts_at").is_between(START, END, closed="left"))


def outcome(source: str, fault: str, server: Replay) -> str:
    server.answers = {source: answer(source, fault)}
    try:
        frame = asked(source)
    except MalformedWeather:
        return "malformed"
    except http.TransientError:
        return "failed"
    column = "power_w" if source == "forecast-solar" else "ghi_w_m2"
    known = frame.drop_nulls(column)
    if known.height < time_grid.count_slots(START, END):
        return "gap"
    server.answers = {source: answer(source, "none")}
    same = asked(source).select("starts_at", column).equals(frame.select("starts_at", column))
    return "converted" if same else "moved"


@pytest.mark.parametrize(("source", "fault"), TABLE)
def test_a_fault_of_a_source_ends_as_documented(server: Replay, source: str, fault: str) -> None:
    assert outcome(source, fault, server) == TABLE[source, fault]


def test_every_source_of_weather_is_documented() -> None:
    assert {source for source, _ in TABLE} == {*SERVERS, "forecast-solar"}
    assert set(SERVERS.values()) == set(open_meteo.SERVERS)


def test_a_full_server_is_asked_once_and_a_broken_one_three_times(server: Replay) -> None:
    for fault, times in (("HTTP 429", 1), ("HTTP 500", 3)):
        server.asked.clear()
        outcome("open-meteo", fault, server)
        assert len(server.asked) == times


def test_no_forecast_is_made_over_a_gap_in_the_weather(server: Replay, home01: Site) -> None:
    server.answers = {"open-meteo": answer("open-meteo", "wrong length")}
    with pytest.raises(InputsMissing, match="known for 96 of 100 slots"):
        forecasting.require_whole(asked("open-meteo"), START, END, home01, START)
