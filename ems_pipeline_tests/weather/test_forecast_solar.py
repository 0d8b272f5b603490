"""forecast.solar: energies between irregular stamps become powers of quarter-hours without losing a watt-hour."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ems_pipeline import http
from ems_pipeline.sites import PvArray
from ems_pipeline.units import slot_energy_wh
from ems_pipeline.weather import forecast_solar
from ems_pipeline.weather.errors import MalformedWeather, RejectedWeatherRequest

PERIODS = {
    "2026-08-20T04:05:12+00:00": 0,
    "2026-08-20T05:00:00+00:00": 142,
    "2026-08-20T06:00:00+00:00": 665,
    "2026-08-20T18:40:40+00:00": 20,
    "2026-08-21T04:06:40+00:00": 0,
    "2026-08-21T05:00:00+00:00": 150,
}


def body(periods: dict[str, Any], code: int = 0, text: str = "") -> bytes:
    return json.dumps({"result": {"watt_hours_period": periods}, "message": {"code": code, "text": text}}).encode()


def test_energy_is_kept_and_lies_in_its_period() -> None:
    """142 + 665 + 150 Wh; the 20 Wh stamped 18:40 after a hole of 12 h cannot be placed and are left out."""
    frame = forecast_solar.parse(body(PERIODS))
    assert slot_energy_wh(frame["power_w"].sum()) == pytest.approx(142 + 665 + 150)
    assert frame["starts_at"][0] == datetime(2026, 8, 20, 4, 0, tzinfo=UTC)
    by_slot = dict(frame.iter_rows())
    assert by_slot[datetime(2026, 8, 20, 5, 30, tzinfo=UTC)] == pytest.approx(665)


def test_refusals_and_broken_replies_are_told_apart() -> None:
    with pytest.raises(RejectedWeatherRequest, match="Rate limit"):
        forecast_solar.parse(body(PERIODS, 429, "Rate limit for API calls reached."))
    for broken in (b"<html>", b"[]", body({}), body({"2026-08-20 06:00:00": 0, "2026-08-20 07:00:00": 1})):
        with pytest.raises(MalformedWeather):
            forecast_solar.parse(broken)


def test_azimuth_is_turned_from_north_based_to_south_based(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(http, "get", lambda url, params: asked.append((url, params)) or b"{}")
    east = PvArray(key="east", peak_power_w=5400, tilt_deg=35, azimuth_deg=90)
    forecast_solar.fetch(east, 50.08, 14.42)
    assert asked == [("https://api.forecast.solar/estimate/50.0800/14.4200/35/-90/5.4", {"time": "utc"})]


@pytest.mark.parametrize("impossible", [-5.0, float("nan"), float("inf"), 1e12])
def test_an_impossible_energy_is_a_period_nobody_knows_and_costs_no_other(impossible: float) -> None:
    hours = {f"2026-08-20T{hour:02}:00:00+00:00": float(wh) for hour, wh in ((8, 0), (9, 400), (10, 800), (11, 1200))}
    good = forecast_solar.parse(body(hours))
    spoilt = forecast_solar.parse(body(hours | {"2026-08-20T10:00:00+00:00": impossible}))
    assert spoilt["power_w"].to_list() == pytest.approx([400.0] * 4 + [1200.0] * 4)
    assert spoilt.join(good, on=["starts_at", "power_w"]).height == 8
