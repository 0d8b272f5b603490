"""Doctor compares what Python, polars and the database mean by a site's local time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ems_pipeline import time_grid
from ems_pipeline.warehouse import Warehouse, zone_tables

START = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
SLOTS = time_grid.slots(START, START + timedelta(hours=4))
CHANGES = [120] * 12 + [60] * 4
"""Minutes east of UTC in Prague around the end of summer time, 01:00 UTC on the 25th."""


def test_the_three_tables_know_the_end_of_summer_time(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        assert zone_tables._python("Europe/Prague", SLOTS) == CHANGES
        assert zone_tables._polars("Europe/Prague", SLOTS) == CHANGES
        assert zone_tables._postgres(connection, "Europe/Prague", SLOTS) == CHANGES
        assert zone_tables.disagreement(connection, "Europe/Prague", START) == ""


def test_an_abbreviation_of_the_database_is_found_out(warehouse: Warehouse) -> None:
    """CET changes the clock in the IANA database and is UTC+1 all year as PostgreSQL's abbreviation."""
    with warehouse.begin() as connection:
        said = zone_tables.disagreement(connection, "CET", datetime(2026, 7, 1, tzinfo=UTC))
    assert "from 2026-07-01 00:00 UTC on: zoneinfo +2 h, polars +2 h, PostgreSQL +1 h" in said


def test_a_zone_that_one_table_lacks_is_named_and_spoils_nothing(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        said = zone_tables.disagreement(connection, "Europe/Atlantis", START)
        for name in ("zoneinfo", "polars", "PostgreSQL"):
            assert f"{name} does not know Europe/Atlantis" in said
        assert zone_tables.disagreement(connection, "Europe/Prague", START) == "", "the transaction goes on"


@pytest.mark.parametrize(("other", "first"), [([120] * 11 + [60] * 5, "00:45"), ([120] * 16, "01:00")])
def test_where_the_tables_differ_is_told_with_both_sides(other: list[int], first: str) -> None:
    said = zone_tables.differing("Europe/Prague", SLOTS, {"zoneinfo": CHANGES, "PostgreSQL": other})
    assert f"from 2026-10-25 {first} UTC on" in said
    assert "zoneinfo +" in said
    assert "PostgreSQL +" in said
