"""An override holds in its window only, the later one wins, and a cancelled one is gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.engine import Connection

from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.sites.wish import Limits, Wish
from ems_pipeline.warehouse import Warehouse, overrides
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


def add(connection: Connection, mode: str, start: datetime = NOON, end: datetime = NOON + HOUR) -> int:
    return overrides.add(connection, "home01", "pack", mode, {"charge_limit_w": 2000}, start, end, "test", NOON)


def test_an_override_holds_from_its_begin_to_before_its_end(connection: Connection, home01: Site) -> None:
    add(connection, "charge")
    assert overrides.active(connection, home01, NOON - timedelta(seconds=1)) == {}
    held = overrides.active(connection, home01, NOON)["pack"]
    assert held.wish == Wish(BatteryMode.CHARGE, Limits(charge_limit_w=2000))
    assert (held.until_at, held.power_w) == (NOON + HOUR, -2000)
    assert overrides.active(connection, home01, NOON + HOUR) == {}


def test_the_later_filed_override_wins_and_its_cancelling_gives_way(connection: Connection, home01: Site) -> None:
    add(connection, "charge")
    second = add(connection, "hold")
    assert overrides.active(connection, home01, NOON)["pack"].wish.mode == "hold"
    overrides.cancel(connection, second, NOON, "test")
    assert overrides.active(connection, home01, NOON)["pack"].wish.mode == "charge"
    with pytest.raises(LookupError, match="override list"):
        overrides.cancel(connection, second, NOON, "test")


def test_an_override_that_never_holds_is_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match="later end"):
        add(connection, "charge", NOON - 2 * HOUR, NOON - HOUR)


def test_why_somebody_wanted_it_stands_beside_what_is_told(connection: Connection, home01: Site) -> None:
    end, why = NOON + HOUR, "guests\ntonight"
    overrides.add(connection, "home01", "pack", "hold", {}, NOON, end, "anna", NOON, why)
    assert overrides.active(connection, home01, NOON)["pack"].reason.endswith(
        "by anna until 01.03. 13:00 UTC: guests tonight"
    )
