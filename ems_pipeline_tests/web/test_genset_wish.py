"""A wish for a generating set: priced on the page before it is filed, filed over the API, and hours planned."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from starlette.testclient import TestClient

from ems_pipeline.sites import Site
from ems_pipeline.time_grid import floor_slot
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.web import halls
from ems_pipeline_tests.web.halls import HALL

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
PATH = f"/ui/{HALL}/override/check"
WISH = {"asset": "gas-1", "mode": "run", "power_kw": "100", "minutes": "60"}


@pytest.fixture
def slot(house: House) -> datetime:
    return floor_slot(house.clock.now())


def anna(house: House, home01: Site, slot: datetime, powers_w: list[float | None]) -> TestClient:
    """She looks at the hall while a plan holds; a kWh of fuel costs 5 there, a start 20."""
    with house.warehouse.begin() as connection:
        halls.empty(connection, home01)
        halls.planned(connection, slot, powers_w)
    return house.login("anna")


def told(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")


def test_an_hour_at_a_hundred_kilowatts_costs_fuel_and_a_start_less_what_is_not_bought(
    house: House, home01: Site, slot: datetime
) -> None:
    """100 kWh of fuel at 5 and a start at 20; 100 kWh less at 5."""
    said = told(anna(house, home01, slot, [None] * 8).post(PATH, data=WISH).text)
    assert "costs about 20.00 CZK more than the plan" in said
    assert "-100.00 kWh" in said.replace("\N{MINUS SIGN}", "-")
    assert "Fuel, engine hours and starts 520.00 CZK" in said
    assert "Stored afterwards" not in said


def test_a_wish_that_is_the_plan_costs_what_the_plan_costs(house: House, home01: Site, slot: datetime) -> None:
    assert "costs what the plan costs" in told(anna(house, home01, slot, [1e5] * 8).post(PATH, data=WISH).text)


def test_off_in_the_middle_of_a_run_buys_its_energy_and_needs_another_start(
    house: House, home01: Site, slot: datetime
) -> None:
    asked = anna(house, home01, slot, [1e5] * 8).post(PATH, data={"asset": "gas-1", "mode": "off", "minutes": "60"})
    assert "costs about 20.00 CZK more than the plan" in told(asked.text)


def test_beyond_the_plan_nothing_is_said(house: House, home01: Site, slot: datetime) -> None:
    asked = anna(house, home01, slot, [None] * 2).post(PATH, data=WISH)
    assert "What it costs cannot be said" in told(asked.text)


def test_over_the_api_a_set_is_told_to_run_with_a_power_and_to_stand(
    house: House, home01: Site, slot: datetime
) -> None:
    client = anna(house, home01, slot, [None] * 8)
    wish = {"asset": "gas-1", "mode": "run", "limits": {"power_w": 100_000}, "duration_minutes": 60}
    filed = client.post(f"/api/v1/sites/{HALL}/overrides", json=wish)
    assert (filed.status_code, filed.json()["limits"]) == (202, {"power_w": 100_000})
    off = {"asset": "gas-1", "mode": "off", "duration_minutes": 60}
    assert client.post(f"/api/v1/sites/{HALL}/overrides", json=off).status_code == 202
    unfit = client.post(f"/api/v1/sites/{HALL}/overrides", json=wish | {"limits": {"power_limit_w": 1}})
    assert unfit.status_code == 422
    assert "power_w" in unfit.json()["detail"]


def test_meters_say_how_long_the_plan_lets_a_set_turn(house: House, home01: Site, slot: datetime) -> None:
    client = anna(house, home01, slot, [None, 0.0, 1e5, 1e5, *[None] * 96, 1e5])
    (one,) = client.get(f"/api/v1/maintenance/meters?site={HALL}").json()["items"]
    assert (one["asset"], one["hours"], one["planned_day_h"], one["planned_h"]) == ("gas-1", None, 0.75, 1.0)
    shown = told(client.get(f"/ui/{HALL}/maintenance").text)
    assert "Planned to run: 0.8 h in the next 24 h, 1.0 h until" in shown, shown[shown.index("Planned") :][:90]
