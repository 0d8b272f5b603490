"""The page of a request: where it stands, how it ended, and that it looks again until then."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ems_pipeline_tests.api.conftest import House

NUMBER = "0b1f3c1e-6a0e-4a53-9a51-6f2c8f3d7a10"
PATH = f"/ui/requests/{NUMBER}"


@pytest.fixture(autouse=True)
def asked(lived: object, house: House) -> Iterator[None]:
    """One that waits."""
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ems.request (request_id, kind, site_key, requested_by, requested_at) "
            f"VALUES ('{NUMBER}', 'telemetry-read', 'home01', 'web:anna', '2026-03-01 11:59+00')"
        )
    yield
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request")


def ended(house: House, state: str, result: str = "NULL", problem: str = "") -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE ems.request SET state = '{state}', ended_at = '2026-03-01 11:59:30+00', result = {result}, "
            "problem = %(problem)s",
            {"problem": problem},
        )


def test_one_that_waits_is_looked_at_again_with_and_without_a_script(house: House) -> None:
    shown = house.login("anna").get(PATH).text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in shown
    assert "data-soon" in shown
    assert "Read a device" in shown
    assert "1 minute ago" in shown


def test_one_that_is_done_says_what_it_brought_and_rests(house: House) -> None:
    readings = [
        {"device": "inverter", "quantity": "grid_power_w", "value": 1250, "unit": "W", "reason": None},
        {"device": "inverter", "quantity": "pv_power_w", "value": None, "unit": "W", "reason": "<dead>"},
    ]
    ended(house, "done", f"'{json.dumps({'readings': readings})}'")
    shown = house.login("anna").get(PATH).text
    assert "1.25\xa0kW" in shown
    assert "&lt;dead&gt;" in shown
    assert "http-equiv" not in shown
    assert "data-soon" not in shown


def test_one_that_failed_says_why_and_what_mends_it(house: House) -> None:
    ended(house, "failed", problem="nothing answered: <b>; look at the device's power")
    shown = house.login("anna").get(PATH).text
    assert "nothing answered: &lt;b&gt;; look at the device&#39;s power" in shown
    assert "nothing answered" in house.login("anna").get("/ui/requests").text


def test_one_about_somebody_elses_site_is_not_there(house: House) -> None:
    vera = house.login("vera")
    assert vera.get(PATH).status_code == 404
    assert NUMBER not in vera.get("/ui/requests").text
