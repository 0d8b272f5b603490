"""Minutes go after a while, whole months of them; no quarter-hour does, and none is lost for not being computed yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import MINUTE, SLOT
from ems_pipeline.warehouse import Warehouse, retention, sites, telemetry
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.readings import answers

MONTHS = [datetime(2024, month, 14, 11, 0, tzinfo=UTC) for month in (1, 2, 3)]


@pytest.fixture
def measured(warehouse: Warehouse, home01: Site) -> Warehouse:
    """A quarter-hour of minutes in each of three months, computed for the first only."""
    with warehouse.begin() as connection:
        sites.register(connection, [home01], MONTHS[0])
        connection.execute(sa.text("DELETE FROM ems.telemetry"))
        connection.execute(sa.text("DELETE FROM ems.telemetry_15m"))
        for start in MONTHS:
            instants = [start + MINUTE * i for i in range(15)]
            readings = [Reading("inverter", "pv_power_w", "W", 1500.0, at, at, Quality.GOOD, "") for at in instants]
            telemetry.store(connection, answers([(home01.key, reading) for reading in readings]))
        telemetry.fill_15m(connection, home01.key, MONTHS[0], MONTHS[0] + SLOT)
    return warehouse


def instants(warehouse: Warehouse, column: str, table: str) -> list[datetime]:
    with warehouse.begin() as connection:
        found = query(connection, f"SELECT DISTINCT {column} AS at FROM ems.{table} ORDER BY 1")
    return found["at"].to_list()


def test_months_that_ended_before_go_and_the_others_stay(measured: Warehouse) -> None:
    with measured.begin() as connection:
        assert retention.drop_minutes(connection, datetime(2024, 3, 1, tzinfo=UTC) - MINUTE) == ["telemetry_202401"]
        assert retention.drop_minutes(connection, datetime(2024, 3, 1, tzinfo=UTC)) == ["telemetry_202402"]
        assert retention.drop_minutes(connection, datetime(2024, 3, 31, tzinfo=UTC)) == []
    assert {at.month for at in instants(measured, "reported_at", "telemetry")} == {3}


def test_quarter_hours_are_kept_also_those_nobody_had_computed(measured: Warehouse) -> None:
    before = datetime(2024, 3, 1, tzinfo=UTC)
    with measured.begin() as connection:
        assert retention.keep_quarter_hours(connection, before) == 1
        assert retention.keep_quarter_hours(connection, before) == 0
        retention.drop_minutes(connection, before)
    assert instants(measured, "starts_at", "telemetry_15m") == MONTHS[:2]
    with measured.begin() as connection:
        kept = telemetry.site_15m(connection, "home01", MONTHS[1], MONTHS[1] + SLOT)
    assert kept["pv_w"].to_list() == [1500.0]


def test_minutes_of_the_last_week_cannot_go(measured: Warehouse) -> None:
    """The function runs with its owner's rights, so it has to refuse this itself."""
    for before in (datetime.now(UTC) - timedelta(days=6), None):
        with pytest.raises(sa.exc.DBAPIError, match="is still needed"), measured.begin() as connection:
            retention.drop_minutes(connection, before)  # type: ignore[arg-type]
    assert len(instants(measured, "reported_at", "telemetry")) == 45


@pytest.mark.parametrize("text", ["7", "-30", "a year", "", "36501", "9" * 5000, "٣٠"])
def test_a_time_to_keep_that_is_too_short_or_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_KEEP_MINUTES_DAYS", text)
    with pytest.raises(ValueError, match=f"EMS_KEEP_MINUTES_DAYS is '{text}'; write"):
        retention.kept_for()


def test_without_a_setting_minutes_are_kept_for_half_a_year(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMS_KEEP_MINUTES_DAYS", raising=False)
    assert retention.kept_for() == timedelta(days=180)


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Prague", "America/New_York", "Pacific/Auckland"])
def test_partitions_are_months_of_utc_whatever_the_session_says(warehouse: Warehouse, timezone: str) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text("SELECT set_config('TimeZone', :zone, true)"), {"zone": timezone})
        connection.exec_driver_sql("SELECT ems.fn_ensure_partitions('telemetry', '2031-02-15Z', '2031-05-01Z')")
        connection.exec_driver_sql("SET LOCAL timezone = 'UTC'")
        found = connection.exec_driver_sql("""
            SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class
            WHERE relname LIKE 'telemetry_2031__' ORDER BY relname""").all()
        connection.rollback()
    assert [tuple(row) for row in found] == [
        (
            f"telemetry_2031{month:02d}",
            f"FOR VALUES FROM ('2031-{month:02d}-01 00:00:00+00') TO ('2031-{month + 1:02d}-01 00:00:00+00')",
        )
        for month in (2, 3, 4, 5)
    ]
