"""The second opt-in holds from arming until disarming or its end, whichever comes first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.engine import Connection

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, arming
from ems_pipeline.warehouse import sites as registry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def connection(warehouse: Warehouse, home01: Site) -> Iterator[Connection]:
    """A transaction that is rolled back, with the demo site registered."""
    with warehouse.engine.connect() as connection:
        registry.register(connection, [home01], NOON)
        yield connection
        connection.rollback()


def test_nobody_is_armed_unasked(connection: Connection) -> None:
    assert not arming.is_armed(connection, "home01", NOON)
    assert not arming.disarm(connection, "home01", NOON, "test")


def test_an_arm_ends_with_disarming(connection: Connection) -> None:
    arming.arm(connection, "home01", NOON, "test")
    assert arming.is_armed(connection, "home01", NOON + 700 * HOUR)
    assert not arming.is_armed(connection, "home01", NOON - HOUR)
    assert arming.disarm(connection, "home01", NOON + HOUR, "test")
    assert not arming.is_armed(connection, "home01", NOON + HOUR)


def test_an_arm_runs_out_by_itself(connection: Connection) -> None:
    arming.arm(connection, "home01", NOON, "test", until=NOON + HOUR)
    assert arming.is_armed(connection, "home01", NOON + HOUR - timedelta(seconds=1))
    assert not arming.is_armed(connection, "home01", NOON + HOUR)
    with pytest.raises(ValueError, match="later end"):
        arming.arm(connection, "home01", NOON, "test", until=NOON)


def test_an_arm_without_an_end_runs_out_after_thirty_days(connection: Connection) -> None:
    arming.arm(connection, "home01", NOON, "test")
    end = datetime(2026, 3, 31, 12, tzinfo=UTC)
    assert arming.is_armed(connection, "home01", end - timedelta(seconds=1))
    assert not arming.is_armed(connection, "home01", end)


def test_arming_again_replaces_the_end(connection: Connection) -> None:
    arming.arm(connection, "home01", NOON, "first", until=NOON + HOUR)
    arming.arm(connection, "home01", NOON, "second", until=NOON + 3 * HOUR)
    assert arming.is_armed(connection, "home01", NOON + 2 * HOUR)
    assert arming.history(connection, "home01")["armed_by"].to_list() == ["second", "first"]
