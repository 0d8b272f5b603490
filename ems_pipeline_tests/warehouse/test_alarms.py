"""Alarms: trouble is filed once and counted, and a cleared alarm may come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline.warehouse import sites as registry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_same_trouble_is_one_open_alarm_that_counts(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.begin() as connection:
        registry.register(connection, [home01], NOON)
        for i in range(3):
            alarms.raise_alarm(connection, "home01", "reverted", "warning", f"time {i}", NOON + i * MINUTE, "inverter")
        alarms.raise_alarm(connection, "home01", "reverted", "critical", "another device", NOON, "wallbox-1")
        alarms.raise_alarm(connection, None, "run-failed", "info", "no site", NOON)
        found = alarms.open_alarms(connection)
    assert found["severity"].to_list() == ["critical", "warning", "info"]
    counted = found.row(1, named=True)
    assert (counted["times"], counted["text"], counted["raised_at"], counted["last_at"]) == (
        3, "time 2", NOON, NOON + 2 * MINUTE,
    )  # fmt: skip


def test_cleared_trouble_that_returns_is_a_new_alarm(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        assert alarms.clear(connection, "home01", "reverted", NOON + MINUTE, "inverter")
        assert not alarms.clear(connection, "home01", "reverted", NOON + MINUTE, "inverter")
        alarms.raise_alarm(connection, "home01", "reverted", "warning", "again", NOON + 5 * MINUTE, "inverter")
        found = alarms.open_alarms(connection).filter(device_key="inverter")
    assert found["times"].to_list() == [1]
