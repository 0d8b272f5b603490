"""Events of a portal wake us and do nothing else; drafts are shown with their places and become templates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from ems_pipeline.plant.bitrix_twin import BitrixTwin
from ems_pipeline.regulation import reading
from ems_pipeline.regulation.source import Page
from ems_pipeline_tests.api.conftest import House

pytestmark = pytest.mark.usefixtures("lived")
PATH = "/api/v1/integrations/bitrix24"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LINES = ("TO-1: every 250 h", "- Check the belts", "- The magneto", "Stop the engine first.")


@pytest.fixture
def portal(house: House, monkeypatch: pytest.MonkeyPatch) -> BitrixTwin:
    twin = BitrixTwin(house.clock)
    monkeypatch.setenv("EMS_BITRIX_EVENT_TOKEN", twin.application_token)
    house.rows("DELETE FROM ems.bitrix_portal RETURNING 1")
    return twin


def woken(house: House) -> bool:
    return house.rows("SELECT woken_at IS NOT NULL FROM ems.bitrix_portal") == [(True,)]


def test_an_event_with_the_portals_word_wakes_us(house: House, portal: BitrixTwin) -> None:
    said = house.browser().post(PATH, content=portal.event(3711), headers=FORM)
    assert (said.status_code, said.json(), woken(house)) == (200, {"is_taken": True}, True)


@pytest.mark.parametrize("token", ["another", "w0rd-for-event"])
def test_without_it_nothing_happens(house: House, portal: BitrixTwin, token: str) -> None:
    said = house.browser().post(PATH, content=portal.event(3711, token=token), headers=FORM)
    assert (said.status_code, said.json()["code"], woken(house)) == (403, "stranger", False)


def test_an_event_about_something_else_is_not_taken(house: House, portal: BitrixTwin) -> None:
    for name, task_id in (("ONCRMLEADADD", 5), ("ONTASKUPDATE", 0)):
        said = house.browser().post(PATH, content=portal.event(task_id, name), headers=FORM)
        assert (said.status_code, said.json(), woken(house)) == (200, {"is_taken": False}, False)


def test_where_no_word_is_set_up_none_is_right(
    house: House, portal: BitrixTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMS_BITRIX_EVENT_TOKEN")
    said = house.browser().post(PATH, content=portal.event(3711, token=""), headers=FORM)
    assert (said.status_code, woken(house)) == (403, False)


def test_a_synchronisation_is_for_those_who_may_and_opens_a_portal_that_was_shut(
    house: House, portal: BitrixTwin
) -> None:
    house.rows("INSERT INTO ems.bitrix_portal (is_shut) VALUES (true) RETURNING 1")
    assert house.login("vera").post(f"{PATH}/sync", json={}).status_code == 403
    assert house.login("anna").get(f"{PATH}/status").json()["is_shut"]
    assert house.login("otto").post(f"{PATH}/sync", json={}).json() == {"added_again": 0}
    found = house.login("vera").get(f"{PATH}/status").json()
    assert (found["is_shut"], found["waiting"], found["tasks"]) == (False, 0, [])


@pytest.fixture
def draft(house: House) -> int:
    found = reading.draft([Page(1, LINES)], "plan.txt")
    rows = house.rows(
        """INSERT INTO ems.maintenance_draft (source, digest, document, imported_at, imported_by)
           VALUES ('plan.txt', md5(random()::text) || md5(random()::text), CAST(:said AS jsonb), now(), 'local:anna')
           RETURNING draft_id""",
        said=json.dumps(found.stored()),
    )
    return int(rows[0][0])


def confirmed(browser: TestClient, draft: int, **said: Any) -> Any:
    body = {"template": "own", "name": "Our engine", "minutes": 15, **said}
    return browser.post(f"/api/v1/maintenance/drafts/{draft}/confirm", json=body)


def test_a_draft_shows_where_everything_stands_and_what_nobody_said(house: House, draft: int) -> None:
    found = house.login("vera").get(f"/api/v1/maintenance/drafts/{draft}").json()
    assert [(task["code"], task["page"], task["line"]) for task in found["found_tasks"]] == [
        ("T1-01", 1, 2),
        ("T1-02", 1, 3),
    ]
    assert found["found_unread"][0]["text"] == "Stop the engine first."
    assert found["missing"] == ["T1-01 (page 1, line 2): system", "T1-02 (page 1, line 3): kind, system"]


def test_a_draft_becomes_a_template_when_what_is_unknown_is_said_and_not_before(house: House, draft: int) -> None:
    otto = house.login("otto")
    refused = confirmed(otto, draft)
    assert (refused.status_code, "kind, system" in refused.json()["detail"]) == (422, True)
    assert confirmed(house.login("vera"), draft, system="belts", kind="check").status_code == 403
    done = confirmed(otto, draft, system="belts", kind="check", left_out=["T1-02"])
    assert done.status_code == 201, done.text
    whole = otto.get(f"/api/v1/maintenance/templates/{done.json()['template_id']}").json()
    assert [task["text"] for task in whole["document"]["tasks"]] == [{"en": "Check the belts"}]
    assert otto.get(f"/api/v1/maintenance/drafts/{draft}").status_code == 404
    assert confirmed(otto, draft, system="belts", kind="check").status_code == 404


def test_a_draft_that_is_put_away_is_gone(house: House, draft: int) -> None:
    otto = house.login("otto")
    assert otto.delete(f"/api/v1/maintenance/drafts/{draft}").status_code == 200
    assert otto.delete(f"/api/v1/maintenance/drafts/{draft}").status_code == 404
