"""Every route of gensets, maintenance, alarms and their values answers a valid call, on a socket, as the schema lists
them: a route without a call here fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from ems_pipeline.gensets.alarms.alarm import Controller
from ems_pipeline.regulation import reading
from ems_pipeline.regulation.source import Page
from ems_pipeline.scada.alarms import Alarms
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import services
from ems_pipeline_tests.api.conftest import PASSWORD, House
from ems_pipeline_tests.api.loopback import on_loopback
from ems_pipeline_tests.api.test_bitrix import LINES
from ems_pipeline_tests.gensets.seen import POLL, bits, shot
from ems_pipeline_tests.warehouse.serviced import TABLES
from ems_pipeline_tests.web import halls
from ems_pipeline_tests.web.halls import HALL, SET

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")
OURS = ("/gensets", "/maintenance", "/alarms", "/metrics", "/seed-templates", "/bitrix24/s")
"""Parts of paths; what the portal itself calls is asked in test_bitrix."""
AT = {"site": HALL, "device": SET}
PLACE = {"site": HALL, "asset": "gas-1"}
A_LINE = {"code": "T1-01", "result": "done"}


@dataclass
class Caller:
    """An owner at a running server; ``called``: methods and paths, as the schema names them."""

    house: House
    client: httpx.Client
    called: set[tuple[str, str]] = field(default_factory=set)

    def __call__(self, method: str, path: str, query: str = "", body: Any = None, **parts: object) -> Any:
        self.house.seconds.at += 60  # whoever asks too often is told to wait
        whole = f"/api/v1{path}"
        said = self.client.request(method, whole.format(**parts) + query, json=body)
        assert said.is_success, f"{method} {whole}: {said.status_code} {said.text}"
        self.called.add((method, whole))
        return said.json() if said.content else None


@pytest.fixture
def call(house: House, home01: Site) -> Iterator[Caller]:
    """A hall with a set on load and alarms, nothing known of its services, and two drafts of templates."""
    now = house.clock.now()
    draft = json.dumps(reading.draft([Page(1, LINES)], "plan.txt").stored())
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {TABLES}, ems.maintenance_draft CASCADE")
        halls.empty(connection, home01)
        halls.polled(connection, now)
        for digest in "ab":
            connection.exec_driver_sql(
                "INSERT INTO ems.maintenance_draft (source, digest, document, imported_at, imported_by) "
                "VALUES ('plan.txt', repeat(%s, 64), %s, now(), 'local:anna')",
                (digest, draft),
            )
    alarms = Alarms(house.warehouse, {Controller(HALL, SET): ()})
    alarms.take(now - POLL, [shot(now - POLL, bits("low_fuel", "low_water"), site=HALL, device=SET)])
    with on_loopback(house.client) as port, httpx.Client(base_url=f"http://localhost:{port}") as client:
        said = client.post("/api/v1/login", json={"name": "anna", "password": PASSWORD})
        client.headers["X-CSRF-Token"] = said.json()["csrf_token"]
        yield Caller(house, client)


def test_every_route_answers_a_valid_call(house: House, call: Caller) -> None:
    values(call)
    commands(call)
    alarms(call)
    templates(call)
    maintained(house, call)
    schema = call.client.get("/api/v1/openapi.json").json()["paths"]
    ours = {(m.upper(), path) for path, methods in schema.items() if any(o in path for o in OURS) for m in methods}
    assert len(ours) > 50
    assert ours - call.called == set(), "a route without a call here"


def values(call: Caller) -> None:
    assert [one["device"] for one in call("GET", "/gensets", f"?site={HALL}")["items"]] == ["board", SET, "set-2"]
    assert call("GET", "/gensets/{site}/{device}", **AT)["values"]["power_w"] == 120_400
    assert call("GET", "/metrics", f"?site={HALL}&device={SET}&name=power_w")
    for path in ("metrics", "gensets"):
        assert call.client.get(f"/api/v1/{path}?site=nowhere").status_code == 404
    call("GET", "/forecast/metrics", "?site=home01")
    call("GET", "/integrations/bitrix24/status")
    call("POST", "/integrations/bitrix24/sync", body={})


def commands(call: Caller) -> None:
    path = "/gensets/{site}/{device}/commands"
    filed = call("POST", path, body={"kind": "stop", "reason": "the peak is over"}, **AT)
    one = {**AT, "command_id": filed["command_id"]}
    call("POST", f"{path}/{{command_id}}/confirm", body={"code": filed["code"]}, **one)
    assert call("DELETE", f"{path}/{{command_id}}", **one)["state"] == "cancelled"
    assert call("GET", f"{path}/{{command_id}}", **one)["reason"] == "the peak is over"
    assert len(call("GET", path, **AT)["items"]) == 1
    placed = call("POST", "/gensets/{site}/{device}/locks", body={"reason": "belts are off"}, **AT)
    assert len(call("GET", "/gensets/{site}/{device}/locks", **AT)["items"]) == 1
    call("DELETE", "/gensets/{site}/{device}/locks/{lock_id}", lock_id=placed["lock_id"], **AT)


def alarms(call: Caller) -> None:
    path = "/gensets/alarms"
    found = {one["name"]: one["genset_alarm_id"] for one in call("GET", path, f"?site={HALL}")["items"]}
    one = {"genset_alarm_id": found["low_fuel"]}
    call("POST", f"{path}/{{genset_alarm_id}}/shelve", body={"duration_minutes": 60, "reason": "sensor ordered"}, **one)
    call("POST", f"{path}/{{genset_alarm_id}}/unshelve", body={}, **one)
    call("POST", f"{path}/{{genset_alarm_id}}/acknowledge", body={"reason": "the tank is being filled"}, **one)
    assert call("GET", f"{path}/{{genset_alarm_id}}", **one)["state"] == "acknowledged"
    assert len(call("GET", f"{path}/journal", f"?site={HALL}")["items"]) >= 4
    assert call("GET", f"{path}/report", f"?site={HALL}")["sites"][0]["raised"] == 2
    call("POST", "/sites/{site}/gensets/{device}/out-of-service", body={"reason": "TO-2"}, **AT)
    assert len(call("GET", "/gensets/out-of-service")["items"]) == 1
    call("POST", "/sites/{site}/gensets/{device}/in-service", body={}, **AT)
    assert call("GET", "/alarms")["items"]
    told = call("GET", "/sites/{site}/alarms", site=HALL)["items"]
    call("POST", "/alarms/{alarm_id}/acknowledge", body={}, alarm_id=told[0]["alarm_id"])


def templates(call: Caller) -> None:
    path = "/maintenance/templates"
    assert call("POST", "/seed-templates", body={})["items"][0]["tasks"] == 56
    (first,) = call("GET", path)["items"]
    document = call("GET", f"{path}/{{template_id}}", template_id=first["template_id"])["document"]
    changed = document | {"levels": [document["levels"][0] | {"hours": 300}, *document["levels"][1:]]}
    second = call("PUT", f"{path}/{{template_id}}", body={"document": changed}, template_id=first["template_id"])
    assert call("POST", path, body={"document": changed})["template_id"] == second["template_id"]
    call("DELETE", f"{path}/{{template_id}}", template_id=second["template_id"])
    away, kept = (one["draft_id"] for one in call("GET", "/maintenance/drafts")["items"])
    assert call("GET", "/maintenance/drafts/{draft_id}", draft_id=kept)["found_tasks"]
    call("DELETE", "/maintenance/drafts/{draft_id}", draft_id=away)
    said = {"template": "own", "name": "Our engine", "minutes": 15, "system": "belts", "kind": "check"}
    call("POST", "/maintenance/drafts/{draft_id}/confirm", body=said, draft_id=kept)


def maintained(house: House, call: Caller) -> None:
    number = next(one for one in call("GET", "/maintenance/templates")["items"] if one["tasks"] == 56)["template_id"]
    done_at = (house.clock.now() - timedelta(days=10)).isoformat()
    last = [{"level": f"TO-{n}", "done_h": 1000, "done_at": done_at} for n in range(1, 5)]
    call("POST", "/maintenance/intervals", body=PLACE | {"template_id": number, "last": last})
    call("POST", "/maintenance/meters", body=PLACE | {"kind": "corrected", "hours": 1260, "reason": "its papers"})
    assert call("GET", "/maintenance/meters", f"?site={HALL}")["items"][0]["hours"] == 1260
    with house.warehouse.begin() as connection:
        services.settle(connection, house.clock.now())
    (alert,) = call("GET", "/maintenance/alerts", f"?site={HALL}")["items"]
    call("POST", "/maintenance/alerts/{alert_id}/acknowledge", body={}, alert_id=alert["alert_id"])
    path = "/maintenance/tasks"
    task = call("POST", path, body=PLACE | {"level": "TO-1"})["task_id"]
    answered = {"result": "done", "value": "4.2"}
    assert call("PUT", f"{path}/{{task_id}}/items/{{code}}", body=answered, task_id=task, code="T1-07")["answered"] == 1
    assert call("GET", path, f"?site={HALL}&state=open")["items"][0]["task_id"] == task
    call("GET", f"{path}/{{task_id}}", "?language=cs", task_id=task)
    ended = call("POST", f"{path}/{{task_id}}/complete", body={"done_h": 1260}, task_id=task)
    finding = ended["findings"][0]["finding_id"]
    call("POST", "/maintenance/findings/{finding_id}/close", body={"remedy": "done the next day"}, finding_id=finding)
    logged = call("POST", "/maintenance/logs", body=PLACE | {"level": "TO-1", "lines": [A_LINE], "done_h": 1260})
    assert len(call("GET", "/maintenance/logs", f"?site={HALL}")["items"]) == 2
    call("GET", "/maintenance/logs/{task_id}", task_id=logged["task_id"])
    other = call("POST", path, body=PLACE | {"level": "TO-2"})["task_id"]
    assert call("DELETE", f"{path}/{{task_id}}", task_id=other)["state"] == "cancelled"
    changed = {"last": [{"level": "TO-1", "done_h": 1255, "done_at": done_at}]}
    call("PUT", "/maintenance/intervals/{set_id}", body=changed, set_id=f"{HALL}.gas-1")
    assert len(call("GET", "/maintenance/intervals", f"?site={HALL}")["items"]) == 4
    call("DELETE", "/maintenance/intervals/{set_id}", set_id=f"{HALL}.gas-1")
