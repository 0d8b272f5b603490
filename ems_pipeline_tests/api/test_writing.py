"""What routes file: overrides and requests, bounded and in somebody's name; letting go, and never arming."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from ems_pipeline_tests.api.conftest import House

pytestmark = pytest.mark.usefixtures("lived")


@pytest.fixture
def otto(house: House) -> TestClient:
    """An operator of home01, and of nothing else, with nothing filed yet."""
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request, ems.control_override, ems.setpoint, ems.setpoint_event")
    return house.login("otto")


def posted(browser: TestClient, path: str, status: int = 202, **body: Any) -> Any:
    said = browser.post(f"/api/v1{path}", json=body)
    assert said.status_code == status, said.text
    return said.json()


def requests(house: House) -> list[tuple[str, str | None, Any, str, str]]:
    found = house.rows("SELECT kind, site_key, parameters, state, requested_by FROM ems.request ORDER BY kind")
    return [tuple(row) for row in found]


ASKED = [
    ("/sites/home01/prices/import?date=2026-03-02", {}, "prices-import", {"day": "2026-03-02"}),
    ("/sites/home01/prices/import", {}, "prices-import", {"day": "2026-03-01"}),
    ("/sites/home01/forecast/run", {}, "forecast-run", {}),
    ("/sites/home01/plan/run?type=daily", {}, "plan-daily", {}),
    ("/sites/home01/plan/run", {}, "plan-rolling", {}),
    ("/batteries/home01.pack/optimize", {"objective": "cost"}, "plan-rolling", {}),
    ("/forecast/train", {"site": "home01", "kind": "pv"}, "forecast-train", {"target": "pv"}),
    ("/devices/home01.inverter/read", {}, "telemetry-read", {"device": "inverter", "all": False}),
    ("/sites/home01/release", {}, "release", {}),
]


@pytest.mark.parametrize(("path", "body", "kind", "parameters"), ASKED)
def test_what_is_asked_for_is_a_row_in_the_name_of_who_asked(
    house: House, otto: TestClient, path: str, body: dict[str, Any], kind: str, parameters: dict[str, Any]
) -> None:
    filed = posted(otto, path, **body)
    assert posted(otto, path, **body) == filed, "the same again while it waits is one request"
    assert requests(house) == [(kind, "home01", parameters, "queued", "web:otto")]
    followed = otto.get(filed["href"]).json()
    assert (followed["kind"], followed["state"], followed["result"], followed["problem"]) == (kind, "queued", None, "")
    assert [item["request_id"] for item in otto.get("/api/v1/requests").json()["items"]] == [filed["request_id"]]


@pytest.mark.parametrize(("path", "body"), [(path, body) for path, body, _, _ in ASKED])
def test_nobody_asks_about_the_site_of_another_nor_without_the_right(
    house: House, otto: TestClient, path: str, body: dict[str, Any]
) -> None:
    elsewhere = body | {"site": "home02"} if "site" in body else body
    assert posted(otto, path.replace("home01", "home02"), 404, **elsewhere)["code"] == "site_unknown"
    assert posted(house.login("vera"), path, 403, **body)["code"] == "permission_missing"
    assert requests(house) == []


def test_a_request_about_another_site_is_not_there(house: House, otto: TestClient) -> None:
    filed = posted(house.login("anna"), "/sites/home02/forecast/run")
    assert otto.get(filed["href"]).status_code == 404
    assert otto.get("/api/v1/requests").json()["items"] == []


@pytest.mark.parametrize("day", ["2026-03-03", "2010-01-01", "tomorrow"])
def test_prices_of_a_day_that_nobody_publishes_are_not_asked_for(house: House, otto: TestClient, day: str) -> None:
    assert posted(otto, f"/sites/home01/prices/import?date={day}", 422)["code"] == "out_of_range"
    assert requests(house) == []


def test_looking_behind_gateways_is_the_owners(house: House, otto: TestClient) -> None:
    where = {"site": "home01", "gateway": "rs485", "first": 1, "last": 12}
    assert posted(otto, "/devices/scan", 403, **where)["code"] == "permission_missing"
    anna = house.login("anna")
    posted(anna, "/devices/scan", **where)
    posted(anna, "/batteries/discover", site="home01")
    assert [(kind, parameters) for kind, _, parameters, _, _ in requests(house)] == [
        ("device-scan", {"gateway": "rs485", "first": 1, "last": 12}),
        ("devices-discover", {}),
    ]


def overrides(house: House) -> list[tuple[Any, ...]]:
    return [
        tuple(row)
        for row in house.rows(
            "SELECT asset_key, mode, limits, round(extract(epoch FROM until_at - from_at) / 60), created_by "
            "FROM ems.control_override ORDER BY 1"
        )
    ]


@pytest.mark.usefixtures("now_is_now")
def test_a_charge_is_an_override_within_the_limits_of_the_battery(house: House, otto: TestClient) -> None:
    otto = house.login("otto")
    asked = {"power_kw": 9.5, "duration_minutes": 90, "until_soc_pct": 80.0, "reason": "guests tonight"}
    found = posted(otto, "/batteries/home01.pack/charge", **asked)
    assert (found["power_kw"], found["clipped_by"], found["mode"]) == (8.0, ["charge_limit"], "charge")
    limits = {"charge_limit_w": 8000.0, "target_soc_pct": 80.0}
    assert overrides(house) == [("pack", "charge", limits, 90, "web:otto")]
    (listed,) = otto.get("/api/v1/sites/home01/overrides").json()["items"]
    assert listed["reason"] == "guests tonight"
    house.clock.advance_to(house.clock.now() + timedelta(seconds=30))
    assert otto.get("/api/v1/batteries/home01.pack").json()["wanted"] == "charge"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"power_kw": "3"}, "power_kw"),
        ({"power_kw": 0}, "power_kw"),
        ({"power_kw": -1}, "power_kw"),
        ({"power_kw": True}, "power_kw"),
        ({"power_kw": 3, "duration_minutes": 1441}, "duration_minutes"),
        ({"power_kw": 3, "duration_minutes": 60.5}, "duration_minutes"),
        ({"power_kw": 3, "until_soc_pct": 101}, "until_soc_pct"),
        ({"power_kv": 3}, "power_k"),
        ({}, "power_kw"),
    ],
)
def test_a_wish_that_is_no_number_in_range_is_refused(
    house: House, otto: TestClient, body: dict[str, Any], field: str
) -> None:
    said = posted(otto, "/batteries/home01.pack/charge", 422, **body)
    assert field in said["detail"]
    assert overrides(house) == []


@pytest.mark.usefixtures("now_is_now")
def test_a_wish_of_control_is_listed_and_anybody_who_may_takes_it_back(house: House, otto: TestClient) -> None:
    anna, otto = house.login("anna"), house.login("otto")
    wish = {"site": "home01", "asset": "car-1", "mode": "charge", "limits": {"current_a": 10}, "duration_minutes": 30}
    filed = posted(otto, "/control", **wish)
    (listed,) = otto.get("/api/v1/sites/home01/overrides").json()["items"]
    assert (listed["override_id"], listed["limits"], listed["created_by"]) == (
        filed["override_id"], {"current_a": 10}, "web:otto",
    )  # fmt: skip
    cancelled = anna.delete(filed["href"])
    assert cancelled.json()["cancelled_at"] is not None
    assert otto.delete(filed["href"]).json()["code"] == "is_over"
    assert otto.get("/api/v1/sites/home01/overrides").json()["items"] == []
    (past,) = otto.get("/api/v1/sites/home01/overrides?past=true").json()["items"]
    assert past["override_id"] == filed["override_id"]


@pytest.mark.usefixtures("now_is_now")
@pytest.mark.parametrize(
    "wish",
    [
        {"asset": "nothing", "mode": "hold"},
        {"asset": "pack", "mode": "run"},
        {"asset": "pack", "mode": "charge", "limits": {"power_w": 3}},
        {"asset": "pack", "mode": "hold", "duration_minutes": 7 * 24 * 60, "starts_at": "2099-01-01T00:00:00Z"},
        {"asset": "pack", "mode": "hold", "duration_minutes": 60, "ends_at": "2099-01-01T00:00:00Z"},
        {"asset": "pack", "mode": "hold", "ends_at": "2020-01-01T00:00:00Z"},
    ],
)
def test_what_an_asset_cannot_do_is_not_filed(house: House, otto: TestClient, wish: dict[str, Any]) -> None:
    posted(house.login("otto"), "/sites/home01/overrides", 422, **wish)
    assert overrides(house) == []


def test_who_knows_of_an_alarm_stays_noted_and_what_is_over_needs_nobody(house: House, otto: TestClient) -> None:
    (alarm,) = otto.get("/api/v1/alarms").json()["items"]
    path = f"/alarms/{alarm['alarm_id']}/acknowledge"
    assert posted(otto, path, 200)["acknowledged_by"] == "web:otto"
    assert posted(house.login("anna"), f"/events/{alarm['alarm_id']}/ack", 200)["acknowledged_by"] == "web:otto"
    old, elsewhere = (
        house.rows("SELECT alarm_id FROM ems.alarm WHERE kind = :kind", kind=kind)[0][0]
        for kind in ("old", "site-config")
    )
    assert posted(otto, f"/alarms/{old}/acknowledge", 409)["code"] == "is_over"
    assert posted(otto, f"/alarms/{elsewhere}/acknowledge", 404)["code"] == "absent"


def test_disarming_holds_at_once_and_asks_for_the_release(house: House, otto: TestClient) -> None:
    found = posted(otto, "/sites/home01/disarm")
    assert found["was_armed"] is True
    ((at, by),) = house.rows("SELECT disarmed_at, disarmed_by FROM ems.control_arm")
    assert at is not None
    assert by == "web:otto"
    assert [(kind, site) for kind, site, *_ in requests(house)] == [("release", "home01")]
    again = posted(otto, "/sites/home01/disarm")
    assert (again["was_armed"], again["release"]) == (False, found["release"])
    assert otto.get("/api/v1/sites/home01/arm").json()["authority"] == "disarmed"


def test_letting_go_waits_behind_nothing(house: House, otto: TestClient) -> None:
    for day in range(1, 21):
        posted(otto, f"/sites/home01/prices/import?date=2026-02-{day:02}")
    assert posted(otto, "/sites/home01/forecast/run", 429)["code"] == "too_many_waiting"
    posted(otto, "/sites/home01/release")


ARMING = ["/sites/home01/arm", "/control/arm", "/sites/home01/control", "/sites/home01/enable"]


@pytest.mark.parametrize("path", ARMING)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_no_path_arms(house: House, path: str, method: str) -> None:
    said = house.login("anna").request(method, f"/api/v1{path}", json={"site": "home01", "minutes": 60})
    assert said.status_code in (404, 405), said.text
