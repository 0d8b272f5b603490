"""Whoever listens is told what is new, once it is committed, and nothing that a login without rights must not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from ems_pipeline.devices.points.reading import Reading
from ems_pipeline.warehouse import Warehouse, telemetry
from ems_pipeline_tests.api.rest.rows import fill
from ems_pipeline_tests.readings import answers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETPOINT = """
    INSERT INTO ems.setpoint
        (site_key, device_key, slot, source, command, reason, is_shadow, state, valid_until, intended_at)
    VALUES ('elm', 'inverter', :at, 'plan', '{}', 'r', true, 'intended', '2026-03-01T12:15Z', :at)
    RETURNING setpoint_id"""
EVENT = "INSERT INTO ems.setpoint_event (setpoint_id, at, state) VALUES (:id, :at, 'sent') RETURNING setpoint_event_id"
REQUEST = """
    INSERT INTO ems.request (kind, site_key, requested_by, requested_at)
    VALUES ('plan-daily', 'elm', 'anna', :at) RETURNING request_id::text"""
ALARMS = """
    INSERT INTO ems.alarm (site_key, kind, severity, text, raised_at, last_at)
    SELECT 'elm', 'k' || i, 'info', repeat('secret', 20), :at, :at FROM generate_series(1, :many) i"""


@pytest.fixture(scope="module")
def filled(warehouse: Warehouse) -> Warehouse:
    with warehouse.begin() as connection:
        fill(connection)
    return warehouse


@pytest.fixture
def ear(filled: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    address = filled.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("LISTEN ems_live")
        yield connection


def heard(ear: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """What was told by now; a word of our own comes last."""
    ear.execute("NOTIFY ems_live, 'end'")
    said = list[str]()
    for notify in ear.notifies(timeout=20):
        if notify.payload == "end":
            return [json.loads(one) for one in said]
        said.append(notify.payload)
    raise AssertionError("our own word did not come back")


def test_each_kind_of_news_is_told_by_topic_site_key_and_instant(
    filled: Warehouse, ear: psycopg.Connection[Any]
) -> None:
    with filled.begin() as connection:
        number = connection.execute(sa.text(SETPOINT), {"at": NOON}).scalar_one()
        step = connection.execute(sa.text(EVENT), {"id": number, "at": NOON}).scalar_one()
        request = connection.execute(sa.text(REQUEST), {"at": NOON}).scalar_one()
        telemetry.store(connection, answers([("elm", Reading("meter", "grid_power_w", "W", 1.0, NOON, NOON))]))
        (alarm,) = connection.exec_driver_sql("UPDATE ems.alarm SET times = 9 WHERE times = 7 RETURNING alarm_id").one()
    told = {one["topic"]: one for one in heard(ear)}
    assert all(one.keys() == {"topic", "site", "key", "at"} for one in told.values())
    assert {topic: (one["site"], one["key"]) for topic, one in told.items()} == {
        "devices": ("elm", str(step)),
        "requests": ("elm", request),
        "telemetry": ("elm", "elm"),
        "events": ("oak", str(alarm)),
    }
    assert {datetime.fromisoformat(one["at"]) for topic, one in told.items()} == {NOON}


def test_what_was_taken_back_is_told_to_nobody(filled: Warehouse, ear: psycopg.Connection[Any]) -> None:
    with filled.engine.connect() as connection:
        connection.execute(sa.text(ALARMS), {"at": NOON, "many": 1})
        connection.rollback()
    assert heard(ear) == []


@pytest.mark.parametrize(("many", "told"), [(1000, 1000), (1001, 1)])
def test_a_flood_is_told_of_as_a_whole(filled: Warehouse, ear: psycopg.Connection[Any], many: int, told: int) -> None:
    with filled.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.alarm WHERE kind LIKE 'k%%'")
        connection.execute(sa.text(ALARMS), {"at": NOON, "many": many})
    said = heard(ear)
    assert len(said) == told
    assert ("key" in said[0]) == (told > 1)
    assert "secret" not in json.dumps(said)


def test_a_statement_that_changes_nothing_tells_nothing(filled: Warehouse, ear: psycopg.Connection[Any]) -> None:
    with filled.begin() as connection:
        connection.exec_driver_sql("UPDATE ems.alarm SET times = 1 WHERE false")
    assert heard(ear) == []
