"""One authority on clocks: columns, the database and single instants read the same wall, in any zone at any time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ems_pipeline
from ems_pipeline import local_time, time_grid
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, clocks, sites
from ems_pipeline.warehouse.frames import query

ROOT = Path(ems_pipeline.__file__).parent
DISPUTED = ["America/Vancouver", "America/Edmonton", "America/Winnipeg", "America/Havana", "Africa/Casablanca"]
"""Zones of which tables of different releases say different things of 2026."""
ZONES = [*DISPUTED, "Europe/Prague", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]
MINUTES = st.integers(0, 15 * 366 * 1440)
INSTANTS = MINUTES.map(lambda count: datetime(2015, 1, 1, tzinfo=UTC) + count * time_grid.MINUTE)
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@given(st.sampled_from(ZONES), st.lists(st.one_of(st.none(), INSTANTS), max_size=30))
def test_a_column_reads_the_wall_as_each_of_its_instants_does(name: str, instants: list[datetime | None]) -> None:
    zone = time_grid.zone(name)
    frame = pl.DataFrame({"at": instants}, schema={"at": pl.Datetime("us", "UTC")})
    found = frame.select(wall=local_time.wall(pl.col("at"), zone), day=local_time.day(pl.col("at"), zone))
    expected = [at and at.astimezone(zone).replace(tzinfo=None, fold=0) for at in instants]
    assert found["wall"].to_list() == expected
    assert found["day"].to_list() == [at and time_grid.local_day(at, zone) for at in instants]


@pytest.mark.parametrize("name", ZONES)
def test_the_days_of_a_column_have_the_bounds_of_time_grid(name: str) -> None:
    zone = time_grid.zone(name)
    for day in (date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 25), date(2026, 11, 1)):
        start, end = time_grid.day_bounds(day, zone)
        edges = pl.DataFrame({"at": [start - time_grid.MICROSECOND, start, end - time_grid.MICROSECOND, end]})
        found = edges.select(local_time.day(pl.col("at"), zone)).to_series().to_list()
        assert found == [day - timedelta(days=1), day, day, day + timedelta(days=1)]


def test_offsets_change_where_the_clock_does() -> None:
    prague = time_grid.zone("Europe/Prague")
    start, end = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert time_grid.offsets(start, end, prague) == [
        (start, hour),
        (datetime(2026, 3, 29, 1, tzinfo=UTC), 2 * hour),
        (datetime(2026, 10, 25, 1, tzinfo=UTC), hour),
    ]
    assert time_grid.offsets(start, start, prague) == [(start, hour)]


def test_zones_are_those_of_the_package_whose_release_we_choose() -> None:
    import importlib.resources

    with (importlib.resources.files("tzdata") / "zoneinfo" / "America" / "Vancouver").open("rb") as file:
        packaged = ZoneInfo.from_file(file)
    for month in range(1, 13):
        at = datetime(2026, month, 15, 12, tzinfo=UTC)
        offset = at.astimezone(time_grid.zone("America/Vancouver")).utcoffset()
        assert offset == at.astimezone(packaged).utcoffset()
    import zoneinfo

    assert zoneinfo.TZPATH == ()


@pytest.mark.parametrize("name", ZONES)
def test_the_database_reads_the_same_wall(warehouse: Warehouse, home01: Site, name: str) -> None:
    with warehouse.begin() as connection:
        sites.register(connection, [home01.model_copy(update={"timezone": name})], NOW)
        found = query(
            connection,
            """SELECT g AS at, g AT TIME ZONE 'UTC' + z.utc_offset AS wall
               FROM generate_series(CAST(:first AS timestamptz), CAST(:last AS timestamptz), interval '7 hours') g
               JOIN ems.zone_offset z ON z.timezone = :name AND g >= z.valid_from AND g < z.valid_to""",
            first=datetime(2025, 12, 31, tzinfo=UTC),
            last=datetime(2027, 1, 2, tzinfo=UTC),
            name=name,
        )
    zone = time_grid.zone(name)
    expected = [at.astimezone(zone).replace(tzinfo=None) for at in found["at"]]
    assert found.height > 1200
    assert found["wall"].to_list() == expected


def test_a_change_that_was_called_off_leaves_no_instant_without_an_offset_or_with_two(warehouse: Warehouse) -> None:
    name = "Europe/Prague"
    with warehouse.begin() as connection:
        clocks.renew(connection, [name], NOW)
        connection.exec_driver_sql(
            "INSERT INTO ems.zone_offset VALUES ('Europe/Prague', '2026-07-01', '2027-01-01', '5 hours')"
        )
        clocks.renew(connection, [name], NOW)
        valid = "SELECT * FROM ems.zone_offset WHERE timezone = :name AND valid_to > valid_from ORDER BY valid_from"
        periods = query(connection, valid, name=name)
        clocks.know(connection, [name], NOW)
        assert query(connection, valid, name=name).equals(periods)
    assert periods["valid_from"][1:].to_list() == periods["valid_to"][:-1].to_list()
    assert periods["valid_to"][-1] > NOW + clocks.RENEWED


OWN = {
    r"convert_time_zone\((?!\"UTC\"\))": ["local_time.py", "zone_tables.py"],  # doctor compares
    r"\bZoneInfo\(": ["time_grid.py"],
    r"AT TIME ZONE (?!'UTC')": ["zone_tables.py"],
    r"date_trunc\('(?:day|week|month|year)',(?![^)]*'UTC')": [],
    r"extract\((?!epoch)\w+ FROM [a-z_.]*_at\b": [],
}
"""Ways of asking somebody else which day it is, and who may."""


@pytest.mark.parametrize(
    "path", [*sorted(ROOT.rglob("*.py")), *sorted((ROOT.parent / "sql").rglob("R__*.sql"))], ids=lambda p: p.name
)
def test_nobody_asks_another_table_of_zones(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for pattern, allowed in OWN.items():
        if path.name not in allowed:
            assert not re.search(pattern, text), f"{path.name} has {pattern}: use local_time, or ems.zone_offset in SQL"
