"""Genset alarms over HTTP: listed, known, shelved and counted, each within one's sites and in one's name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ems_pipeline.gensets.alarms.alarm import Controller
from ems_pipeline.gensets.states import AlarmGroup
from ems_pipeline.scada.alarms import Alarms
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.api.test_writing import posted
from ems_pipeline_tests.gensets.seen import POLL, bits, shot

pytestmark = pytest.mark.usefixtures("stocked", "now_is_now")
PATH = "/gensets/alarms"
BEGIN = datetime.now(UTC) - timedelta(minutes=20)
INVERTER = Controller("home01", "inverter")


@pytest.fixture(autouse=True)
def stopped(house: House) -> Iterator[None]:
    """A set that has stopped: first by reverse power, then by overspeed, and with low fuel all the time."""
    alarms = Alarms(house.warehouse, {INVERTER: ()})
    fuel, stop = bits("low_fuel"), bits("overspeed", group=AlarmGroup.SHUTDOWN)
    rounds = [fuel, fuel | bits("reverse_power", group=AlarmGroup.TRIP), fuel | stop, fuel | stop]
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.genset_alarm, ems.genset_removal, ems.alarm CASCADE")
    for number, seen in enumerate(rounds):
        at = BEGIN + number * POLL
        alarms.take(at, [shot(at, seen, site="home01", device="inverter")])
    yield
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.genset_alarm, ems.genset_removal, ems.alarm CASCADE")


def listed(house: House, who: str = "anna", query: str = "") -> dict[str, dict[str, Any]]:
    found = house.login(who).get(f"/api/v1{PATH}{query}").json()["items"]
    return {one["name"]: one for one in found}


def test_what_stands_says_which_came_first_and_how_grave_it_is(house: House) -> None:
    found = listed(house)
    assert {name: (one["state"], one["severity"], one["place"]) for name, one in found.items()} == {
        "low_fuel": ("unacknowledged", "warning", None),
        "reverse_power": ("returned", "warning", 1),
        "overspeed": ("unacknowledged", "critical", 2),
    }
    assert found["low_fuel"]["title"] == "Fuel level too low"
    assert listed(house, "vera") == {}


def test_an_alarm_is_acknowledged_in_a_name_with_a_reason_and_once(house: House) -> None:
    otto, number = house.login("otto"), listed(house)["low_fuel"]["genset_alarm_id"]
    for _ in range(2):
        told = posted(otto, f"{PATH}/{number}/acknowledge", 200, reason="the tank is being filled")
        assert (told["state"], told["acknowledged_by"]) == ("acknowledged", "web:otto")
    whole = otto.get(f"/api/v1{PATH}/{number}").json()
    assert [(one["what"], one["by_whom"], one["reason"]) for one in whole["steps"]] == [
        ("raised", None, ""), ("acknowledged", "web:otto", "the tank is being filled"),
    ]  # fmt: skip


def test_what_ends_by_an_acknowledgement_is_told_again_to_who_asks_again_and_refused_to_others(house: House) -> None:
    number = listed(house)["reverse_power"]["genset_alarm_id"]
    otto = house.login("otto")
    said = [posted(otto, f"{PATH}/{number}/acknowledge", 200)["state"] for _ in range(2)]
    assert said == ["normal", "normal"]
    assert posted(house.login("anna"), f"{PATH}/{number}/acknowledge", 409)["code"] == "is_over"


def test_a_shelf_has_one_end_and_a_reason(house: House) -> None:
    anna, number = house.login("anna"), listed(house)["low_fuel"]["genset_alarm_id"]
    path = f"{PATH}/{number}/shelve"
    shelved = posted(anna, path, 200, duration_minutes=60, reason="sensor ordered")
    assert (shelved["shown_as"], shelved["shelved_by"]) == ("shelved", "web:anna")
    assert posted(anna, path, 422, reason="sensor ordered")["code"] == "out_of_range"
    assert posted(anna, path, 422, duration_minutes=721, reason="why")["code"] == "invalid"
    far = (datetime.now(UTC) + timedelta(hours=13)).isoformat()
    assert "within twelve hours" in posted(anna, path, 422, until_at=far, reason="why")["detail"]
    assert posted(anna, path, 422, duration_minutes=60, reason="")["code"] == "invalid"
    assert posted(anna, f"{PATH}/{number}/unshelve", 200)["shown_as"] == "unacknowledged"


def test_a_controller_out_of_service_is_listed_with_its_reason(house: House) -> None:
    anna, path = house.login("anna"), "/sites/home01/gensets/inverter"
    assert anna.post(f"/api/v1{path}/out-of-service", json={"reason": "TO-2"}).status_code == 204
    (found,) = anna.get("/api/v1/gensets/out-of-service").json()["items"]
    assert (found["device"], found["reason"], found["removed_by"]) == ("inverter", "TO-2", "web:anna")
    assert posted(anna, "/sites/home01/gensets/nothing/out-of-service", 422, reason="x")["detail"]
    assert anna.post(f"/api/v1{path}/in-service", json={}).status_code == 204
    assert anna.get("/api/v1/gensets/out-of-service").json()["items"] == []


def test_the_report_counts_what_came_and_how_fast_somebody_knew(house: House) -> None:
    number = listed(house)["low_fuel"]["genset_alarm_id"]
    posted(house.login("anna"), f"{PATH}/{number}/acknowledge", 200)
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE ems.genset_alarm_event SET at = %(at)s WHERE what = 'acknowledged'",
            {"at": BEGIN + timedelta(seconds=90)},
        )
    report = house.login("anna").get(f"/api/v1{PATH}/report").json()
    (site,) = report["sites"]
    assert (site["raised"], site["judged"], site["median_ack_s"]) == (3, "good", 90.0)
    assert site["by_group"] == {"warning": 1, "trip": 1, "shutdown": 1}
    assert [(one["name"], one["raised"], one["came_first"]) for one in report["bad_actors"]] == [
        ("overspeed", 1, 0), ("reverse_power", 1, 1), ("low_fuel", 1, 0),
    ]  # fmt: skip
    assert house.login("vera").get(f"/api/v1{PATH}/report").json()["sites"] == []


def test_three_times_within_a_minute_is_chattering_and_ten_in_ten_minutes_a_flood(house: House) -> None:
    """By hand: of 12 in 24 s ten are a third within a minute; 15 alarms in one of 1008 ten minutes are a flood."""
    alarms = Alarms(house.warehouse, {INVERTER: ()})
    for number in range(24):
        at = BEGIN + timedelta(minutes=1) + number * POLL / 2
        seen = bits("input_1") if number % 2 == 0 else ()
        alarms.take(at, [shot(at, seen, site="home01", device="inverter")])
    start = (BEGIN - timedelta(minutes=1)).isoformat().replace("+", "%2B")
    end = (BEGIN - timedelta(minutes=1) + timedelta(days=7)).isoformat().replace("+", "%2B")
    report = house.login("anna").get(f"/api/v1{PATH}/report?start={start}&end={end}").json()
    worst = report["bad_actors"][0]
    assert (worst["name"], worst["raised"], worst["chattered"], worst["share_pct"]) == ("input_1", 12, 10, 80.0)
    (site,) = report["sites"]
    assert (site["most_in_ten_minutes"], site["flood_pct"]) == (15, pytest.approx(100 / 1008))


def test_the_journal_is_read_page_by_page(house: House) -> None:
    anna = house.login("anna")
    first = anna.get(f"/api/v1{PATH}/journal?limit=3").json()
    rest = anna.get(f"/api/v1{PATH}/journal?limit=3&cursor={first['next_cursor']}").json()
    assert [one["what"] for one in first["items"] + rest["items"]] == ["raised", "returned", "raised", "raised"]
