"""Live rows, minutes and changes of controllers, as the database keeps them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ems_pipeline.gensets.snapshot import AlarmBit, Link, Snapshot
from ems_pipeline.gensets.states import AlarmGroup
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, gensets, sites
from ems_pipeline.warehouse.gensets import Change, Minute
from ems_pipeline_tests.gensets.words import NOON


def snapshot(device: str, link: Link = Link.GOOD, alarms: frozenset[AlarmBit] | None = frozenset()) -> Snapshot:
    return Snapshot(
        site="home01", device=device, model="HGM9520N", taken_at=NOON, link=link,
        values={"power_w": 123_200.0, "fuel_pct": None, "engine_state": "running"}, bits={"mode_auto": True},
        alarms=alarms,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def registered(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.begin() as connection:
        sites.register(connection, [home01], NOON)
        connection.exec_driver_sql("TRUNCATE ems.genset_live, ems.genset_minute, ems.genset_change")


def rows(warehouse: Warehouse, said: str) -> list[Any]:
    with warehouse.begin() as connection:
        return [tuple(row) for row in connection.execute(sa.text(said))]


def test_a_round_replaces_what_stood_and_unknown_alarms_stay(warehouse: Warehouse) -> None:
    low_oil = frozenset({AlarmBit(AlarmGroup.SHUTDOWN, "low_oil_pressure")})
    with warehouse.begin() as connection:
        gensets.tell_live(connection, [snapshot("a", alarms=low_oil), snapshot("b")], NOON)
        gensets.tell_live(connection, [snapshot("a", Link.DOWN, None)], NOON + timedelta(seconds=2))
    assert rows(warehouse, "SELECT device_key, link, alarms FROM ems.genset_live ORDER BY 1") == [
        ("a", "down", [["shutdown", "low_oil_pressure"]]),
        ("b", "good", []),
    ]


def test_what_is_polled_no_more_goes(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        gensets.tell_live(connection, [snapshot("a"), snapshot("b")], NOON)
        gensets.forget_live(connection, {("home01", "b")})
    assert rows(warehouse, "SELECT device_key FROM ems.genset_live") == [("b",)]


def test_minutes_and_changes_are_written_once(warehouse: Warehouse) -> None:
    minute = Minute("home01", "a", NOON, 30, {"power_w": 81_234.0, "energy_wh": 5.0})
    change = Change("home01", "a", NOON, "engine_state", "standby", "running")
    for _ in range(2):
        with warehouse.begin() as connection:
            numbered = gensets.numbers(connection, {("home01", "a"): "HGM9520N", ("nowhere", "a"): "HGM9520N"})
            assert list(numbered) == [("home01", "a")]
            gensets.add_minutes(connection, [minute], numbered)
            gensets.add_changes(connection, [change, Change("nowhere", "a", NOON, "link", None, "good")], numbered)
    assert rows(warehouse, "SELECT samples, power_w, coolant_c FROM ems.genset_minute") == [(30, 81_234.0, None)]
    assert rows(warehouse, "SELECT name, was, became FROM ems.genset_change") == [
        ("engine_state", "standby", "running")
    ]
