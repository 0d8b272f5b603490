"""Each partition of a run shows figures of its own; one that got nothing is not made; a bad one costs only itself."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from ems_pipeline.orchestration.ledger import Ledger
from ems_pipeline.orchestration.partitions import site_day, site_day_partitions, windows
from ems_pipeline.orchestration.requests import MEANT_TAG, RANGE_END, RANGE_START, ROUTINE_TAG
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.copies import copy_of

TODAY = date(2025, 10, 27)
NOW = datetime(2025, 10, 27, 12, tzinfo=UTC)
ROUTINE = {ROUTINE_TAG: "test"}
Work = Callable[[Ledger, SiteWindow, date], None]


@pytest.fixture
def ems(warehouse: Warehouse, home01: Site) -> Platform:
    sites = [copy_of(home01, key) for key in ("alpha", "beta")]
    with warehouse.begin() as connection:
        registry.register(connection, sites, NOW)
        for key in ("alpha", "beta"):
            alarms.clear(connection, key, "unmade", NOW)
    return Platform(warehouse, SimulatedClock(NOW), lambda: sites)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("site", ["alpha", "beta"])
        yield instance


def run(
    ems: Platform,
    instance: dg.DagsterInstance,
    work: Work,
    first: date,
    last: date,
    sites: tuple[str, str],
    **tags: str,
) -> bool:
    """One range run of an asset that does this for each of its days, and of one made from it; whether it succeeded."""

    @dg.asset(partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run(), code_version="v7")
    def made(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
        wanted = windows(context, ems)
        ledger = Ledger(context, ems, wanted, "unmade")
        for window in wanted:
            for day in window.days:
                with ledger.each(window.site, day):
                    work(ledger, window, day)
        return ledger.close()

    @dg.asset(partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run(), deps=[made])
    def after(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return dg.MaterializeResult()

    defs = dg.Definitions([made, after], resources={"ems": ems}, executor=dg.in_process_executor)
    ends = {RANGE_START: site_day(sites[0], first), RANGE_END: site_day(sites[1], last)}
    chosen = [dg.AssetKey("made")] if tags.pop("alone", "") else None
    job = defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=instance, tags=ends | tags, asset_selection=chosen, raise_on_error=False
    ).success


def shown(instance: dg.DagsterInstance) -> dict[str, dict[str, Any]]:
    """Metadata by partition of what was made."""
    records = instance.fetch_materializations(dg.AssetKey("made"), limit=100).records
    events = [record.asset_materialization for record in records]
    return {str(e.partition): {k: v.value for k, v in e.metadata.items()} for e in reversed(events) if e is not None}


def number(window: SiteWindow, day: date) -> int:
    return day.day + (100 if window.site.key == "beta" else 0)


def count(ledger: Ledger, window: SiteWindow, day: date) -> None:
    ledger.made(window.site, day, number(window, day), cost=float(number(window, day)))


def bad(*pairs: tuple[str, date]) -> Work:
    def work(ledger: Ledger, window: SiteWindow, day: date) -> None:
        count(ledger, window, day)
        if (window.site.key, day) in pairs:
            raise ValueError(f"{window.site.key} {day} is bad")

    return work


def open_kinds(ems: Platform) -> set[str]:
    with ems.warehouse.begin() as connection:
        found = alarms.open_alarms(connection)
    return {row["site_key"] for row in found.iter_rows(named=True) if row["kind"] == "unmade"}


def test_every_partition_of_a_range_of_sites_has_its_own_figures(ems: Platform, instance: dg.DagsterInstance) -> None:
    assert run(ems, instance, count, date(2025, 10, 20), date(2025, 10, 22), ("alpha", "beta"))
    figures = {key: (row["dagster/row_count"], row["cost"]) for key, row in shown(instance).items()}
    assert figures == {
        f"2025-10-{day}|{site}": (day + more, day + more)
        for day in (20, 21, 22)
        for site, more in (("alpha", 0), ("beta", 100))
    }  # fmt: skip


def test_what_is_made_carries_the_versions_of_code_and_data(ems: Platform, instance: dg.DagsterInstance) -> None:
    run(ems, instance, count, date(2025, 10, 20), date(2025, 10, 20), ("alpha", "beta"))
    event = instance.get_latest_materialization_event(dg.AssetKey("made"))
    assert event is not None
    tags = event.asset_materialization.tags  # type: ignore[union-attr]
    assert tags["dagster/code_version"] == "v7"
    assert tags["dagster/data_version"]
    assert {tags["dagster/partition/day"], tags["dagster/partition/site"]} == {"2025-10-20", "beta"}


def test_a_bad_day_costs_itself_and_its_run_fails_once_the_others_are_recorded(
    ems: Platform, instance: dg.DagsterInstance
) -> None:
    work = bad(("alpha", date(2025, 10, 21)))
    assert not run(ems, instance, work, date(2025, 10, 20), date(2025, 10, 22), ("alpha", "beta"), alone="yes")
    assert set(shown(instance)) == {
        f"2025-10-{day}|{site}" for day in (20, 21, 22) for site in ("alpha", "beta")
    } - {"2025-10-21|alpha"}  # fmt: skip


@pytest.mark.parametrize("tags", [{}, ROUTINE], ids=["by hand", "by the clock"])
def test_what_is_made_of_the_other_partitions_in_the_same_run_is_made(
    ems: Platform, instance: dg.DagsterInstance, tags: dict[str, str]
) -> None:
    work = bad(("alpha", date(2025, 10, 21)))
    assert run(ems, instance, work, date(2025, 10, 20), date(2025, 10, 22), ("alpha", "beta"), **tags)
    assert "2025-10-21|alpha" not in instance.get_materialized_partitions(dg.AssetKey("made"))
    assert instance.get_materialized_partitions(dg.AssetKey("after"))


def test_a_run_that_made_nothing_fails_with_every_reason(ems: Platform, instance: dg.DagsterInstance) -> None:
    day = date(2025, 10, 21)
    work = bad(("alpha", day), ("beta", day))
    assert not run(ems, instance, work, day, day, ("alpha", "beta"), **ROUTINE)
    assert shown(instance) == {}


def test_a_range_that_passes_over_a_site_makes_nothing_of_it(ems: Platform, instance: dg.DagsterInstance) -> None:
    run(ems, instance, count, TODAY, TODAY, ("alpha", "beta"), **{MEANT_TAG: "beta"})
    assert set(shown(instance)) == {"2025-10-27|beta"}


def test_nothing_yet_is_neither_made_nor_a_failure(ems: Platform, instance: dg.DagsterInstance) -> None:
    def work(ledger: Ledger, window: SiteWindow, day: date) -> None:
        ledger.not_yet(window.site, day, "it has not begun")

    assert run(ems, instance, work, TODAY, TODAY, ("alpha", "beta"), alone="yes")
    assert shown(instance) == {}


def test_a_day_that_is_over_neither_raises_nor_ends_an_alarm(ems: Platform, instance: dg.DagsterInstance) -> None:
    past = TODAY - timedelta(days=3)
    run(ems, instance, bad(("beta", past)), past, past, ("alpha", "beta"))
    assert open_kinds(ems) == set()
    run(ems, instance, bad(("beta", TODAY)), TODAY, TODAY, ("alpha", "beta"), **ROUTINE)
    assert open_kinds(ems) == {"beta"}
    run(ems, instance, count, past, past, ("alpha", "beta"))
    assert open_kinds(ems) == {"beta"}
    run(ems, instance, count, TODAY, TODAY, ("alpha", "beta"), **ROUTINE)
    assert open_kinds(ems) == set()


@pytest.mark.parametrize(("sites", "drawn"), [(("alpha", "alpha"), 1), (("alpha", "beta"), 0)])
def test_a_picture_is_kept_once_and_only_of_a_single_site(
    ems: Platform, instance: dg.DagsterInstance, sites: tuple[str, str], drawn: int
) -> None:
    def work(ledger: Ledger, window: SiteWindow, day: date) -> None:
        ledger.made(window.site, day, 1, lambda: dg.MetadataValue.md("picture"))

    run(ems, instance, work, date(2025, 10, 20), date(2025, 10, 22), sites)
    assert sum("plot" in row for row in shown(instance).values()) == drawn
