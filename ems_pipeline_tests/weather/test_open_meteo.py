"""Open-Meteo documents: what a stamp means, what is refused, and that no mean changes on the way to quarter-hours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ems_pipeline import http
from ems_pipeline.weather import open_meteo
from ems_pipeline.weather.errors import MalformedWeather, RejectedWeatherRequest

PRAGUE = (50.08, 14.42)
RECORDED = Path(__file__).parents[3] / "shared" / "data" / "recorded" / "open_meteo" / "forecast_hourly_de.json"
UNITS = {
    "time": "unixtime",
    "temperature_2m": "°C",
    "shortwave_radiation": "W/m²",
    "direct_normal_irradiance": "W/m²",
    "diffuse_radiation": "W/m²",
    "cloud_cover": "%",
    "wind_speed_10m": "m/s",
}


def reply(first: datetime, block: str = "hourly", suffix: str = "", **columns: list[float | None]) -> dict[str, Any]:
    """A reply in the source's shape; columns not given are constant."""
    count = len(next(iter(columns.values())))
    step = 3600 if block == "hourly" else 900
    usual = {"temperature_2m": 10.0, "shortwave_radiation": 0.0, "direct_normal_irradiance": 0.0}
    usual |= {"diffuse_radiation": 0.0, "cloud_cover": 50.0, "wind_speed_10m": 3.0}
    series: dict[str, Any] = {"time": [int(first.timestamp()) + step * i for i in range(count)]}
    for name, value in usual.items():
        series[name + suffix] = columns.get(name, [value] * count)
    units = {name if name == "time" else name + suffix: unit for name, unit in UNITS.items()}
    return {"latitude": 50.1, "longitude": 14.4, "utc_offset_seconds": 0, f"{block}_units": units, block: series}


def parse(document: Any, **options: int) -> pl.DataFrame:
    return open_meteo.parse(json.dumps(document).encode(), *PRAGUE, **options)


def test_radiation_stamped_t_is_the_mean_of_the_hour_before_t() -> None:
    """Hourly means 0, 60, 240, 420 W/m2 for the hours ending 06..09 on an August morning keep their hours and means."""
    document = reply(datetime(2026, 8, 20, 6, tzinfo=UTC), shortwave_radiation=[0.0, 60.0, 240.0, 420.0])
    frame = parse(document)
    assert frame["starts_at"][0] == datetime(2026, 8, 20, 5, tzinfo=UTC)
    hours = frame["ghi_w_m2"].to_numpy().reshape(-1, 4)
    np.testing.assert_allclose(hours.mean(axis=1), [0.0, 60.0, 240.0, 420.0], atol=1e-9)
    assert (hours[0] == 0).all()
    assert (np.diff(hours[1:].reshape(-1)) > 0).all(), "a clear morning rises in every quarter-hour"


def test_temperature_is_read_between_the_instants() -> None:
    """10 degrees at 06:00 and 14 at 07:00: the quarter-hour 06:00-06:15 has its middle at 06:07:30, so 10.5."""
    frame = parse(reply(datetime(2026, 8, 20, 6, tzinfo=UTC), temperature_2m=[10.0, 14.0]))
    at_six = frame.filter(pl.col("starts_at") == datetime(2026, 8, 20, 6, tzinfo=UTC))
    assert at_six["temperature_c"].to_list() == [10.5]


def test_the_empty_far_end_is_dropped_and_an_inner_gap_stays_null() -> None:
    values = [100.0, None, 300.0, None, None]
    document = reply(datetime(2026, 8, 20, 9, tzinfo=UTC), block="minutely_15", shortwave_radiation=values)
    assert parse(document)["ghi_w_m2"].to_list() == [100.0, None, 300.0]


def test_missing_direct_radiation_follows_from_global_and_diffuse() -> None:
    """GHI = DNI cos(zenith) + DHI: with no diffuse share of 300 W/m2 left, nothing is direct."""
    noon = datetime(2026, 8, 20, 11, tzinfo=UTC)
    none: list[float | None] = [None, None]
    columns: dict[str, list[float | None]] = {"direct_normal_irradiance": none, "shortwave_radiation": [300.0, 500.0]}
    frame = parse(reply(noon, block="minutely_15", diffuse_radiation=[300.0, 200.0], **columns))
    assert frame["dni_w_m2"][0] == pytest.approx(0.0)
    assert 300.0 < frame["dni_w_m2"][1] < 450.0  # 300 W/m2 on the horizontal at a zenith of about 38 degrees: 381
    assert parse(reply(noon, block="minutely_15", diffuse_radiation=none, **columns))["dhi_w_m2"].null_count() == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hourly": {}}, "truncated"),
        ({"hourly_units": UNITS | {"temperature_2m": "°F"}}, "°F"),
        ({"hourly_units": UNITS | {"wind_speed_10m": "mp/h"}}, "m/s"),
        ({"utc_offset_seconds": None}, "utc_offset_seconds"),
    ],
)
def test_what_is_not_the_promised_document_is_malformed(change: dict[str, Any], says: str) -> None:
    document = reply(datetime(2026, 8, 20, 6, tzinfo=UTC), shortwave_radiation=[0.0, 60.0]) | change
    with pytest.raises(MalformedWeather, match=says):
        parse(document)


def test_values_outside_physics_short_columns_uneven_grids_and_error_pages_are_malformed() -> None:
    first = datetime(2026, 8, 20, 6, tzinfo=UTC)
    with pytest.raises(MalformedWeather, match="physics"):
        parse(reply(first, temperature_2m=[283.15, 284.15, 11.0], shortwave_radiation=[1.0, 2.0, 3.0]))
    short = reply(first, shortwave_radiation=[0.0, 60.0])
    short["hourly"]["cloud_cover"].pop()
    with pytest.raises(MalformedWeather, match="1 values for 2 times"):
        parse(short)
    uneven = reply(first, shortwave_radiation=[0.0, 60.0, 90.0])
    uneven["hourly"]["time"][2] += 1800
    with pytest.raises(MalformedWeather, match="even grid"):
        parse(uneven)
    for body in (b"<html>Bad gateway</html>", json.dumps(short).encode()[:80], b"[]"):
        with pytest.raises(MalformedWeather):
            open_meteo.parse(body, *PRAGUE)


IMPOSSIBLE = [1600.0, -6.0, float("inf"), float("nan"), "n/a", [], {}, int("9" * 400)]


@pytest.mark.parametrize("impossible", IMPOSSIBLE, ids=lambda value: f"{value!s:.4}")
@pytest.mark.parametrize(
    "name", ["shortwave_radiation", "direct_normal_irradiance", "diffuse_radiation", "cloud_cover", "wind_speed_10m"]
)
def test_an_impossible_cell_is_missing_and_costs_no_other_cell_anything(name: str, impossible: Any) -> None:
    ours = next(key for key, theirs in open_meteo.VARIABLES.items() if theirs == name)
    document = reply(
        datetime(2026, 8, 20, 9, tzinfo=UTC), "minutely_15", shortwave_radiation=[300.0, 310.0, 320.0, 330.0]
    )
    good = parse(document)
    document["minutely_15"][name][1] = impossible
    spoilt = parse(document)
    # An instant stands for the quarter-hours on both of its sides.
    touched = {1} if ours in open_meteo.RADIATION else {1, 2}
    for i in range(good.height):
        assert spoilt[ours][i] == (None if i in touched else good[ours][i]), i
    others = [column for column in good.columns if column != ours]
    assert spoilt.select(others).equals(good.select(others))


def test_an_exact_zero_under_a_high_sun_is_a_gap_and_at_night_it_is_darkness() -> None:
    """21 June in Prague: the sun stands 63 degrees high at noon and is down at midnight."""
    for hour, expected in ((11, None), (0, 0.0)):
        radiation = [1.0, 0.0, 1.0, 1.0]
        document = reply(datetime(2026, 6, 21, hour, tzinfo=UTC), "minutely_15", shortwave_radiation=radiation)
        assert parse(document)["ghi_w_m2"].to_list() == [1.0, expected, 1.0, 1.0]
    hours = reply(datetime(2026, 6, 21, 10, tzinfo=UTC), shortwave_radiation=[500.0, 0.0, 0.0, 0.0, 500.0])
    assert parse(hours)["ghi_w_m2"].is_null().to_list() == [False] * 4 + [True] * 12 + [False] * 4
    hours["hourly"]["shortwave_radiation"] = [500.0, 0.0, 0.0, 0.0, 0.0]
    with pytest.raises(MalformedWeather, match="exactly 0 for 4 h of daylight"):
        parse(hours)


def test_a_variable_the_model_does_not_have_is_never_filled_with_zero() -> None:
    with pytest.raises(MalformedWeather, match="shortwave_radiation"):
        parse(reply(datetime(2026, 8, 20, 6, tzinfo=UTC), shortwave_radiation=[None, None]))


def test_a_refusal_is_told_with_the_reason_of_the_source() -> None:
    with pytest.raises(RejectedWeatherRequest, match="invalid String value"):
        parse({"error": True, "reason": "Cannot initialize from invalid String value tempeture_2m"})


def test_noise_below_zero_at_night_is_darkness() -> None:
    assert parse(reply(datetime(2026, 8, 20, 1, tzinfo=UTC), shortwave_radiation=[-1.0]))["ghi_w_m2"].sum() == 0.0


def test_the_run_of_two_days_before_was_known_two_days_before() -> None:
    document = reply(datetime(2026, 8, 20, 6, tzinfo=UTC), suffix="_previous_day2", shortwave_radiation=[0.0, 60.0])
    frame = open_meteo.parse_previous_runs(json.dumps(document).encode(), *PRAGUE, days_before=2)
    assert (frame["starts_at"] - frame["known_at"]).unique().to_list() == [timedelta(days=2)]
    with pytest.raises(MalformedWeather):
        open_meteo.parse(json.dumps(document).encode(), *PRAGUE, days_before=1)


def test_local_labels_use_the_one_offset_of_the_reply() -> None:
    """Recorded in Berlin time: its 00:00 of 2 March is 23:00 UTC, and that value covers the hour before."""
    if not RECORDED.exists():
        pytest.skip(f"recorded replies are not at {RECORDED}")
    frame = open_meteo.parse(RECORDED.read_bytes(), 50.0, 10.0)
    assert frame["starts_at"][0] == datetime(2026, 3, 1, 22, tzinfo=UTC)
    recorded = np.array(json.loads(RECORDED.read_text())["hourly"]["shortwave_radiation"])
    np.testing.assert_allclose(frame["ghi_w_m2"].to_numpy().reshape(-1, 4).mean(axis=1), recorded, atol=1e-9)
    assert frame["wind_m_s"].max() < 10, "the recording is in km/h"


def test_requests_ask_for_gmt_and_unix_seconds_and_tell_refusals_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def answer(url: str, params: dict[str, str]) -> bytes:
        asked.update(params, url=url)
        return b"{}"

    monkeypatch.setattr(http, "get", answer)
    monkeypatch.setenv("EMS_SOURCE_OPEN_METEO_URL", "http://127.0.0.1:1")
    open_meteo.fetch_forecast(*PRAGUE)
    assert asked["url"] == "http://127.0.0.1:1/v1/forecast"
    assert (asked["timezone"], asked["timeformat"], asked["wind_speed_unit"]) == ("GMT", "unixtime", "ms")

    def refuse(url: str, params: dict[str, str]) -> bytes:
        raise http.PermanentError(url, "HTTP 400", "check", 400, b'{"error":true,"reason":"no such model"}')

    monkeypatch.setattr(http, "get", refuse)
    with pytest.raises(RejectedWeatherRequest, match="no such model"):
        open_meteo.fetch_forecast(*PRAGUE)
