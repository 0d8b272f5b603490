"""The document twins through the real parsers, on the plant's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.forecast.pv_geometry import pv_power_w
from ems_pipeline.market import cnb, fx, sources
from ems_pipeline.market.document import MARKET_TIMEZONE, NotYetPublished
from ems_pipeline.market.settings import SourceSettings
from ems_pipeline.plant.documents import Documents, environ
from ems_pipeline.plant.market import Exchange
from ems_pipeline.plant.sky import Sky
from ems_pipeline.plant.web_server import serving_http
from ems_pipeline.sites import PvArray
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.units import slot_energy_wh
from ems_pipeline.weather import forecast_solar, open_meteo
from ems_pipeline.weather.errors import RejectedWeatherRequest

PLACE = (50.08, 14.42)
SKY = Sky(3, *PLACE)
EXCHANGE = Exchange(3, SKY)


@pytest.fixture(scope="module")
def clock() -> SimulatedClock:
    return SimulatedClock(datetime(2026, 6, 10, 9, 0, tzinfo=UTC))


@pytest.fixture(scope="module")
def variables(clock: SimulatedClock) -> Iterator[dict[str, str]]:
    documents = Documents(EXCHANGE, SKY, clock)
    with serving_http("127.0.0.1", 0, documents.answer) as port:
        yield environ(f"http://127.0.0.1:{port}")


@pytest.fixture
def settings(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> SourceSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return SourceSettings.from_environ(variables)


@pytest.mark.parametrize("name", ["ote", "ote-chart", "entsoe", "energy-charts"])
@pytest.mark.parametrize(
    ("day", "count"), [(date(2026, 6, 10), 96), (date(2026, 3, 29), 92), (date(2025, 10, 26), 100)]
)
def test_all_price_sources_tell_the_same_prices(
    name: str, day: date, count: int, settings: SourceSettings, clock: SimulatedClock
) -> None:
    source = sources.SOURCES[name]
    document = source.parse(source.fetch(day, "CZ", settings), day, "CZ")
    assert document.prices["price_per_mwh"].to_list() == EXCHANGE.prices(day)
    assert document.prices.height == count


def test_before_the_quarter_hour_market_prices_are_hourly(settings: SourceSettings) -> None:
    day = date(2025, 9, 30)
    found = sources.SOURCES["ote"].parse(sources.SOURCES["ote"].fetch(day, "CZ", settings), day, "CZ").prices
    assert set(found["resolution_min"]) == {60}
    assert found["price_per_mwh"][0] == pytest.approx(sum(EXCHANGE.prices(day)[:4]) / 4, abs=0.005)


def test_tomorrow_appears_at_1257_local(clock: SimulatedClock) -> None:
    day = date(2026, 6, 11)
    results_at = datetime(2026, 6, 10, 10, 57, tzinfo=UTC)  # 12:57 summer time
    assert EXCHANGE.published(day, results_at - timedelta(seconds=1)) is None
    assert EXCHANGE.published(day, results_at) == EXCHANGE.prices(day)


def test_no_source_knows_tomorrow_before_the_auction(settings: SourceSettings, clock: SimulatedClock) -> None:
    with pytest.raises(NotYetPublished, match="not published yet"):
        sources.import_day("CZ", date(2026, 6, 11), clock.now(), settings)


def test_a_year_of_prices_looks_like_central_europe() -> None:
    days = time_grid.days(date(2025, 7, 1), date(2026, 6, 30))
    prices = pl.concat(
        [
            pl.DataFrame({"starts_at": time_grid.day_slots(d, MARKET_TIMEZONE), "p": EXCHANGE.prices(d)})
            for d in days[::6]
        ]
    ).with_columns(hour=pl.col("starts_at").dt.convert_time_zone("Europe/Prague").dt.hour())
    by_hour = dict(prices.group_by("hour").agg(pl.col("p").mean()).iter_rows())
    assert 70 < prices["p"].mean() < 120
    assert by_hour[19] > 1.5 * by_hour[13]
    negative = (prices["p"] < 0).mean()
    assert 0.005 < negative < 0.12


def test_the_bank_answers_a_weekend_with_fridays_list(settings: SourceSettings) -> None:
    rates = cnb.read(date(2026, 6, 7), settings)
    assert rates.valid_for == date(2026, 6, 5)
    assert 23 < rates.rate("EUR", "CZK") < 26


def test_todays_rate_is_yesterdays_until_half_past_two(settings: SourceSettings, clock: SimulatedClock) -> None:
    assert cnb.read(date(2026, 6, 10), settings).valid_for == date(2026, 6, 9)
    frame = fx.import_rates(date(2026, 6, 10), date(2026, 6, 11), clock.now(), settings)
    assert frame["is_provisional"].all()


def test_a_forecast_is_the_truth_plus_an_error_that_grows_with_lead_time(
    settings: SourceSettings, clock: SimulatedClock
) -> None:
    found = open_meteo.parse(open_meteo.fetch_forecast(*PLACE, days=4), *PLACE)
    assert found.height == 96 * 5
    truth = SKY.weather(found["starts_at"][0], found["starts_at"][-1] + time_grid.SLOT)
    error = (found["temperature_c"] - truth["temperature_c"]).abs()
    past = found["starts_at"] < clock.now() - timedelta(hours=6)
    assert error.filter(past).max() < 0.1
    assert error.tail(96).max() > 0.5


def test_the_archive_is_the_truth_and_lags_two_days(settings: SourceSettings, clock: SimulatedClock) -> None:
    body = open_meteo.fetch_archive(*PLACE, date(2026, 6, 5), date(2026, 6, 10))
    found = open_meteo.parse(body, *PLACE)
    truth = SKY.weather(found["starts_at"][0], found["starts_at"][-1] + time_grid.SLOT)
    assert found["starts_at"][-1] + time_grid.SLOT == clock.now() - timedelta(days=2)
    hourly = pl.col("starts_at").dt.truncate("1h")
    means = [f.group_by(hourly, maintain_order=True).agg(pl.col("ghi_w_m2").mean()) for f in (found, truth)]
    assert (means[0]["ghi_w_m2"] - means[1]["ghi_w_m2"]).abs().max() < 0.01


def test_a_run_of_two_days_before_knows_less_than_one_of_the_day_before(settings: SourceSettings) -> None:
    first, last = date(2026, 5, 20), date(2026, 6, 8)
    errors = []
    for days_before in (1, 2):
        body = open_meteo.fetch_previous_runs(*PLACE, first, last, days_before)
        found = open_meteo.parse_previous_runs(body, *PLACE, days_before)
        truth = SKY.weather(found["starts_at"][0], found["starts_at"][-1] + time_grid.SLOT)
        errors.append((found["temperature_c"] - truth["temperature_c"]).std())
    assert 0.4 < errors[0] < errors[1] < 3


def test_one_weather_service_serves_sites_elsewhere(settings: SourceSettings, clock: SimulatedClock) -> None:
    place = (38.7, -9.1)
    found = open_meteo.parse(open_meteo.fetch_archive(*place, date(2026, 6, 5), date(2026, 6, 7)), *place)
    truth = Sky(SKY.seed, *place).weather(found["starts_at"][0], found["starts_at"][-1] + time_grid.SLOT)
    after_first_hour = (found["temperature_c"] - truth["temperature_c"]).tail(-4)
    assert after_first_hour.abs().max() < 0.1
    here = SKY.weather(found["starts_at"][0], found["starts_at"][-1] + time_grid.SLOT)
    assert (found["ghi_w_m2"] - here["ghi_w_m2"]).abs().max() > 50


def test_a_request_that_does_not_fit_is_refused_with_the_reason(clock: SimulatedClock) -> None:
    documents = Documents(EXCHANGE, SKY, clock)
    status, body = documents.answer("/archive/v1/archive", {"start_date": "soon", "end_date": "later"}, b"")
    assert status == 400
    with pytest.raises(RejectedWeatherRequest, match="not understood"):
        open_meteo.parse(body, *PLACE)
    assert documents.answer("/ote", {}, b"<no envelope>")[0] == 400
    assert documents.answer("/somewhere", {}, b"")[0] == 404


def test_the_second_source_of_pv_keeps_the_energy_of_the_planes_geometry(
    settings: SourceSettings, clock: SimulatedClock
) -> None:
    """Whole watt-hours between irregular stamps, today and tomorrow, through the real parser."""
    plane = PvArray(key="west", peak_power_w=4000, tilt_deg=30, azimuth_deg=250)
    found = forecast_solar.parse(forecast_solar.fetch(plane, *PLACE))
    starts = found["starts_at"].to_list()
    assert [at.astimezone(MARKET_TIMEZONE).day for at in (starts[0], starts[-1])] == [10, 11]
    leads_h = np.array([(at - clock.now()) / timedelta(hours=1) for at in starts])
    expected = pv_power_w(plane, *PLACE, SKY.weather_ahead(starts, leads_h))["power_w"]
    assert slot_energy_wh(found["power_w"].sum()) == pytest.approx(slot_energy_wh(expected.sum()), abs=len(starts))


def test_a_plane_that_is_none_is_refused_in_the_words_of_the_source(settings: SourceSettings) -> None:
    steep = PvArray.model_construct(key="steep", peak_power_w=4000, tilt_deg=120, azimuth_deg=180)
    with pytest.raises(RejectedWeatherRequest, match="refused the plane: invalid plane"):
        forecast_solar.parse(forecast_solar.fetch(steep, *PLACE))
