"""Shards part the sites: each is served by one of them, by the same one everywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from ems_pipeline.orchestration import requests
from ems_pipeline.orchestration.beats import Served
from ems_pipeline.orchestration.installation import cadence
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.sites import Site
from ems_pipeline.steps import shards
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.shards import Shard
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.copies import copy_of

DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEYS = [f"home{i:03}" for i in range(300)]


@pytest.fixture
def sites(home01: Site) -> list[Site]:
    return [copy_of(home01, key) for key in KEYS[:9]]


@pytest.fixture
def instance(sites: list[Site]) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("site", [site.key for site in sites])
        yield instance


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_every_site_belongs_to_one_shard_and_none_is_left_without(of: int) -> None:
    parts = [Shard(number, of) for number in range(of)]
    assert {sum(part.holds(key) for part in parts) for key in KEYS} == {1}
    sizes = Counter(part.number for part in parts for key in KEYS if part.holds(key))
    assert min(sizes.values()) > len(KEYS) / of / 2, "one shard would do most of the work"


def test_a_shard_is_the_same_on_every_machine() -> None:
    """CRC-32 of "123456789" is cbf43926 (ITU-T V.42), an even number."""
    assert Shard(0, 2).holds("123456789")


@pytest.mark.parametrize("text", ["0", "-1", "two", "", "1001", "9" * 5000, "٣"])
def test_a_number_of_shards_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_SHARDS", text)
    with pytest.raises(ValueError, match=f"EMS_SHARDS is '{text}'; write"):
        shards.all_shards()


def test_one_shard_asks_as_if_there_were_none(sites: list[Site]) -> None:
    (request,) = requests.for_slot("apply_control", Served("20260301T1200Z"), lambda: sites)
    assert request.run_key == "apply_control-20260301T1200Z"
    assert request.tags == {"ems/slot": "20260301T1200Z"}


def test_a_slot_is_asked_for_once_per_shard_through_its_own_queue(
    sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_SHARDS", "3")
    asked = list(requests.for_slot("apply_control", Served("20260301T1200Z"), lambda: sites))
    assert [request.tags["ems/shard"] for request in asked] == ["0/3", "1/3", "2/3"]
    assert [request.tags["dagster-celery/queue"] for request in asked] == ["ems-0", "ems-1", "ems-2"]
    assert len({request.run_key for request in asked}) == 3
    alone = list(requests.for_slot("apply_control", Served("20260301T1200Z"), lambda: sites[:1]))
    assert len(alone) == 1, "a shard without sites needs no run"


def test_the_runs_of_all_shards_together_plan_each_site_once(
    sites: list[Site], instance: dg.DagsterInstance, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_SHARDS", "3")
    with warehouse.begin() as connection:
        registry.register(connection, sites, NOON)
    platform = Platform(warehouse, SimulatedClock(NOON), lambda: sites)
    planned: list[str] = []

    @dg.asset(partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run())
    def plan(context) -> None:  # an annotation would be a string here, which Dagster refuses
        planned.extend(window.site.key for window in windows(context, platform))

    for request in requests.for_sites(
        instance, "plan_rolling", sites, lambda _: (DAY, DAY), "x", slot="20260301T1200Z"
    ):
        assert dg.materialize([plan], instance=instance, tags=dict(request.tags)).success
    assert sorted(planned) == KEYS[:9]
    assert sorted(site.key for n in range(3) for site in platform.sites(Shard(n, 3))) == KEYS[:9]


@pytest.mark.parametrize(("served", "times"), [([0, 1], 1), ([0, 0, 1], 2), ([0], 0), ([0, 0], 0), ([], 0)], ids=str)
def test_a_slot_is_served_when_every_shard_served_it(served: list[int], times: int) -> None:
    assert cadence._times([(Shard(number, 2), "") for number in served]) == times


def test_two_runs_of_a_slot_for_sites_of_two_local_days_are_one_service() -> None:
    evening, morning = ({"dagster/asset_partition_range_start": f"2026-03-0{day}|home01"} for day in (1, 2))
    assert cadence._times([cadence._part(evening), cadence._part(morning)]) == 1
    assert cadence._times([cadence._part(evening), cadence._part(evening)]) == 2
