"""Commands to sets over HTTP: a reason, a code within a minute, another's by name, locks of whoever placed them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from ems_pipeline.sites import Site
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.scada.halls import fresh

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
PATH = "/api/v1/gensets/home01/set-1"
START = {"kind": "start", "power_w": 128_000, "reason": "peak tonight"}


@pytest.fixture
def otto(house: House, home01: Site) -> TestClient:
    """An operator of home01, which has two sets and nothing filed."""
    fresh(house.warehouse, home01, datetime.now(UTC))
    return house.login("otto")


def filed(browser: TestClient, body: dict[str, Any] | None = None, path: str = "") -> dict[str, Any]:
    said = browser.post(f"{PATH}/commands{path}", json=body or START)
    assert said.status_code == 202, said.text
    return dict(said.json())


def test_a_command_waits_for_its_code_and_is_confirmed_once_by_whoever_filed_it(house: House, otto: TestClient) -> None:
    found = filed(otto)
    assert (found["kind"], len(found["code"])) == ("start", 8)
    assert house.rows("SELECT state, asked_by FROM ems.genset_command") == [("asked", "web:otto")]
    anna, way = house.login("anna"), f"{PATH}/commands/{found['command_id']}/confirm"
    refused = anna.post(way, json={"code": found["code"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "refused")
    told = filed(otto, {"code": found["code"].lower()}, f"/{found['command_id']}/confirm")
    assert (told["state"], told["steps"]) == ("confirmed", [])
    assert "is confirmed already" in otto.post(way, json={"code": found["code"]}).text


def test_another_person_is_told_whose_command_stands_in_the_way_and_may_take_it_back(
    house: House, otto: TestClient
) -> None:
    found = filed(otto)
    filed(otto, {"code": found["code"]}, f"/{found['command_id']}/confirm")
    anna = house.login("anna")
    refused = anna.post(f"{PATH}/commands", json={"kind": "stop", "reason": "noise"})
    assert refused.status_code == 422
    assert "start of web:otto is under way at set-1" in refused.text
    taken = anna.delete(f"{PATH}/commands/{found['command_id']}").json()
    assert (taken["state"], taken["cancelled_by"]) == ("cancelled", "web:anna")
    assert anna.delete(f"{PATH}/commands/{found['command_id']}").json()["code"] == "is_over"
    (listed,) = anna.get(f"{PATH}/commands").json()["items"]
    assert (listed["command_id"], listed["state"]) == (found["command_id"], "cancelled")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "start"}, 422),
        ({"kind": "breaker", "reason": "x"}, 422),
        ({"kind": "start", "reason": "x", "power_w": 1000}, 422),
        ({"kind": "start", "reason": " "}, 422),
    ],
)
def test_what_may_not_be_asked_is_refused(house: House, otto: TestClient, body: dict[str, Any], status: int) -> None:
    assert otto.post(f"{PATH}/commands", json=body).status_code == status
    assert house.rows("SELECT FROM ems.genset_command") == []


def test_a_dry_run_files_nothing_and_tells_no_code(house: House, otto: TestClient) -> None:
    said = otto.post(f"{PATH}/commands?dry_run=true", json=START)
    assert (said.status_code, said.json()["code"]) == (200, None)
    assert house.rows("SELECT FROM ems.genset_command") == []


def test_who_may_only_look_commands_nothing_and_a_stranger_sees_nothing(house: House, otto: TestClient) -> None:
    assert house.login("ada").post(f"{PATH}/commands", json=START).status_code == 403
    assert house.login("vera").get(f"{PATH}/commands").status_code == 404
    assert otto.get(f"{PATH}/commands").status_code == 200


def test_a_lock_is_lifted_by_whoever_placed_it(house: House, otto: TestClient) -> None:
    placed = otto.post(f"{PATH}/locks", json={"reason": "belts are off"})
    assert placed.status_code == 201, placed.text
    number = placed.json()["lock_id"]
    refused = house.login("anna").delete(f"{PATH}/locks/{number}")
    assert (refused.status_code, refused.json()["code"]) == (422, "refused")
    assert [one["reason"] for one in otto.get(f"{PATH}/locks").json()["items"]] == ["belts are off"]
    assert otto.delete(f"{PATH}/locks/{number}").json()["lifted_at"] is not None
    assert otto.get(f"{PATH}/locks").json()["items"] == []
