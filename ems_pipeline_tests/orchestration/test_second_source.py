"""While our own weather is missing or old, PV comes from the second source; nobody asks it otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from ems_pipeline import settings, time_grid
from ems_pipeline.forecast import pv_geometry, pv_second
from ems_pipeline.orchestration import requests, schedules
from ems_pipeline.orchestration.machinery.in_process import InProcess, RunFailed, Step
from ems_pipeline.sites import Site
from ems_pipeline.steps import second_source
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import alarms, forecasts
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.weather import forecast_solar, open_meteo
from ems_pipeline.weather.errors import MalformedWeather
from ems_pipeline_tests.copies import copy_of
from ems_pipeline_tests.orchestration.conftest import PRAGUE, TODAY, Bench
from ems_pipeline_tests.servers import free_ports

pytestmark = pytest.mark.slow
ONE_DAY = timedelta(days=1)
START, END = time_grid.day_bounds(TODAY, PRAGUE)[0], time_grid.day_bounds(TODAY + ONE_DAY, PRAGUE)[1]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys of the planes the second source is asked for."""
    planes: list[str] = []
    fetch = forecast_solar.fetch

    def noted(array: Any, latitude: float, longitude: float) -> bytes:
        planes.append(array.key)
        if array.key == "refused":
            return b'{"result": null, "message": {"code": 422, "type": "error", "text": "invalid plane"}}'
        return fetch(array, latitude, longitude)

    monkeypatch.setattr(forecast_solar, "fetch", noted)
    monkeypatch.setattr("ems_pipeline.http.time.sleep", lambda _: None)
    return planes


@pytest.fixture
def unreachable() -> str:
    return f"http://127.0.0.1:{free_ports(1)[0]}"


def requested(bench: Bench) -> list[dg.RunRequest]:
    with dg.build_schedule_context(
        instance=bench.runs.instance, scheduled_execution_time=bench.clock.now(), resources={"ems": bench.runs.platform}
    ) as context:
        return list(schedules.pv_without_weather.evaluate_tick(context).run_requests or [])


def made(bench: Bench) -> pl.DataFrame:
    """PV as known now, of the slots that lie ahead."""
    with bench.warehouse.begin() as connection:
        found = forecasts.newest(connection, "pv_forecast", [bench.site.key], START, END, bench.clock.now())
    return found.filter(pl.col("starts_at") >= time_grid.floor_slot(bench.clock.now()))


def models(bench: Bench) -> set[str]:
    return set(made(bench)["model"])


def weather(bench: Bench) -> None:
    bench.runs.asset(Step("weather_forecast", TODAY, TODAY + ONE_DAY, bench.site.key))


def pv(bench: Bench) -> None:
    bench.runs.asset(Step("pv_forecast", TODAY, TODAY + ONE_DAY, bench.site.key))


def no_pv(bench: Bench) -> Site:
    return copy_of(bench.site, "z-bare", pv=())


def alarm(bench: Bench, kind: str) -> dict[str, str]:
    """Texts of the open alarms of a kind, by site."""
    with bench.warehouse.begin() as connection:
        found = alarms.open_alarms(connection).filter(pl.col("kind") == kind)
    return dict(found.select("site_key", "text").iter_rows())


@contextmanager
def registered(bench: Bench, others: list[Site]) -> Iterator[list[Site]]:
    """Further sites of the same installation, for a while."""
    sites = [bench.site, *others]
    with bench.warehouse.begin() as connection:
        registry.register(connection, sites, bench.clock.now())
        for site in others:
            registry.set_active(connection, site.key, is_active=True)
    bench.runs.register([site.key for site in others])
    yield sites
    with bench.warehouse.begin() as connection:
        for site in others:
            registry.set_active(connection, site.key, is_active=False)


def test_without_both_sources_nothing_is_made_and_the_second_is_asked_once(
    bench: Bench, asked: list[str], unreachable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_SOURCE_FORECAST_SOLAR_URL", unreachable)
    with pytest.raises(RunFailed, match=r"known for 0 of 96 slots .* materialise weather_forecast"):
        pv(bench)
    assert made(bench).is_empty()
    assert asked == ["roof-south"], "a source that fails is not asked again for another plane or day"


def test_without_weather_the_schedule_asks_and_both_days_are_whole(bench: Bench, asked: list[str]) -> None:
    (request,) = requested(bench)
    bench.runs.job(request)
    planes = made(bench)
    assert models(bench) == {pv_second.MODEL}
    assert requested(bench) == [], "served within the hour"
    assert planes.height == time_grid.count_slots(START, END) * len(bench.site.pv)
    assert asked == [array.key for array in bench.site.pv], "one reply tells of today and tomorrow"
    night = pl.col("starts_at").dt.convert_time_zone("Europe/Prague").dt.hour().is_in([22, 23, 0, 1, 2, 3])
    assert planes.filter(night)["power_w"].max() == 0
    assert (planes["p10_w"] <= planes["power_w"]).all()


def test_weather_that_came_back_takes_over_and_is_left_alone(bench: Bench, asked: list[str]) -> None:
    bench.clock.advance_to(START + timedelta(minutes=30))
    weather(bench)
    pv(bench)
    assert models(bench) == {pv_geometry.MODEL}
    assert requested(bench) == []
    assert asked == []


def test_both_sources_tell_nearly_the_same_of_the_same_sky(bench: Bench) -> None:
    """An estimate of hourly energies against the geometry on quarter-hours: one sky, one roof, other hours of issue."""
    ours = made(bench)["power_w"].sum()
    (south, west) = bench.site.pv
    told = [
        forecast_solar.parse(forecast_solar.fetch(p, bench.site.latitude, bench.site.longitude)) for p in (south, west)
    ]
    theirs = sum(t.filter(pl.col("starts_at").is_between(START, END, closed="left"))["power_w"].sum() for t in told)
    assert theirs == pytest.approx(ours, rel=0.25)


def test_a_newer_issue_with_a_hole_is_not_taken_for_the_older_one_without(bench: Bench) -> None:
    now, noon = bench.clock.now(), START + timedelta(hours=12)
    with bench.warehouse.begin() as connection:
        whole = forecasts.newest(connection, "weather_forecast", [bench.site.key], noon, noon + time_grid.SLOT, now)
        holed = whole.drop("known_at").with_columns(ghi_w_m2=pl.lit(None, dtype=pl.Float64))
        known = [forecasts.young_weather(connection, [bench.site.key, "nobody"], noon, noon + time_grid.SLOT, START)]
        forecasts.issue(connection, "weather_forecast", bench.site.key, holed, now + timedelta(seconds=1))
        known.append(forecasts.young_weather(connection, [bench.site.key], noon, noon + time_grid.SLOT, START))
        forecasts.issue(
            connection, "weather_forecast", bench.site.key, whole.drop("known_at"), now + timedelta(seconds=1)
        )
    assert known == [{bench.site.key: 1, "nobody": 0}, {bench.site.key: 0}]


def test_weather_serves_for_twelve_hours_and_no_longer(
    bench: Bench, asked: list[str], unreachable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_SOURCE_OPEN_METEO_URL", unreachable)
    issued = START + timedelta(minutes=30)
    bench.clock.advance_to(issued + second_source.OLD)
    assert requested(bench) == []
    pv(bench)
    assert (models(bench), asked) == ({pv_geometry.MODEL}, [])
    bench.clock.advance_to(issued + second_source.OLD + timedelta(minutes=1))
    with monkeypatch.context() as patched:
        patched.setenv(settings.PV_SECOND_SOURCE.name, "none")
        assert requested(bench) == []
        pv(bench)
        assert (models(bench), asked) == ({pv_geometry.MODEL}, [])
    bench.clock.advance_to(bench.clock.now() + timedelta(minutes=1))
    for request in requested(bench):
        bench.runs.job(request)
    assert models(bench) == {pv_second.MODEL}


def test_old_weather_is_better_than_none_when_the_second_source_fails(
    bench: Bench, asked: list[str], unreachable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_SOURCE_FORECAST_SOLAR_URL", unreachable)
    bench.clock.advance_to(bench.clock.now() + timedelta(minutes=30))
    pv(bench)
    assert models(bench) == {pv_geometry.MODEL}
    assert asked == ["roof-south"]


def test_a_plane_that_the_source_refuses_costs_no_other_site_its_pv(
    bench: Bench, asked: list[str], unreachable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first in order has a plane nobody estimates, which is its alarm; the last has no PV at all."""
    monkeypatch.setenv("EMS_SOURCE_OPEN_METEO_URL", unreachable)
    plane = bench.site.pv[0].model_copy(update={"key": "refused"})
    others = [copy_of(bench.site, "a-steep", pv=(plane,)), no_pv(bench)]
    bench.clock.advance_to(bench.clock.now() + timedelta(minutes=30))
    with registered(bench, others) as sites:
        platform = Platform(bench.warehouse, bench.clock, lambda: sites)
        runs = InProcess(platform, bench.runs.instance)
        (request,) = requests.for_sites(
            runs.instance, "forecast_pv", sites, lambda _: (TODAY, TODAY + ONE_DAY), "all three"
        )
        runs.job(request)
    assert "weather of a-steep" in alarm(bench, "unforecast:pv_forecast")["a-steep"]
    assert models(bench) == {pv_second.MODEL}


def test_weather_that_cannot_be_used_at_one_place_costs_no_other_site_its_weather(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = copy_of(bench.site, "a-far", latitude=10.0)
    parse = open_meteo.parse

    def refused(body: bytes, latitude: float, longitude: float) -> pl.DataFrame:
        if latitude == elsewhere.latitude:
            raise MalformedWeather("no value of temperature_2m")
        return parse(body, latitude, longitude)

    monkeypatch.setattr(open_meteo, "parse", refused)
    bench.clock.advance_to(bench.clock.now() + timedelta(minutes=30))
    with registered(bench, [elsewhere]) as sites:
        runs = InProcess(Platform(bench.warehouse, bench.clock, lambda: sites), bench.runs.instance)
        days = TODAY, TODAY + ONE_DAY
        (request,) = requests.for_sites(runs.instance, "forecast", sites, lambda _: days, "both")
        runs.job(request)
    assert alarm(bench, "no-weather") == {"a-far": "no value of temperature_2m; ask again or use another source"}
    with bench.warehouse.begin() as connection:
        known = forecasts.newest(connection, "weather_forecast", [bench.site.key], bench.clock.now(), END)
    assert known["known_at"].max() == bench.clock.now()
    assert models(bench) == {pv_geometry.MODEL}, "and what is forecast from it is made in the same run"
    monkeypatch.setattr(open_meteo, "parse", parse)
    with registered(bench, [elsewhere]):
        runs.job(request)
    assert alarm(bench, "no-weather") == {}
    assert "a-far" not in alarm(bench, "unforecast:pv_forecast")


def test_an_installation_without_pv_has_nothing_to_forecast_and_no_failure(bench: Bench, asked: list[str]) -> None:
    with registered(bench, [no_pv(bench)]):
        bench.runs.asset(Step("pv_forecast", TODAY, TODAY, "z-bare"))
    assert asked == []


def test_a_day_of_the_past_asks_nobody(bench: Bench, asked: list[str]) -> None:
    with pytest.raises(RunFailed, match="materialise weather_forecast"):
        bench.runs.asset(Step("pv_forecast", TODAY - ONE_DAY, TODAY - ONE_DAY, bench.site.key))
    assert asked == []


def test_a_setting_nobody_knows_is_refused_with_what_may_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.PV_SECOND_SOURCE.name, "solcast")
    with pytest.raises(ValueError, match="'solcast'; write forecast-solar or none"):
        second_source.is_wanted()
