"""A trained model is watched first and forecasts only after two weeks of winning; what it said can be repeated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

import numpy as np
import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.forecast import band, load_model, profile, pv_geometry, pv_model
from ems_pipeline.sites import Site
from ems_pipeline.steps import azimuth, learning
from ems_pipeline.warehouse import Warehouse, forecasts, models, sites, telemetry
from ems_pipeline.warehouse.frames import copy_into
from ems_pipeline.weather import sun
from ems_pipeline_tests.copies import copy_of

START = datetime(2026, 4, 30, 22, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 60


@pytest.fixture(scope="module", autouse=True)
def small_models() -> Iterator[None]:
    """Who forecasts is the question here, not how well: that is asked of models as they are in `forecast/`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_model, "SEEDS", (1,))
        for model in (load_model, pv_model):
            patch.setattr(model, "MAX_ROWS", 6000)
        patch.setattr(band, "FOLDS", 2)
        patch.setattr(band, "ROUNDS", 40)
        yield


@pytest.fixture(scope="module")
def site(warehouse: Warehouse, home01: Site) -> Site:
    """Sixty days of load in a five-day shift and of PV whose south roof stands in the shade after noon."""
    generator = np.random.default_rng(5)
    starts = time_grid.slots(START, START + DAYS * DAY)
    day = np.arange(len(starts)) // 96
    hour = np.arange(len(starts)) % 96 / 4
    lively = np.arange(DAYS) % 5 < 3  # a shift worker: three evenings at home, two away, whatever the weekday
    load = (250 + 1200 * lively[day] * ((hour > 16) & (hour < 22))) * generator.lognormal(0, 0.3, len(starts))
    zenith, azimuth = sun.position(pl.Series(starts), home01.latitude, home01.longitude)
    ghi = sun.clear_sky_ghi(zenith) * generator.uniform(0.3, 1, DAYS)[day]
    dni, dhi = sun.decompose(ghi, zenith, sun.midpoints(starts))
    weather = pl.DataFrame(
        {
            "starts_at": starts,
            "temperature_c": np.full(len(starts), 15.0),
            "ghi_w_m2": ghi,
            "dni_w_m2": dni,
            "dhi_w_m2": dhi,
        }
    ).with_columns(cloud_pct=pl.lit(30.0), wind_m_s=pl.lit(2.0), source=pl.lit("test"))
    geometry = pv_geometry.site_pv_power_w(home01.pv, home01.latitude, home01.longitude, weather)["power_w"].to_numpy()
    pv = geometry * np.where(azimuth > 190, 0.6, 1.0)
    series = {("meter", "grid_power_w"): load - pv, ("inverter", "pv_power_w"): pv}
    live_in(warehouse, home01, starts, series, weather)
    return home01


def live_in(
    warehouse: Warehouse,
    site: Site,
    starts: list[datetime],
    series: dict[tuple[str, str], Any],
    weather: pl.DataFrame,
) -> None:
    """What the site measured, and the weather as it was issued at nine of the day before."""
    with warehouse.begin() as connection:
        sites.register(connection, [site], START)
        for (device, quantity), values in series.items():
            labels = {"site_key": site.key, "device_key": device, "quantity": quantity}
            frame = pl.DataFrame({"starts_at": starts, "mean_value": values, "last_value": values}).with_columns(
                samples=pl.lit(15), coverage_pct=pl.lit(100.0), **{k: pl.lit(v) for k, v in labels.items()}
            )
            copy_into(connection, "ems.telemetry_15m", frame)
        issued = weather.with_columns(known_at=pl.col("starts_at").dt.truncate("1d") - timedelta(hours=15))
        forecasts.issue(connection, "weather_forecast", site.key, issued)


def load_at(warehouse: Warehouse, site: Site, day: int, later: timedelta = timedelta(0)) -> pl.DataFrame:
    at = START + day * DAY + timedelta(hours=14)
    with warehouse.begin() as connection:
        bus = telemetry.site_15m(connection, site.key, at - timedelta(weeks=load_model.MEMORY_WEEKS), at)
        history = bus.select("starts_at", power_w="load_w").drop_nulls()
        return learning.load_forecast(connection, site, history, time_grid.slots(at, at + DAY), at, at + later)


def pv_at(warehouse: Warehouse, site: Site, day: int) -> pl.DataFrame:
    at = START + day * DAY + timedelta(hours=14)
    with warehouse.begin() as connection:
        weather = forecasts.newest(connection, "weather_forecast", [site.key], at, at + DAY // 2)
        planes = [
            pv_geometry.pv_forecast((plane,), site.latitude, site.longitude, weather).with_columns(
                asset_key=pl.lit(plane.key)
            )
            for plane in site.pv
        ]
        return learning.pv_forecast(connection, site, pl.concat(planes), weather, at, at)


def newest(warehouse: Warehouse, site: Site, target: models.Target, at: datetime) -> models.StoredModel:
    with warehouse.begin() as connection:
        stored = models.newest(connection, site.key, target, learning.TRAINED[target], at)
    assert stored is not None
    return stored


def test_the_profile_forecasts_until_the_shadow_has_won_fourteen_days(warehouse: Warehouse, site: Site) -> None:
    said = {day: load_at(warehouse, site, day)["model"][0] for day in (20, 30, 31, 37, 44, 51, 52)}
    assert said == {20: profile.MODEL, 30: profile.MODEL, 31: profile.MODEL, 37: profile.MODEL, 44: profile.MODEL,
                    51: load_model.MODEL, 52: load_model.MODEL}  # fmt: skip
    stored = newest(warehouse, site, "load", START + 53 * DAY)
    assert (stored.role, stored.trained_to) == ("live", START + 51 * DAY + timedelta(hours=14))
    assert newest(warehouse, site, "load", START + 36 * DAY).role == "shadow", "what was known then stays known"


def test_a_forecast_is_repeated_to_the_last_bit_and_without_a_refit_in_under_a_second(
    warehouse: Warehouse, site: Site
) -> None:
    one = load_at(warehouse, site, 52)
    began = time.process_time()
    other = load_at(warehouse, site, 52)
    assert one.equals(other)
    assert time.process_time() - began < 1.0


def test_pv_learns_the_shade_and_each_plane_keeps_its_share(warehouse: Warehouse, site: Site) -> None:
    for day in (30, 37, 44, 51):
        made = pv_at(warehouse, site, day)
    assert made["model"].unique().to_list() == [pv_model.MODEL]
    with warehouse.begin() as connection:
        weather = forecasts.newest(
            connection,
            "weather_forecast",
            [site.key],
            made["starts_at"].min(),
            made["starts_at"].max() + time_grid.SLOT,
        )
    plain = pv_geometry.site_pv_power_w(site.pv, site.latitude, site.longitude, weather)
    shaded = made.group_by("starts_at").agg(pl.col("power_w").sum()).sort("starts_at")
    afternoon = plain["power_w"] > 200
    assert (shaded["power_w"].filter(afternoon).sum() / plain["power_w"].filter(afternoon).sum()) == pytest.approx(
        0.6, abs=0.08
    )
    assert made.select(
        (pl.col("p10_w") <= pl.col("power_w")).all() & (pl.col("power_w") <= pl.col("p90_w")).all()
    ).item()


def test_a_backfill_trains_nothing_and_imported_history_is_a_trial(warehouse: Warehouse, site: Site) -> None:
    """A model of sixteen days ago, tried on the fortnight since, is a fortnight of winning."""
    with warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.forecast_model")
        connection.exec_driver_sql("DELETE FROM ems.forecast_score")
    assert load_at(warehouse, site, 58, later=30 * DAY)["model"][0] == profile.MODEL
    with warehouse.begin() as connection:
        assert models.newest(connection, site.key, "load", load_model.MODEL, START + 100 * DAY) is None
    assert load_at(warehouse, site, 58)["model"][0] == load_model.MODEL


def test_the_load_of_a_heated_house_follows_the_newest_issue_of_the_weather(warehouse: Warehouse, home01: Site) -> None:
    """150 W per kelvin below 15 degrees: ten degrees colder tomorrow is 1.5 kW more, once somebody says so."""
    heated, generator = copy_of(home01, "heated", pv=()), np.random.default_rng(7)
    starts = time_grid.slots(START, START + DAYS * DAY)
    daily = 6 + np.convolve(generator.normal(0, 3, DAYS + 2), np.ones(3) / 3**0.5, "valid")
    temperature = np.repeat(daily, 96)
    load = (300 + 150 * np.maximum(0, 15 - temperature)) * generator.lognormal(0, 0.1, len(starts))
    weather = pl.DataFrame({"starts_at": starts, "temperature_c": temperature}).with_columns(
        **{name: pl.lit(0.0) for name in ("ghi_w_m2", "dni_w_m2", "dhi_w_m2")},
        cloud_pct=pl.lit(90.0), wind_m_s=pl.lit(2.0), source=pl.lit("test"),
    )  # fmt: skip
    live_in(warehouse, heated, starts, {("meter", "grid_power_w"): load}, weather)
    mild = load_at(warehouse, heated, 50)
    at = START + 50 * DAY + timedelta(hours=14)
    with warehouse.begin() as connection:
        colder = weather.filter(pl.col("starts_at") >= at).with_columns(temperature_c=pl.col("temperature_c") - 10)
        forecasts.issue(connection, "weather_forecast", heated.key, colder, at)
    cold = load_at(warehouse, heated, 50)
    assert mild["model"][0] == cold["model"][0] == load_model.MODEL
    evening = slice(40, 96)  # the mean over 24 hours has noticed by then
    assert cold["power_w"][evening].mean() - mild["power_w"][evening].mean() > 250


def test_a_trial_reads_the_weather_known_at_noon_of_the_day_before(warehouse: Warehouse, home01: Site) -> None:
    """Issues of 11:59 and 12:01 (site clock): the slots of the next day see the first, on the short day, too."""
    site, zone = copy_of(home01, "on-trial"), time_grid.zone(home01.timezone)
    day = date(2026, 3, 29)
    start, end = time_grid.day_bounds(day, zone)
    noon = time_grid.local_instant(day - timedelta(days=1), clock_time(12), zone)
    starts = time_grid.slots(start, end)
    frame = pl.DataFrame({"starts_at": starts}).with_columns(
        **{name: pl.lit(0.0) for name in ("ghi_w_m2", "dni_w_m2", "dhi_w_m2", "cloud_pct", "wind_m_s")},
        source=pl.lit("test"),
    )
    with warehouse.begin() as connection:
        sites.register(connection, [site], START)
        for minutes in (-1, 1):
            issued = frame.with_columns(temperature_c=pl.lit(float(minutes)))
            forecasts.issue(connection, "weather_forecast", site.key, issued, noon + timedelta(minutes=minutes))
        seen = models.weather_as_forecast(connection, site.key, start, end, site.timezone)
        half_a_day = models.weather_as_forecast(connection, site.key, start, end)
    assert seen["temperature_c"].to_list() == [-1.0] * 92
    assert half_a_day["temperature_c"].to_list()[:2] == [-1.0, 1.0]


def test_each_weekly_refit_compares_the_stated_azimuth_with_what_was_measured(
    warehouse: Warehouse, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[datetime] = []
    monkeypatch.setattr(azimuth, "watch", lambda _connection, _site, at: looked.append(at))
    for day in (58, 59):
        pv_at(warehouse, site, day)
    assert looked == [START + 58 * DAY + timedelta(hours=14)]


def once(train: Callable[[Any, int], Any]) -> Callable[[Any, int], Any]:
    made: list[Any] = []

    def first(grid: Any, end: int) -> Any:
        if not made:
            made.append(train(grid, end))
        return made[0]

    return first


def test_both_trials_read_the_weather_of_noon_and_both_trainings_do_not(
    warehouse: Warehouse, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    read = models.weather_as_forecast

    def noted(*given: Any) -> pl.DataFrame:
        asked.append(given[4])
        return read(*given)

    monkeypatch.setattr(models, "weather_as_forecast", noted)
    for model in (load_model, pv_model):  # what is learned is not looked at: once for a trial and a training
        monkeypatch.setattr(model, "train", once(model.train))
    for made in (load_at, pv_at):
        with warehouse.begin() as connection:
            connection.exec_driver_sql("DELETE FROM ems.forecast_model")
        asked.clear()
        made(warehouse, site, 58)
        assert asked[:2] == [None, site.timezone]
