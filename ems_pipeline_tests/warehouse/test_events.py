"""Grid events are known from an instant on, may change and be withdrawn, and the past keeps what it knew."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ems_pipeline.plan import GridEvent
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, events, sites

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
EVENING = GridEvent("evening", NOW + timedelta(hours=8), NOW + timedelta(hours=10), limit_w=3000.0)
PAID = GridEvent("paid", NOW + timedelta(hours=3), NOW + timedelta(hours=4), baseline_w=5000.0, price_per_kwh=4.0)


@pytest.fixture(autouse=True)
def registered(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.begin() as connection:
        sites.register(connection, [home01], NOW - timedelta(days=1))
        connection.execute(sa.text("DELETE FROM ems.grid_event"))


def put(warehouse: Warehouse, event: GridEvent, at: datetime) -> bool:
    with warehouse.begin() as connection:
        return events.put(connection, "home01", event, "aggregator", at)


def known(warehouse: Warehouse, at: datetime) -> tuple[GridEvent, ...]:
    with warehouse.begin() as connection:
        return events.of(events.listing(connection, ["home01"], at))


def test_an_event_counts_from_when_it_is_known_until_it_is_over(warehouse: Warehouse) -> None:
    assert put(warehouse, EVENING, NOW)
    assert put(warehouse, PAID, NOW + timedelta(minutes=5))
    assert known(warehouse, NOW - timedelta(minutes=1)) == ()
    assert known(warehouse, NOW) == (EVENING,)
    assert known(warehouse, NOW + timedelta(minutes=5)) == (PAID, EVENING)
    assert known(warehouse, PAID.ends_at) == (EVENING,)


def test_new_terms_replace_the_old_ones_and_leave_the_past_alone(warehouse: Warehouse) -> None:
    moved = dataclasses.replace(EVENING, ends_at=EVENING.starts_at + timedelta(minutes=30), limit_w=2000.0)
    later = NOW + timedelta(hours=1)
    put(warehouse, EVENING, NOW)
    assert put(warehouse, moved, later)
    assert known(warehouse, later) == (moved,)
    assert known(warehouse, later - timedelta(minutes=1)) == (EVENING,)
    # Shortened: over where it used to hold.
    assert known(warehouse, EVENING.starts_at + timedelta(hours=1)) == ()


def test_the_same_again_is_no_news(warehouse: Warehouse) -> None:
    assert put(warehouse, EVENING, NOW)
    assert not put(warehouse, EVENING, NOW + timedelta(minutes=1))


def test_a_withdrawn_event_is_gone_and_may_be_entered_again(warehouse: Warehouse) -> None:
    put(warehouse, EVENING, NOW)
    with warehouse.begin() as connection:
        events.cancel(connection, "home01", "evening", "operator", NOW + timedelta(minutes=1))
    assert known(warehouse, NOW) == (EVENING,)
    assert known(warehouse, NOW + timedelta(minutes=1)) == ()
    with (
        pytest.raises(LookupError, match=r"no event 'evening'.*ems event list home01"),
        warehouse.begin() as connection,
    ):
        events.cancel(connection, "home01", "evening", "operator", NOW + timedelta(minutes=2))
    assert put(warehouse, EVENING, NOW + timedelta(minutes=3))
    assert known(warehouse, NOW + timedelta(minutes=3)) == (EVENING,)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ends_at": EVENING.starts_at}, "never holds.*name a later end"),
        ({"starts_at": NOW - timedelta(hours=2), "ends_at": NOW}, "never holds"),
        ({"limit_w": None}, "neither limits the import nor pays"),
    ],
)
def test_an_event_that_asks_for_nothing_is_refused(warehouse: Warehouse, wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        put(warehouse, dataclasses.replace(EVENING, **wrong), NOW)  # type: ignore[arg-type]


def test_exports_count_in_a_net_event_and_a_firm_limit_below_zero(warehouse: Warehouse) -> None:
    fed_in = dataclasses.replace(EVENING, limit_w=-3000.0)
    net = dataclasses.replace(PAID, baseline_w=-500.0, is_net=True)
    assert put(warehouse, fed_in, NOW)
    assert put(warehouse, net, NOW)
    assert known(warehouse, NOW) == (net, fed_in)
    with pytest.raises(ValueError, match="enter it as net"):
        put(warehouse, dataclasses.replace(net, is_net=False), NOW + timedelta(minutes=1))
