"""Money as pages: amounts of the database to the cent, unknown ones a dash, sums only of what is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest

from ems_pipeline_tests.api.conftest import House

PATH = "/ui/home01/money"
DAYS = """
INSERT INTO ems.audit_day (site_key, day, currency, slots, settled_slots, coverage_pct, cost, no_battery_cost,
                           no_battery_saving, self_use_cost, self_use_saving, is_provisional, is_restated, known_at)
VALUES ('home01', '2026-02-25', 'CZK', 96, 0, 3, NULL, NULL, NULL, NULL, NULL, NULL, false, '2026-02-26 00:20+00'),
       ('home01', '2026-02-26', 'CZK', 96, 96, 100, -4.5, 10, 14.5, 1, 5.5, true, true, '2026-02-27 00:20+00'),
       ('home01', '2026-01-31', 'CZK', 96, 96, 100, 7, 9, 2, 8, 1, false, false, '2026-02-01 00:20+00');
UPDATE ems.audit_interval SET planned_mode = 'charge', planned_soc_pct = 60, soc_pct = 58, revision = 2
WHERE site_key = 'home01' AND starts_at = '2026-03-01 10:00+00';
"""


@pytest.fixture(autouse=True)
def settled(lived: object, house: House) -> Iterator[None]:
    """Three more days: one unknown, one that earned, one of the month before."""
    with house.warehouse.begin() as connection:
        connection.connection.cursor().execute(DAYS)
    yield
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.audit_day WHERE day < '2026-02-27'")


def said(shown: str) -> str:
    """The words of a page, numbers without their special blanks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def cells(shown: str, first: str) -> list[str]:
    """The row of a table that begins with these words."""
    rows = re.findall(r"<tr>(.*?)</tr>", shown, re.DOTALL)
    (found,) = [row for row in rows if said(row).startswith(first)]
    return [said(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", found, re.DOTALL)]


def test_a_day_is_shown_as_it_was_settled(house: House) -> None:
    shown = house.login("anna").get(PATH).text
    assert cells(shown, "Sat 28 Feb") == [
        "Sat 28 Feb", "38.12 CZK", "36.90 CZK", "61.03 CZK", "22.91 CZK", "–", "–", "18.2 kWh", "–", "95 %",
        "90 of 96 settled",
    ]  # fmt: skip
    assert cells(shown, "Thu 26 Feb")[1:7] == ["-4.50 CZK", "–", "10.00 CZK", "14.50 CZK", "1.00 CZK", "5.50 CZK"]
    assert cells(shown, "Thu 26 Feb")[-1] == "provisional restated"


def test_what_it_would_have_cost_otherwise_is_a_table_with_its_days_and_reasons(house: House) -> None:
    shown = house.login("anna").get(PATH).text
    assert cells(shown, "Timer") == [
        "Timer: charges in the four cheapest hours", "41.50 CZK", "1.50 CZK", "2.00 CZK", "2.00 CZK", "modelled",
    ]  # fmt: skip
    assert cells(shown, "The plan of midnight")[1:] == [
        "–", "–", "–", "–", "modelled the plan reaches 4 of 96",
    ]  # fmt: skip


def test_what_cost_most_comes_first_and_the_sum_last(house: House) -> None:
    shown = house.login("anna").get(PATH).text
    table = said(shown[shown.index("h-regret") : shown.index("h-months")])
    names = ["Forecast of the house", "Devices did otherwise", "What cannot be told apart", "Forecast of the sun",
             "More than with perfect foresight"]  # fmt: skip
    assert sorted(names, key=table.index) == names
    assert cells(shown, "Forecast of the house")[1:] == ["2.50 CZK", ""]
    assert cells(shown, "Forecast of the sun")[1:] == ["–", "not stored"]
    assert "Cars came otherwise" not in table, "it cost nothing"


def test_an_unknown_day_is_a_dash_in_the_table_and_in_no_sum(house: House) -> None:
    shown = house.login("anna").get(PATH).text
    assert cells(shown, "Wed 25 Feb")[1:7] == ["–"] * 6
    assert "Cost 70.62 CZK 4 of 5 days" in said(shown)  # 38.12 + 30 - 4.50 + 7 of January
    assert "59.41 CZK 4 of 5 days" in said(shown)  # 22.91 + 20 + 14.50 + 2
    assert cells(shown, "February 2026")[1:3] == ["4", "63.62 CZK 3 of 4 days"]


def test_a_month_has_its_own_days(house: House) -> None:
    shown = house.login("anna").get(f"{PATH}?month=2026-01").text
    assert "Cost 7.00 CZK" in said(shown)
    assert "Sat 31 Jan" in said(shown)
    assert "28 Feb" not in said(shown)
    assert house.login("anna").get(f"{PATH}?month=2026-13").status_code == 422


def test_a_quarter_hour_is_planned_and_actual_side_by_side(house: House) -> None:
    shown = house.login("anna").get(f"{PATH}/2026-03-01").text
    # 1 kW bought at 4 for a quarter of an hour costs 1; 2 kW were planned.
    assert cells(shown, "11:00") == [
        "11:00", "charge", "2.00 kW", "1.00 kW", "–", "–", "58 %", "4.00", "2.00", "1.00 *", "100 %"
    ]  # fmt: skip
    assert cells(shown, "11:15")[-3:] == ["-0.50", "-0.50", "100 %"]
    assert cells(shown, "11:30")[2:4] == ["500 W", "–"]
    assert cells(shown, "11:30")[-2:] == ["–", "0 %"]
    assert "Today so far" in said(shown)


@pytest.mark.parametrize(("day", "slots"), [("2026-03-29", 92), ("2025-10-26", 100), ("2026-03-01", 96)])
def test_a_day_is_drawn_with_the_quarter_hours_it_has(house: House, day: str, slots: int) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ems.audit_interval (site_key, starts_at, coverage_pct, known_at) "
            f"VALUES ('home01', '{day} 10:00+00', 0, '2026-03-01 11:00+00') ON CONFLICT DO NOTHING"
        )
    shown = house.login("anna").get(f"{PATH}/{day}").text
    assert re.findall(r'data-slots="(\d+)"', shown) == [str(slots)] * 2


def test_a_day_that_is_none_is_refused_and_one_without_rows_says_so(house: House) -> None:
    anna = house.login("anna")
    assert anna.get(f"{PATH}/2026-02-30").status_code == 422
    assert "This day is not settled." in said(anna.get(f"{PATH}/2024-05-01").text)
    assert "No day of these is settled." in said(anna.get("/ui/home02/money").text)


def test_of_a_day_looked_back_at_only_what_is_over_is_settled(house: House) -> None:
    anna = house.login("anna")
    before = anna.get("/api/v1/sites/home01/money").json()["today"]
    with house.warehouse.begin() as connection:  # a quarter-hour that has just begun
        connection.exec_driver_sql(
            """INSERT INTO ems.audit_interval (site_key, starts_at, grid_w, buy_per_kwh, sell_per_kwh,
                   coverage_pct, known_at)
               VALUES ('home01', '2026-03-01 12:00+00', 1000, 4, 2, 100, '2026-03-01 12:20+00')"""
        )
    assert (before["settled_slots"], before["past_slots"]) == (2, 52)  # since 23:00 UTC; one of three has no cost
    assert anna.get("/api/v1/sites/home01/money").json()["today"] == before


def test_a_day_with_sets_names_what_it_would_have_cost_without_them_and_the_peaks(house: House) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE ems.audit_day SET genset_cost = 30, no_genset_cost = 52, no_genset_saving = 14, "
            "no_genset_over_wh = 55000, import_peak_w = 60000, no_genset_peak_w = 260000 "
            "WHERE site_key = 'home01' AND day = '2026-02-28'"
        )
    try:
        anna = house.login("anna")
        row = cells(anna.get(PATH).text, "Sat 28 Feb")
        assert row[7:10] == ["30.00 CZK", "52.00 CZK", "14.00 CZK"]
        day = said(anna.get(f"{PATH}/2026-02-28").text)
        assert "Without gensets 52.00 CZK saved 14.00 CZK" in day
        assert "Highest quarter-hour bought 60.0 kW without gensets 260.0 kW" in day
        assert "without gensets 55.0 kWh would have been beyond the connection" in day
    finally:
        with house.warehouse.begin() as connection:
            connection.exec_driver_sql("UPDATE ems.audit_day SET genset_cost = NULL WHERE site_key = 'home01'")
