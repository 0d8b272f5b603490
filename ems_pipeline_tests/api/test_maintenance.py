"""Maintenance over HTTP: every path, within one's sites and rights, and what a phone sends twice is done once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from ems_pipeline.maintenance.template import shipped
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, services
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.api.conftest import NOON, House
from ems_pipeline_tests.rights import routes
from ems_pipeline_tests.warehouse.serviced import NOW, TABLES, yard

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
BASE = "/api/v1/maintenance"
PLACE = {"site": "yard", "asset": "gen-1"}
LAST = [{"level": f"TO-{n}", "done_h": 1000, "done_at": (NOW - timedelta(days=10)).isoformat()} for n in range(1, 5)]


@pytest.fixture
def anna(house: House, home01: Site) -> TestClient:
    """An owner of all sites; one has two sets, a template is stored, and nothing else is known."""
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {TABLES} CASCADE")
        registry.register(connection, [yard(home01)], NOON)
    anna = house.login("anna")
    assert asked(anna, "POST", "/api/v1/seed-templates", 201)["items"][0]["tasks"] == 56
    return anna


def asked(browser: TestClient, method: str, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
    where = path if path.startswith("/api") else BASE + path
    said = browser.request(method, where, json=body) if body or method == "POST" else browser.request(method, where)
    assert said.status_code == status, said.text
    found: dict[str, Any] = said.json()
    return found


def template(browser: TestClient) -> int:
    return int(asked(browser, "GET", "/templates")["items"][0]["template_id"])


def planned(browser: TestClient, hours: float = 1260, **change: Any) -> list[dict[str, Any]]:
    """A plan whose levels were all done at 1000 h, and a sum."""
    wish = {**PLACE, "template_id": template(browser), "last": LAST} | change
    asked(browser, "POST", "/intervals", 201, **wish)
    asked(browser, "POST", "/meters", 201, **PLACE, kind="corrected", hours=hours, reason="as its papers say")
    found: list[dict[str, Any]] = asked(browser, "GET", "/intervals?site=yard")["items"]
    return found


def done(browser: TestClient, task: int, lines: list[dict[str, Any]], result: str = "done") -> None:
    for line in lines:
        asked(browser, "PUT", f"/tasks/{task}/items/{line['code']}", result=result)


def settled(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        services.settle(connection, NOW)


def test_a_template_is_stored_versioned_read_and_retired(anna: TestClient) -> None:
    (first,) = asked(anna, "GET", "/templates?language=cs")["items"]
    assert (first["version"], first["levels"]) == (1, ["TO-1", "TO-2", "TO-3", "TO-4"])
    assert first["name"].startswith("Plynové")
    assert asked(anna, "POST", "/api/v1/seed-templates", 201)["items"][0]["template_id"] == first["template_id"]
    document = asked(anna, "GET", f"/templates/{first['template_id']}")["document"]
    assert document == shipped()[0].document()
    document["levels"][0]["hours"] = 300
    second = asked(anna, "PUT", f"/templates/{first['template_id']}", document=document)
    assert (second["version"], second["template_id"] != first["template_id"]) == (2, True)
    assert asked(anna, "POST", "/templates", 201, document=document)["version"] == 2
    refused = asked(anna, "POST", "/templates", 422, document=document | {"levels": []})
    assert refused["detail"].startswith("levels")
    asked(anna, "DELETE", f"/templates/{second['template_id']}")
    assert len(asked(anna, "GET", "/templates")["items"]) == 1
    assert len(asked(anna, "GET", "/templates?past=true")["items"]) == 2
    assert asked(anna, "POST", "/intervals", 422, **PLACE, template_id=second["template_id"])["code"] == "refused"


def test_a_plan_is_given_changed_and_ended(anna: TestClient) -> None:
    found = {one["level"]: one for one in planned(anna)}
    assert (found["TO-1"]["severity"], found["TO-1"]["hours_left"]) == ("overdue", -10)
    assert (found["TO-2"]["severity"], found["TO-2"]["due_h"]) == ("ok", 1500)
    known = [{"level": "TO-1", "done_h": 1255, "done_at": NOW.isoformat()}]
    changed = asked(anna, "PUT", "/intervals/yard.gen-1", last=known)["items"]
    assert (changed[0]["severity"], changed[0]["due_h"]) == ("ok", 1505)
    assert asked(anna, "DELETE", "/intervals/yard.gen-1") == {"items": [], "next_cursor": None}
    assert asked(anna, "GET", "/intervals?site=yard")["items"] == []
    assert asked(anna, "PUT", "/intervals/yard.gen-1", 404, last=known)["code"] == "absent"
    assert asked(anna, "POST", "/intervals", 422, site="yard", asset="gen-9", template_id=1)["detail"].endswith("gen-9")


def test_a_task_goes_from_its_checklist_to_the_log(anna: TestClient) -> None:
    planned(anna)
    task = asked(anna, "POST", "/tasks?language=cs", 201, **PLACE, level="TO-1", note="before the winter")
    assert (task["items"], task["minutes"], task["critical_open"]) == (10, 180, 3)
    assert task["lines"][0]["text"].startswith("Vypustit")
    assert task["lines"][0]["accept"] == "hladina mezi ryskami po 5 min chodu"
    assert (task["lines"][4]["consumable"], task["lines"][2]["unit"]) == (None, "č. zprávy")
    assert asked(anna, "POST", "/tasks", 201, **PLACE, level="TO-1")["task_id"] == task["task_id"]
    path = f"/tasks/{task['task_id']}"
    told = asked(anna, "PUT", f"{path}/items/T1-07", result="done", value="4.2", photos=["https://photos.example/1"])
    line = next(one for one in told["lines"] if one["code"] == "T1-07")
    assert (line["value"], line["unit"], line["answered_by"]) == ("4.2", "kPa", "web:anna")
    done(anna, task["task_id"], [one for one in task["lines"] if one["code"] not in ("T1-07", "T1-05")])
    parts = [{"name": "oil filter", "quantity": 2, "unit": "pcs"}]
    ended = asked(anna, "POST", f"{path}/complete", done_h=1258, parts=parts, report="oil sample 17 sent")
    assert (ended["closed_levels"], ended["done_h"], ended["parts"]) == (["TO-1"], 1258, parts)
    assert [(one["code"], one["closed_at"]) for one in ended["findings"]] == [("T1-05", None)]
    assert asked(anna, "POST", f"{path}/complete", done_h=1) == ended
    (logged,) = asked(anna, "GET", "/logs?site=yard")["items"]
    assert asked(anna, "GET", f"/logs/{logged['task_id']}?language=ru")["lines"][0]["text"].startswith("Слить")
    remedied = asked(
        anna, "POST", f"/findings/{ended['findings'][0]['finding_id']}/close", remedy="cleaned the next day"
    )
    assert remedied["findings"][0]["remedy"] == "cleaned the next day"
    assert asked(anna, "DELETE", path, 409)["code"] == "is_over"


def test_a_task_is_cancelled_and_listed_by_its_state(anna: TestClient) -> None:
    planned(anna)
    task = asked(anna, "POST", "/tasks", 201, **PLACE, level="TO-2")["task_id"]
    assert [one["task_id"] for one in asked(anna, "GET", "/tasks?state=open&asset=gen-1")["items"]] == [task]
    assert asked(anna, "GET", f"/tasks/{task}")["state"] == "open"
    assert asked(anna, "GET", f"/logs/{task}", 404)["code"] == "absent"
    assert asked(anna, "DELETE", f"/tasks/{task}")["state"] == "cancelled"
    assert asked(anna, "GET", "/tasks?state=open")["items"] == []
    assert asked(anna, "POST", "/tasks", 404, **PLACE, level="TO-9")["code"] == "absent"
    assert asked(anna, "PUT", f"/tasks/{task}/items/T1-01", 422, result="done")["code"] == "refused"


def test_a_service_is_logged_at_once_or_not_at_all(anna: TestClient) -> None:
    planned(anna)
    codes = [one["code"] for one in asked(anna, "POST", "/tasks", 201, **PLACE, level="TO-1")["lines"]]
    lines = [{"code": code, "result": "done"} for code in codes]
    asked(anna, "POST", "/logs", 422, **PLACE, level="TO-1", lines=[*lines, {"code": "T9-99", "result": "done"}])
    assert asked(anna, "GET", "/logs")["items"] == []
    logged = asked(anna, "POST", "/logs", 201, **PLACE, level="TO-1", lines=lines, done_h=1240)
    assert (logged["state"], logged["closed_levels"], logged["answered"]) == ("done", ["TO-1"], 10)


def test_a_log_is_written_once_however_often_it_is_sent(anna: TestClient) -> None:
    planned(anna)
    key = {"Idempotency-Key": "phone-in-a-noisy-hall"}
    body = {**PLACE, "level": "TO-1", "lines": [{"code": "T1-01", "result": "done"}]}
    said = [anna.post(f"{BASE}/logs", json=body, headers=key) for _ in range(2)]
    assert [one.status_code for one in said] == [201, 201]
    assert said[0].json() == said[1].json()
    assert len(asked(anna, "GET", "/logs")["items"]) == 1


def test_an_alert_is_listed_acknowledged_and_counted_as_a_badge(house: House, anna: TestClient) -> None:
    planned(anna)
    settled(house.warehouse)
    (alert,) = asked(anna, "GET", "/alerts?site=yard")["items"]
    assert (alert["level"], alert["severity"], alert["acknowledged_by"]) == ("TO-1", "overdue", None)
    assert asked(anna, "GET", "/api/v1/sites/yard/now")["due_services"] == 1
    assert asked(anna, "GET", "/api/v1/overview")["due_services"] == 1
    known = asked(anna, "POST", f"/alerts/{alert['alert_id']}/acknowledge")
    assert (known["acknowledged_by"], known["resolved_at"]) == ("web:anna", None)
    task = asked(anna, "POST", "/tasks", 201, **PLACE, level="TO-1")
    done(anna, task["task_id"], task["lines"])
    asked(anna, "POST", f"/tasks/{task['task_id']}/complete")
    assert asked(anna, "GET", "/alerts")["items"] == []
    assert asked(anna, "GET", "/alerts?past=true")["items"][0]["resolved_by"] == "log"
    assert asked(anna, "POST", f"/alerts/{alert['alert_id']}/acknowledge", 409)["code"] == "is_over"
    assert asked(anna, "GET", "/api/v1/sites/yard/now")["due_services"] == 0


def test_what_a_meter_shows_is_entered_by_a_person(anna: TestClient) -> None:
    planned(anna)
    entered = asked(anna, "POST", "/meters", 201, **PLACE, kind="read", hours=1262)["items"][0]
    assert (entered["hours"], entered["typed_h"]) == (1260, 1262)
    replaced = asked(anna, "POST", "/meters", 201, **PLACE, kind="replaced", hours=2, old_h=1263, reason="broken")
    assert (replaced["items"][0]["hours"], replaced["items"][0]["register_h"]) == (1263, 2)
    assert len(asked(anna, "GET", "/meters?site=yard")["items"]) == 1
    assert "needs a reason" in asked(anna, "POST", "/meters", 422, **PLACE, kind="corrected", hours=2)["detail"]


def test_another_site_and_another_role_change_nothing(house: House, anna: TestClient) -> None:
    planned(anna)
    task = asked(anna, "POST", "/tasks", 201, **PLACE, level="TO-1")["task_id"]
    otto = house.login("otto")  # an operator of home01
    assert asked(otto, "GET", "/intervals")["items"] == []
    for method, path, body in (
        ("GET", f"/tasks/{task}", {}),
        ("PUT", f"/tasks/{task}/items/T1-01", {"result": "done"}),
        ("POST", f"/tasks/{task}/complete", {}),
        ("DELETE", "/intervals/yard.gen-1", {}),
        ("POST", "/tasks", PLACE | {"level": "TO-1"}),
        ("POST", "/meters", PLACE | {"kind": "read", "hours": 1}),
    ):
        assert asked(otto, method, path, 404, **body)["code"] in ("absent", "site_unknown"), path
    vera = house.login("vera")
    assert asked(vera, "POST", "/api/v1/seed-templates", 403)["code"] == "permission_missing"


def test_every_path_of_maintenance_is_asked_here() -> None:
    paths = {(method, route.path) for method, route in routes() if "maintenance" in route.tags}
    others = ("/maintenance/drafts", "/integrations")  # asked in test_bitrix
    assert len({(method, path) for method, path in paths if not path.startswith(others)}) == 24
