"""What if is asked by an owner, waits, and shows its table; others look; whoever has no site there sees nothing."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.web.test_site_pages import plain_words

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
ANSWERED = """
DELETE FROM study.definition;
INSERT INTO study.definition VALUES ('what-if-1', '{}', now());
INSERT INTO study.part VALUES ('what-if-1', 'home01', 'as-is', '2026-01-01', 'a', 'b', 31, 30, 'c', now());
INSERT INTO study.saving VALUES ('what-if-1', 'battery-30', 'as-is', 'CZK', 'all', 'all', 1, 30, 900, 1000, 100, 80,
                                 120, now());
INSERT INTO study.what_if VALUES ('k', 'what-if-1', 'home01', '{}', true, 'CZK', '2026-01-01', '2026-01-31', 30,
                                  '{courses}', now());
INSERT INTO study.what_if_variant VALUES
    ('k', 0, 'as-is', 'spot', 15, 9.6, 30, 12000, 0, 0, 0, 0, NULL, NULL, NULL, 200, 1000),
    ('k', 1, 'battery-30', 'spot', 30, 9.6, 30, 10800, 1200, 900, 1500, 135000, 112.5, 90, 150, 120, 1300),
    ('k', 2, 'pv-20', 'spot', 15, 20, 30, 11900, 100, -50, 250, 90000, NULL, NULL, NULL, 210, 1100);
"""


@pytest.fixture
def anna(house: House) -> TestClient:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request CASCADE")
        connection.connection.cursor().execute(ANSWERED)
    return house.login("anna")


def test_an_owner_asks_waits_and_sees_the_table_and_the_picture(house: House, anna: TestClient) -> None:
    form = dict.fromkeys(("pv_kwp", "contract", "per_kwh", "low_per_kwh", "pv_price"), "")
    answer = anna.post(
        "/ui/home01/what-if", data=form | {"battery_kwh": "30", "battery_price": "9000"}, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text[:1500]
    where = answer.headers["location"]
    ((kind, asked),) = house.rows("SELECT kind, parameters FROM ems.request")
    assert (kind, asked) == ("what-if", {"battery_kwh": [30.0], "battery_price_per_kwh": 9000.0})
    assert "This page looks again by itself" in plain_words(anna.get(where).text)
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE ems.request SET state = 'done', ended_at = now(), result = %s",
            (json.dumps({"study": "what-if-1", "what_if": "k"}),),
        )
    page = anna.get(where).text
    told = plain_words(page)
    assert "<svg" in page
    assert "112.5 years (90.0 to 150.0)" in told
    assert "does not pay back" in told, "an interval that reaches zero"
    assert "30 days stand for a year" in told
    assert "30 of 31 days lived" in plain_words(anna.get("/ui/studies").text)
    wrong = anna.post("/ui/home01/what-if", data=form | {"battery_kwh": "ten"}, follow_redirects=False)
    assert (wrong.status_code, "is no list of sizes" in wrong.text) == (422, True)


def test_programs_read_the_same_and_the_web_writes_nothing_there(house: House, anna: TestClient) -> None:
    (one,) = anna.get("/api/v1/sites/home01/what-if").json()["items"]
    assert [v["variant"] for v in one["variants"]] == ["as-is", "battery-30", "pv-20"]
    assert one["variants"][2]["payback_years"] is None
    (study,) = anna.get("/api/v1/studies").json()["items"]
    assert (study["lived_days"], study["savings"][0]["saved_low"]) == (30, 80.0)
    for role in ("ems_web", "ems_writer", "ems_service"):
        may = f"""SELECT count(*) FROM pg_class WHERE relnamespace = 'study'::regnamespace AND relkind = 'r'
                  AND has_table_privilege('{role}', oid, 'SELECT, INSERT, UPDATE, DELETE')"""
        assert house.rows(may) == [(0,)], f"{role} by itself has no right in schema study"
