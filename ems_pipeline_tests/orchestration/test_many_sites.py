"""Many sites in one run: one that cannot be planned keeps no other from its plan."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ems_pipeline.orchestration import requests
from ems_pipeline.orchestration.machinery.in_process import InProcess, RunFailed
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import alarms
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.copies import copy_of
from ems_pipeline_tests.orchestration.conftest import TODAY, Bench


@pytest.fixture
def twin(filled: Bench) -> Iterator[Site]:
    """A second site, of which nothing is known; registered before the first by its key."""
    twin = copy_of(filled.site, "a-twin")
    with filled.warehouse.begin() as connection:
        registry.register(connection, [filled.site, twin], filled.clock.now())
    filled.runs.register([twin.key])
    yield twin
    with filled.warehouse.begin() as connection:
        registry.set_active(connection, twin.key, is_active=False)


def plan(bench: Bench, sites: list[Site], stamp: str) -> None:
    runs = InProcess(Platform(bench.warehouse, bench.clock, lambda: sites), bench.runs.instance)
    for request in requests.for_sites(runs.instance, "plan_rolling", sites, lambda _: (TODAY, TODAY), stamp):
        runs.job(request)


def planned(bench: Bench) -> list[str]:
    with bench.warehouse.begin() as connection:
        return query(connection, "SELECT DISTINCT site_key FROM ems.planning_run WHERE kind = 'rolling'")[
            "site_key"
        ].to_list()


def test_a_site_that_cannot_be_planned_is_an_alarm_and_the_others_have_their_plans(filled: Bench, twin: Site) -> None:
    plan(filled, [filled.site, twin], "both")
    assert planned(filled) == [filled.site.key]
    with filled.warehouse.begin() as connection:
        (alarm,) = [a for a in alarms.open_alarms(connection).iter_rows(named=True) if a["kind"] == "unplanned"]
    assert alarm["site_key"] == twin.key
    assert "effective_price of a-twin is not known" in alarm["text"]
    with pytest.raises(RunFailed, match="effective_price of a-twin is not known"):
        plan(filled, [twin], "alone")
