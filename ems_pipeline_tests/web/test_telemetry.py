"""Telemetry as a page: gaps stay gaps, averages are called so, and the file holds what the database holds."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from html import unescape

import pytest

from ems_pipeline_tests.api.conftest import House

PATH = "/ui/home01/telemetry"
YEAR = """
INSERT INTO ems.telemetry_15m (site_key, device_key, quantity, starts_at, mean_value, last_value, samples, coverage_pct)
SELECT 'home01', 'inverter', q.quantity, at,
       q.value + 400 * (extract(hour FROM at AT TIME ZONE 'UTC') >= 12)::int, q.value, 15, 100
FROM generate_series(timestamptz '2025-02-01 23:00+00', '2026-02-27 22:45+00', interval '15 min') AS at,
     (VALUES ('grid_power_w', 800.0), ('pv_power_w', 100.0)) AS q (quantity, value);
INSERT INTO ems.telemetry (point_id, reported_at, received_at, value, quality, reason)
SELECT point_id, timestamptz '2026-03-01 10:00+00' + n * interval '1 min', '2026-03-01 11:00+00', NULL, 2,
       'the line <is> dead'
FROM ems.point, generate_series(0, 4) AS n WHERE quantity = 'heat_pump_power_w';
"""


@pytest.fixture(autouse=True)
def measured(lived: object, house: House) -> Iterator[None]:
    """A year of two quantities, and five answers that did not come."""
    with house.warehouse.begin() as connection:
        connection.connection.cursor().execute(YEAR)
    yield
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.telemetry_15m WHERE starts_at < '2026-03-01'")
        connection.exec_driver_sql("DELETE FROM ems.telemetry WHERE quality = 2")


def table(shown: str, name: str) -> list[list[str]]:
    """The words of every row of a table's body."""
    (body,) = re.findall(rf'<table id="{name}">.*?<tbody>(.*?)</tbody>', shown, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    cells = [re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in row] for row in cells]


def test_a_quarter_hour_that_nobody_measured_is_a_gap_and_not_zero(house: House) -> None:
    shown = house.login("anna").get(PATH).text
    found = table(shown, "t-measured")
    assert len(found) == 96
    # 11:00 UTC is 12:00 in Prague: the grid said 800 W, the sun nothing, and so the house is not known either.
    assert found[48] == ["12:00", "–", "800 W", "–", "0 W", "0 W", "0 W", "–", "0 %"]
    assert set(found[47][1:]) == {"–"}
    assert "average" not in shown


def test_the_reason_of_a_gap_is_told(house: House) -> None:
    shown = house.login("anna").get(PATH).text
    assert "no answer: the line &lt;is&gt; dead" in shown
    assert "11:00–11:04" in shown
    over_a_month = house.login("anna").get(f"{PATH}?from=2026-02-01&to=2026-03-01").text
    assert "Reasons are looked up for up to seven days at a time." in over_a_month


def test_a_year_is_a_point_a_day_named_an_average_from_the_least_to_the_most(house: House) -> None:
    shown = house.login("anna").get(f"{PATH}?from=2025-03-01&to=2026-02-28").text
    found = table(shown, "t-measured")
    assert len(found) == 365
    assert found[0][2] == "1.00 kW"  # half of the day 800 W, the other half 1,200 W
    assert set(found[-1][1:]) == {"–"}, "nothing was measured on the last of them"
    assert "Each point is the average of 1 day; the shade reaches from the least to the most" in shown
    assert re.findall(r'data-slots="(\d+)"', shown) == ["365"]


@pytest.mark.parametrize(
    ("first", "last", "points"),
    [
        ("2025-03-30", "2025-03-30", 92), ("2025-10-26", "2025-10-26", 100), ("2026-02-01", "2026-02-07", 168),
        ("2025-03-24", "2025-03-30", 167), ("2026-02-01", "2026-02-28", 224), ("2026-01-01", "2026-02-28", 236),
        ("2025-02-01", "2026-03-01", 394),
    ],
)  # fmt: skip
def test_no_window_has_more_points_than_a_picture_has_room_for(
    house: House, first: str, last: str, points: int
) -> None:
    found = table(house.login("anna").get(f"{PATH}?from={first}&to={last}").text, "t-measured")
    assert len(found) == points <= 400


def test_the_file_holds_what_the_database_holds(house: House) -> None:
    answer = house.login("anna").get("/ui/home01/telemetry.csv?from=2026-03-01&to=2026-03-01")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="home01_2026-03-01_2026-03-01.csv"'
    ((row),) = csv.DictReader(answer.text.splitlines())
    assert (row["starts_at"], row["grid_w"], row["pv_w"], row["load_w"]) == ("2026-03-01 11:00:00+00", "800", "", "")
    year = house.login("anna").get("/ui/home01/telemetry.csv?from=2025-03-01&to=2026-02-28").text
    assert year.count("\n") - 1 == 364 * 96


@pytest.mark.parametrize(
    "query", ["from=2026-02-30", "from=2026-03-02&to=2026-03-01", "from=2020-01-01&to=2026-01-01", "form=2026-03-01"]
)
def test_days_that_make_no_window_are_refused(house: House, query: str) -> None:
    assert house.login("anna").get(f"{PATH}?{query}").status_code == 422


def test_a_site_that_measures_nothing_says_so(house: House) -> None:
    assert "Nothing was measured on these days." in house.login("anna").get("/ui/home02/telemetry").text
