"""Ranges of partitions pass over sites nobody asked for: none of them is drawn in, and none costs the others a run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from ems_pipeline import time_grid
from ems_pipeline.orchestration import requests
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.copies import copy_of

EVENING = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
"""Half past midnight of the second in Prague, still the first in California."""
KEYS = ["west", "alpha", "sunny", "beta", "gamma"]
"""In the order of registration."""


@pytest.fixture
def sites(home01: Site) -> list[Site]:
    zones = {"sunny": "America/Los_Angeles"}
    return [copy_of(home01, key, timezone=zones.get(key, "Europe/Prague")) for key in KEYS]


@pytest.fixture
def platform(sites: list[Site], warehouse: Warehouse) -> Iterator[Platform]:
    with warehouse.begin() as connection:
        registry.register(connection, sites, EVENING)
        for site in sites:
            registry.set_active(connection, site.key, is_active=True)
    yield Platform(warehouse, SimulatedClock(EVENING), lambda: sites)
    with warehouse.begin() as connection:
        for site in sites:
            registry.set_active(connection, site.key, is_active=False)


@pytest.fixture
def instance(sites: list[Site]) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("site", KEYS)
        yield instance


def today(site: Site) -> tuple[date, date]:
    day = time_grid.local_day(EVENING, time_grid.zone(site.timezone))
    return day, day


def made(instance: dg.DagsterInstance, platform: Platform, asked: list[dg.RunRequest]) -> list[tuple[str, date]]:
    """Sites and days that the runs work on, each run a materialisation of an asset that only looks."""
    found: list[tuple[str, date]] = []

    @dg.asset(partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run())
    def look(context) -> None:  # an annotation would be a string here, which Dagster refuses
        found.extend((window.site.key, window.first) for window in windows(context, platform))

    for request in asked:
        assert dg.materialize([look], instance=instance, tags=dict(request.tags)).success
    return sorted(found)


def test_a_site_of_another_day_is_not_drawn_into_the_range_of_its_neighbours(
    instance: dg.DagsterInstance, platform: Platform, sites: list[Site]
) -> None:
    asked = list(requests.for_sites(instance, "forecast", sites, today, "x"))
    expected = sorted((site.key, today(site)[0]) for site in sites)
    assert made(instance, platform, asked) == expected
    assert len({request.run_key for request in asked}) == len(asked) == 2, "one run per pair of days, however sites mix"


def test_sites_that_need_nothing_are_not_drawn_in_between_those_that_do(
    instance: dg.DagsterInstance, platform: Platform, sites: list[Site]
) -> None:
    some = [site for site in sites if site.key in ("west", "gamma")]
    asked = list(requests.for_sites(instance, "forecast_pv", some, today, "x", active=sites))
    assert [key for key, _ in made(instance, platform, asked)] == ["gamma", "west"]


def test_a_site_switched_off_costs_the_others_nothing(
    instance: dg.DagsterInstance, platform: Platform, warehouse: Warehouse
) -> None:
    with warehouse.begin() as connection:
        registry.set_active(connection, "sunny", is_active=False)
    (request,) = requests.for_sites(instance, "forecast", platform.sites(), today, "x")
    assert [key for key, _ in made(instance, platform, [request])] == ["alpha", "beta", "gamma", "west"]


def test_a_run_for_nobody_but_a_site_switched_off_says_so(
    instance: dg.DagsterInstance, platform: Platform, warehouse: Warehouse, sites: list[Site]
) -> None:
    with warehouse.begin() as connection:
        registry.set_active(connection, "sunny", is_active=False)
    asked = list(requests.for_sites(instance, "forecast", sites[2:3], today, "x"))
    with pytest.raises(LookupError, match="'sunny' is not active"):
        made(instance, platform, asked)
    with warehouse.begin() as connection:
        registry.set_active(connection, "alpha", is_active=False)
    asked = list(requests.for_sites(instance, "forecast", sites[1:3], lambda _: today(sites[0]), "x"))
    with pytest.raises(LookupError, match="'alpha' is not active"):
        made(instance, platform, asked)
