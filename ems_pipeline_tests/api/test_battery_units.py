"""Found batteries, what each said, Tempo days and schedules over HTTP: who may see what, and nothing that steers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from ems_pipeline.sites import Schedule, Site
from ems_pipeline.warehouse import found_batteries
from ems_pipeline.warehouse.found_batteries import FoundBattery
from ems_pipeline_tests.api.conftest import NOON, House
from ems_pipeline_tests.api.test_documents import arm, filed
from ems_pipeline_tests.api.test_reading import got, refused

pytestmark = pytest.mark.usefixtures("lived")
VENUS = FoundBattery("02ab4c5d6e71", "VenusE 3.0", 150.0, "192.168.1.57", 30_000, "04ab4c5d6e71")


@pytest.fixture
def anna(house: House) -> TestClient:
    """The owner of all, with nothing filed, armed or found."""
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request, ems.control_arm, ems.found_battery, ems.tempo_colour")
    return house.login("anna")


def test_a_found_battery_is_shown_with_where_it_is_to_owners_alone(house: House, anna: TestClient) -> None:
    with house.warehouse.begin() as connection:
        found_batteries.note(connection, [VENUS], [30_000], NOON)
    (found,) = got(anna, "/batteries/found")["items"]
    assert (found["ble_mac"], found["address"], found["udp_port"]) == ("02ab4c5d6e71", "192.168.1.57", 30_000)
    assert (found["is_active"], found["site"], found["gateway"]) == (True, None, None)
    assert refused(house.login("otto"), "/batteries/found") == (403, "permission_missing")


def test_what_a_battery_has_said_is_one_row_an_answer(house: House, anna: TestClient) -> None:
    said = {"battery_mode": (3, ""), "ongrid_power_w": (-2000, "W"), "offgrid_power_w": (0, "W")}
    at = NOON - timedelta(minutes=2)
    with house.warehouse.begin() as connection:
        for quantity, (value, unit) in {
            **said,
            "battery_soc_pct": (61.0, "%"),
            "battery_power_w": (-2000, "W"),
        }.items():
            connection.execute(
                sa.text("""
                    WITH named AS (
                        INSERT INTO ems.point (site_key, device_key, quantity, unit)
                        VALUES ('home01', 'inverter', :quantity, :unit)
                        ON CONFLICT (site_key, device_key, quantity) DO UPDATE SET unit = excluded.unit
                        RETURNING point_id)
                    INSERT INTO ems.telemetry (point_id, reported_at, received_at, value, quality)
                    SELECT point_id, :at, :at, :value, 0 FROM named ON CONFLICT DO NOTHING"""),
                {"quantity": quantity, "unit": unit, "value": value, "at": at},
            )
    start = (at - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    end = (at + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    (row,) = got(anna, f"/batteries/home01.pack/status?start={start}&end={end}")["items"]
    assert (row["soc_pct"], row["battery_kw"], row["ongrid_kw"], row["offgrid_kw"]) == (61, -2.0, -2.0, 0.0)
    assert (row["mode"], row["temperature_c"], row["capacity_kwh"]) == ("passive", None, None)
    assert refused(anna, "/batteries/home01.nothing/status") == (404, "battery_unknown")
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.telemetry WHERE reported_at = '2026-03-01 11:58:00+00'")


def test_tempo_days_are_told_as_announced_last_and_the_season_is_counted(house: House, anna: TestClient) -> None:
    days = [
        ("2026-02-27", "red", -60),
        ("2026-02-28", "white", -36),
        ("2026-03-01", "red", -12),
        ("2026-03-01", "white", -1),
    ]
    with house.warehouse.begin() as connection:
        for day, colour, hours in days:
            row = {"day": date.fromisoformat(day), "colour": colour, "at": NOON + timedelta(hours=hours)}
            statement = (
                "INSERT INTO ems.tempo_colour (day, colour, source, known_at) VALUES (:day, :colour, 'rte', :at)"
            )
            connection.execute(sa.text(statement), row)
    assert [(one["day"], one["colour"]) for one in got(anna, "/tempo")["items"]] == [
        ("2026-02-28", "white"), ("2026-03-01", "white"),
    ]  # fmt: skip
    season = got(anna, "/tempo/season")
    assert (season["first_day"], season["red"], season["red_left"]) == ("2025-09-01", 1, 21)
    assert (season["white"], season["white_left"], season["unknown"]) == (2, 41, 179)  # 182 days since September
    assert refused(anna, "/tempo?first=2026-03-01&last=2026-02-01") == (422, "out_of_range")


NIGHTS = {"site": "home01", "key": "nights", "asset": "pack", "mode": "charge", "power_kw": 3, "days": [0, 1, 2, 3, 4],
          "start": "22:00", "end": "06:00"}  # fmt: skip


def test_a_schedule_is_a_change_of_the_sites_document(house: House, anna: TestClient, home01: Site) -> None:
    said = anna.post("/api/v1/schedules", json=NIGHTS)
    assert said.status_code == 202, said.text
    (parameters,) = filed(house)
    site = Site.model_validate(parameters["document"])
    assert site.schedules == (
        Schedule.model_validate(
            {"key": "nights", "asset": "pack", "mode": "charge", "limits": {"charge_limit_w": 3000},
             "days": [0, 1, 2, 3, 4], "start": "22:00", "end": "06:00"}
        ),
    )  # fmt: skip
    assert site.model_copy(update={"schedules": ()}) == home01


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"mode": "dance"}, 422, "dance"), ({"asset": "nothing"}, 422, "nothing"), ({"start": "22:10"}, 422, "start"),
        ({"start": None, "end": "06:00"}, 422, "start"), ({"mode": "hold"}, 422, "has no power"),
        ({"power_kw": -1}, 422, "power_kw"), ({"days": [7]}, 422, "days"), ({"days": []}, 422, "days"),
        ({"colour": "red"}, 422, "colour"), ({"site": "home09"}, 404, "home09"),
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be_is_refused_and_nothing_is_filed(
    house: House, anna: TestClient, change: dict[str, Any], status: int, word: str
) -> None:
    said = anna.post("/api/v1/schedules", json=NIGHTS | change)
    assert (said.status_code, word in said.text) == (status, True), said.text
    assert filed(house) == []


def test_schedules_of_an_armed_site_stand_and_others_than_owners_only_look(house: House, anna: TestClient) -> None:
    arm(house.warehouse)
    assert anna.post("/api/v1/schedules", json=NIGHTS).status_code == 403
    otto = house.login("otto")
    assert otto.post("/api/v1/schedules", json=NIGHTS).status_code == 403
    assert got(otto, "/schedules")["items"] == []
    assert filed(house) == []


@pytest.mark.parametrize("how", ["patch", "delete"])
def test_a_schedule_that_is_not_there_is_told(house: House, anna: TestClient, how: str) -> None:
    said = (
        anna.patch("/api/v1/schedules/home01.x", json={"active": False})
        if how == "patch"
        else anna.delete("/api/v1/schedules/home01.x")
    )
    assert (said.status_code, said.json()["code"]) == (404, "schedule_unknown")
    assert filed(house) == []
