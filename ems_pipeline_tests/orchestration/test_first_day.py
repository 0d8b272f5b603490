"""Days begin with the first of any site, and nobody makes days of a site before its own."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from ems_pipeline import settings
from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.orchestration.partitions import EARLY, site_day, site_day_partitions, study_partitions, windows
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SLOT, SimulatedClock
from ems_pipeline.warehouse import Warehouse, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.beginnings import installation_begins

NOW = datetime(2025, 10, 26, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def installed(warehouse: Warehouse, home01: Site) -> Callable[..., Platform]:
    """The demo site registered at `NOW`, with a first day or without."""

    def install(first: date | None = None) -> Platform:
        site = home01.model_copy(update={"first_day": first})
        with warehouse.begin() as connection:
            connection.execute(sa.text("DELETE FROM ems.telemetry_15m"))
            registry.register(connection, [site], NOW)
            connection.execute(sa.text("UPDATE ems.site SET created_at = :now"), {"now": NOW})
        return Platform(warehouse, SimulatedClock(NOW), lambda: [site])

    return install


def logged(ems: Platform, starts_at: datetime) -> None:
    names = {"device_key": pl.String, "quantity": pl.String, "unit": pl.String, "starts_at": pl.Datetime("us", "UTC")}
    row = [("inverter", "grid_power_w", "W", starts_at, 5.0)]
    with ems.warehouse.begin() as connection:
        telemetry.import_15m(connection, "home01", pl.DataFrame(row, {**names, "value": pl.Float64}, orient="row"))


def begins(ems: Platform) -> date | None:
    with ems.warehouse.begin() as connection:
        return installation_begins(connection, NOW)


def test_without_a_site_nobody_knows_the_first_day(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE ems.site CASCADE"))
        assert installation_begins(connection, NOW) is None


def test_a_new_site_begins_on_the_eve_of_its_registration_and_a_logged_past_is_offered(
    installed: Callable[..., Platform],
) -> None:
    ems = installed()
    assert begins(ems) == date(2025, 10, 25)
    logged(ems, datetime(2023, 3, 4, 22, 45, tzinfo=UTC))  # 23:45 in Prague
    assert begins(ems) == date(2023, 3, 3)
    logged(ems, datetime(2023, 3, 3, 23, 0, tzinfo=UTC) - SLOT)  # 23:45 of the day before
    assert begins(ems) == date(2023, 3, 2)


def test_a_stated_first_day_holds_whatever_was_measured_before_and_is_never_in_the_future(
    installed: Callable[..., Platform],
) -> None:
    ems = installed(date(2025, 9, 1))
    logged(ems, datetime(2023, 3, 4, 12, 0, tzinfo=UTC))
    assert begins(ems) == date(2025, 9, 1)
    assert begins(installed(date(2099, 1, 1))) == NOW.date()


def asked(ems: Platform, first: date, last: date) -> list[list[date]]:
    """The days of each window that a run over a range serves."""
    found: list[list[date]] = []

    @dg.asset(partitions_def=site_day_partitions, backfill_policy=dg.BackfillPolicy.single_run())
    def probe(context: dg.AssetExecutionContext) -> None:
        found.extend(window.days for window in windows(context, ems))

    ends = {"start": site_day("home01", first), "end": site_day("home01", last)}
    tags = {f"dagster/asset_partition_range_{end}": str(key) for end, key in ends.items()}
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("site", ["home01"])
        dg.materialize([probe], instance=instance, tags=tags)
    return found


def test_days_before_a_sites_first_day_are_left_out_and_asking_for_them_alone_is_refused(
    installed: Callable[..., Platform],
) -> None:
    ems = installed(date(2025, 10, 1))
    assert asked(ems, date(2025, 9, 29), date(2025, 10, 2)) == [[date(2025, 10, 1), date(2025, 10, 2)]]
    with pytest.raises(dg.Failure, match=r"home01 begins with 2025-10-01 \(first_day in the site's file\)"):
        asked(ems, date(2025, 9, 29), date(2025, 9, 30))


def test_today_is_served_whatever_first_day_was_mistyped(installed: Callable[..., Platform]) -> None:
    ems = installed(date(2062, 1, 1))
    assert asked(ems, NOW.date() - DAY, NOW.date() + DAY) == [[NOW.date(), NOW.date() + DAY]]


def test_the_definitions_begin_with_the_day_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def starts() -> set[date]:
        specs = build_defs().resolve_all_asset_specs()
        parts: list[Any] = [
            s.partitions_def for s in specs if s.partitions_def is not None and s.partitions_def != study_partitions
        ]
        days = [p.get_partitions_def_for_dimension("day") if hasattr(p, "partitions_defs") else p for p in parts]
        return {day.start.date() for day in days}

    monkeypatch.delenv(settings.FIRST_DAY.name, raising=False)
    assert starts() == {EARLY}
    monkeypatch.setenv(settings.FIRST_DAY.name, "2019-02-28")
    assert starts() == {date(2019, 2, 28)}
    monkeypatch.setenv(settings.FIRST_DAY.name, "tomorrow")
    with pytest.raises(ValueError, match="EMS_FIRST_DAY is 'tomorrow'; write a day such as"):
        build_defs()


def test_an_earlier_first_day_keeps_what_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a later one only hides it: Dagster keeps by key."""
    made = site_day("home01", date(2025, 10, 1))

    def shown(first: str) -> set[str]:
        monkeypatch.setenv(settings.FIRST_DAY.name, first)
        parts = build_defs().resolve_asset_graph().get(dg.AssetKey("audit_day")).partitions_def
        assert parts is not None
        offered = set(parts.get_partition_keys(dynamic_partitions_store=instance))
        return {str(key) for key in instance.get_materialized_partitions(dg.AssetKey("audit_day")) if key in offered}

    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("site", ["home01"])
        instance.report_runless_asset_event(dg.AssetMaterialization("audit_day", partition=made))
        assert shown("2025-09-30") == {str(made)}
        assert shown("2024-09-30") == {str(made)}
        assert shown("2025-10-02") == set()
        assert shown("2025-09-30") == {str(made)}
