"""The car's and the heat card ask what a goal would cost, and file it after that; what holds is told and taken back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.warehouse import telemetry
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.readings import answers
from ems_pipeline_tests.web.test_site_pages import plain_words

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
PRAGUE = ZoneInfo("Europe/Prague")
EMPTY = dict.fromkeys(("ready", "until", "more_kwh", "from_pct", "to_pct", "current_a", "reason"), "")
CAR = EMPTY | {"asset": "car-1", "minutes": "60"}
"""As a browser sends it: what was not filled in is there, and empty."""


@pytest.fixture(autouse=True)
def nothing_filed(house: House) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request, ems.asset_goal, ems.control_override, ems.setpoint CASCADE")
        connection.exec_driver_sql(
            """DELETE FROM ems.telemetry WHERE point_id IN
               (SELECT point_id FROM ems.point WHERE quantity = 'session_energy_wh')"""
        )


@pytest.fixture
def anna(house: House) -> TestClient:
    """The owner, logged in once: a name may not log in more often than a few times a minute."""
    return house.login("anna")


def asked(anna: TestClient, path: str, **form: str) -> str:
    """The page a card leads to, where the price is awaited."""
    answer = anna.post(f"/ui/home01/{path}", data=form, follow_redirects=False)
    assert answer.status_code == 303, answer.text[:2000]
    return str(answer.headers["location"])


def shown(anna: TestClient, path: str) -> str:
    answer = anna.get(path)
    assert answer.status_code == 200, answer.text[:2000]
    return plain_words(answer.text)


def goal(house: House) -> dict[str, Any]:
    ((said,),) = house.rows("SELECT to_jsonb(g) FROM ems.asset_goal g WHERE cancelled_at IS NULL")
    return dict(said)


def answered(house: House, **result: Any) -> None:
    told = {"cost": 12.3, "currency": "CZK", "grid_kwh": 4.0, "asset_kwh": 6.5, "unmet": [], "unmet_without": []}
    told["ends_at"] = (datetime.now(UTC) + timedelta(hours=20)).isoformat()
    written = json.dumps(told | result)
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE ems.request SET state = 'done', ended_at = now(), result = %s WHERE kind = 'goal-price'",
            (written,),
        )


def test_a_car_on_the_sun_is_priced_by_a_request_confirmed_filed_told_and_taken_back(
    house: House, anna: TestClient
) -> None:
    form = {"mode": "solar", "more_kwh": "6", "ready": "06:30", "reason": "trip"}
    where = asked(anna, "car/check", **CAR | form)
    waiting = shown(anna, where)
    assert "car-1: only from the sun, 6.00 kWh, ready at" in waiting
    assert "waits" in waiting
    assert "Do it" not in waiting
    assert house.rows("SELECT 1 FROM ems.asset_goal") == [], "nothing is filed by asking"
    missing = {"key": "car-1@3", "what": "energy missing at departure", "amount": 2.0, "unit": "kWh"}
    answered(house, unmet=[missing])
    told = shown(anna, where)
    assert "costs about 12.30 CZK more" in told
    assert "Not reached: energy missing at departure 2.0 kWh" in told
    done = anna.post(where, data={}, follow_redirects=False)
    assert done.headers["location"] == "/ui/home01/override?done=wanted"
    filed = goal(house)
    assert (filed["source"], filed["energy_wh"], filed["reason"]) == ("solar", 6000, "trip")
    ready_at = datetime.fromisoformat(filed["ready_at"])
    assert f"{ready_at.astimezone(PRAGUE):%H:%M}" == "06:30"
    assert timedelta(0) < ready_at - datetime.now(UTC) <= timedelta(days=1)
    assert filed["until_at"] == filed["ready_at"]
    assert "Goal: car-1 only from the sun, 6.00 kWh" in shown(anna, "/ui/home01/now")
    anna.post(f"/ui/home01/goals/{filed['asset_goal_id']}/end", data={})
    ((by,),) = house.rows("SELECT cancelled_by FROM ems.asset_goal")
    assert by == "web:anna"


def test_a_target_in_per_cent_is_energy_at_the_wall_beside_what_the_car_has_had(house: House, anna: TestClient) -> None:
    """From 20 to 65 % of 60 kWh at 90 %: 30 kWh, and 2.5 kWh that its charger says it has had in this stay."""
    now = house.clock.now()
    said = Reading("wallbox-1", "session_energy_wh", "Wh", 2500.0, now, now, Quality.GOOD)
    with house.warehouse.begin() as connection:
        telemetry.store(connection, answers([("home01", said)]))
    asked(anna, "car/check", **CAR | {"mode": "any", "from_pct": "20", "to_pct": "65"})
    ((wanted,),) = house.rows("SELECT parameters ->> 'energy_wh' FROM ems.request")
    assert float(wanted) == pytest.approx(32_500)


def test_away_is_a_lower_band_until_a_day_and_clock_of_the_site(house: House, anna: TestClient) -> None:
    back = datetime.now(PRAGUE).replace(second=0, microsecond=0, tzinfo=None) + timedelta(days=3)
    where = asked(anna, "heat/check", asset="heating", comfort_min_c="16", until_on=back.isoformat(timespec="minutes"))
    answered(house, cost=-31.0)
    assert "heating: no colder than 16.0 °C" in shown(anna, where)
    assert "saves about 31.00 CZK" in shown(anna, where)
    anna.post(where, data={})
    filed = goal(house)
    assert (filed["comfort_min_c"], filed["comfort_max_c"]) == (16, None)
    assert datetime.fromisoformat(filed["until_at"]) == back.replace(tzinfo=PRAGUE)


def test_fast_is_an_override_at_once_and_with_energy_a_goal_beside_it(house: House, anna: TestClient) -> None:
    form = CAR | {"mode": "fast", "more_kwh": "8", "current_a": "16"}
    checked = anna.post("/ui/home01/car/check", data=form)
    assert "Beside it, a goal for the plan:" in checked.text
    anna.post("/ui/home01/car", data=form)
    assert house.rows("SELECT mode, limits FROM ems.control_override") == [("charge", {"current_a": 16})]
    assert (goal(house)["source"], goal(house)["energy_wh"]) == ("any", 8000)
    anna.post("/ui/home01/car", data=CAR | {"mode": "off"})
    assert house.rows("SELECT mode FROM ems.control_override ORDER BY 1") == [("charge",), ("off",)]


def test_hand_back_ends_every_goal_as_well(house: House, anna: TestClient) -> None:
    anna.post("/api/v1/sites/home01/goals", json={"asset": "car-1", "source": "solar"})
    assert anna.post("/ui/home01/hand-back", data={}, follow_redirects=False).status_code == 303
    assert house.rows("SELECT 1 FROM ems.asset_goal WHERE cancelled_at IS NULL") == []


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("car/check", CAR | {"mode": "any"}, "name energy, a target or when it is to be ready"),
        ("car/check", CAR | {"mode": "solar", "from_pct": "80", "to_pct": "20"}, "fill in both"),
        ("car/check", CAR | {"mode": "solar", "to_pct": "80"}, "fill in both"),
        (
            "car/check",
            CAR | {"mode": "solar", "more_kwh": "3", "from_pct": "10", "to_pct": "20"},
            "keep one of the two",
        ),
        ("car/check", {"asset": "pack", "mode": "solar", "minutes": "60"}, "pack is no charger"),
        ("car", CAR | {"mode": "solar"}, "ask what it would cost first"),
        ("heat/check", {"asset": "heating", "until_on": "2099-01-01T00:00"}, "heating that wants nothing"),
        ("heat/check", {"asset": "heating", "comfort_min_c": "24", "until_on": "2099-01-01T00:00"}, "is no band"),
    ],
)
def test_a_card_that_cannot_be_is_refused_with_its_remedy(
    house: House, anna: TestClient, path: str, form: dict[str, str], said: str
) -> None:
    answer = anna.post(f"/ui/home01/{path}", data=form)
    assert answer.status_code in (404, 422)
    assert said in answer.text
    assert house.rows("SELECT 1 FROM ems.asset_goal") == []


def test_the_price_of_another_site_or_kind_of_request_is_not_there(house: House, anna: TestClient) -> None:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ems.request (kind, site_key, requested_by, requested_at) "
            "VALUES ('plan-rolling', 'home01', 'web:anna', now())"
        )
    ((number,),) = house.rows("SELECT request_id FROM ems.request")
    assert anna.get(f"/ui/home01/goal/{number}").status_code == 404
