"""A document over HTTP never enables control, moves an address, or touches a limit of an armed site."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, arming
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.api.conftest import NOON, House

PATH = "/api/v1/sites/home01"


@pytest.fixture
def anna(house: House) -> TestClient:
    """The owner, of an installation where nothing is filed and nothing armed."""
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request, ems.control_arm")
    return house.login("anna")


def filed(house: House) -> list[Any]:
    return [row[0] for row in house.rows("SELECT parameters FROM ems.request WHERE kind = 'site-document'")]


def arm(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        arming.arm(connection, "home01", NOON, "test")


def test_a_change_is_filed_as_a_whole_document_with_the_version_it_was_made_on(
    house: House, anna: TestClient, home01: Site
) -> None:
    said = anna.patch(PATH, json={"usual_load_w": 500})
    assert said.status_code == 202, said.text
    (parameters,) = filed(house)
    assert parameters["made_on"] == registry.config_hash(home01)
    assert Site.model_validate(parameters["document"]) == home01.model_copy(update={"usual_load_w": 500.0})


FORBIDDEN = [
    {"control": {"enabled": False}},
    {"control": {"setpoint_ttl_minutes": 120}},
    {"gateways": []},
    {"gateways": [{"key": "rs485", "transport": "modbus-tcp", "host": "10.0.0.1", "port": 502}]},
    {"key": "home03"},
]


@pytest.mark.parametrize("change", FORBIDDEN)
@pytest.mark.parametrize("is_armed", [True, False])
def test_what_steers_comes_from_the_file_alone(
    house: House, anna: TestClient, change: dict[str, Any], is_armed: bool
) -> None:
    if is_armed:
        arm(house.warehouse)
    said = anna.patch(PATH, json=change)
    assert said.status_code in (403, 422), said.text
    assert filed(house) == []


LIMITS: list[tuple[str, dict[str, Any]]] = [
    ("grid", {"grid": {"import_limit_w": 30000}}),
    ("grid", {"grid": {"import_limit_w": 16000}}),
    ("batteries", {"batteries": []}),
    (
        "schedules",
        {"schedules": [{"key": "s", "asset": "heating", "mode": "blocked", "start": "23:00", "end": "05:00"}]},
    ),
    ("timezone", {"timezone": "Europe/Berlin"}),
]


@pytest.mark.parametrize(("field", "change"), LIMITS)
def test_of_an_armed_site_no_limit_changes_and_of_another_it_may(
    house: House, anna: TestClient, field: str, change: dict[str, Any]
) -> None:
    arm(house.warehouse)
    said = anna.patch(PATH, json=change)
    assert (said.status_code, said.json()["code"], said.json()["field"]) == (403, "from_the_file_alone", field)
    assert anna.post(f"{PATH}/disarm").status_code == 202
    assert anna.patch(PATH, json=change).status_code == 202


@pytest.mark.parametrize("change", [{"name": "Home"}, {"usual_load_w": 300}, {"planning": {"resolved_slots": 4}}])
def test_what_moves_nothing_changes_on_an_armed_site_too(
    house: House, anna: TestClient, change: dict[str, Any]
) -> None:
    arm(house.warehouse)
    assert anna.patch(PATH, json=change).status_code == 202


METER = {"key": "meter", "map": "eastron-sdm630", "gateway": "rs485", "unit_id": 40}


def test_devices_come_and_go_behind_known_gateways_while_nobody_armed(house: House, anna: TestClient) -> None:
    assert anna.post(f"{PATH}/devices", json=METER).status_code == 202
    assert anna.patch(f"{PATH}/devices/inverter", json={"unit_id": 2}).status_code == 202
    assert anna.delete(f"{PATH}/devices/loxone").status_code == 202
    kept = [{d["key"]: d["unit_id"] for d in said["document"]["devices"]} for said in filed(house)]
    assert [len(devices) for devices in kept] == [6, 5, 4]
    assert (kept[0]["meter"], kept[1]["inverter"]) == (40, 2)
    elsewhere = anna.post(f"{PATH}/devices", json=METER | {"gateway": "10-0-0-1"})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "site_faulty")
    assert anna.delete(f"{PATH}/devices/inverter").json()["code"] == "site_faulty", "assets still name it"
    assert anna.delete(f"{PATH}/devices/nothing").json()["code"] == "device_unknown"
    arm(house.warehouse)
    assert anna.post(f"{PATH}/devices", json=METER).json()["code"] == "from_the_file_alone"


def test_a_new_site_comes_without_addresses_and_without_control(house: House, anna: TestClient, home01: Site) -> None:
    whole = home01.model_dump(mode="json") | {"key": "home03"}
    assert anna.post("/api/v1/sites", json=whole).json()["code"] == "from_the_file_alone"
    bare = whole | {"gateways": [], "devices": [], "control": {"enabled": False}}
    for kind in ("pv", "batteries", "chargers", "heat_pumps"):
        bare[kind] = [part | {"device": None} for part in bare[kind]]
    assert anna.post("/api/v1/sites", json=bare | {"control": {"enabled": True}}).status_code == 403
    assert anna.post("/api/v1/sites", json=bare).status_code == 202
    assert anna.post("/api/v1/sites", json=bare | {"key": "home02"}).json()["code"] == "site_exists"
    assert [said["document"]["key"] for said in filed(house)] == ["home03"]


def test_documents_are_the_owners(house: House, anna: TestClient) -> None:
    del anna
    for name in ("otto", "ada"):
        browser = house.login(name)
        assert browser.get(f"{PATH}/document").status_code == 403
        assert browser.patch(PATH, json={"name": "x"}).status_code == 403
        assert browser.delete(PATH).status_code == 403
        assert browser.post(f"{PATH}/devices", json=METER).status_code == 403
    assert filed(house) == []


def test_faults_of_a_document_are_told_as_those_of_a_file(house: House, anna: TestClient) -> None:
    said = anna.patch(PATH, json={"usual_lod_w": 3})
    assert (said.status_code, said.json()["code"]) == (422, "site_faulty")
    assert "usual_load_w" in said.json()["detail"]
    assert filed(house) == []


def test_going_out_of_service_is_a_version_and_coming_back_is_done_on_the_machine(
    house: House, anna: TestClient, home01: Site
) -> None:
    arm(house.warehouse)
    assert anna.delete(PATH).status_code == 202
    assert filed(house)[0]["document"]["active"] is False
    with house.warehouse.begin() as connection:
        registry.register(connection, [home01.model_copy(update={"active": False})], NOON)
    try:
        assert anna.patch(PATH, json={"active": True}).json()["code"] == "from_the_file_alone"
    finally:
        with house.warehouse.begin() as connection:
            registry.register(connection, [home01], NOON)
            registry.set_active(connection, "home01", is_active=True)
