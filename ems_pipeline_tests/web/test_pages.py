"""What every page keeps to: nothing from outside, nobody without a name, no site of others, nothing kept."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from ems_pipeline.api.database import Database
from ems_pipeline.api.rights import READS
from ems_pipeline.web.pages import ROUTERS
from ems_pipeline_tests.api.conftest import PASSWORD, House

pytestmark = pytest.mark.usefixtures("lived")
OPEN = {"/", "/ui/login", "/ui/language", "/ui/manifest.webmanifest", "/ui/push.js", "/ui/static/{digest}/{name}"}
"""For everybody; a new one is named here on purpose."""

PARTS = {
    "{site}": "home01",
    "{device}": "inverter",
    "{alarm_id}": "1",
    "{alert_id}": "1",
    "{task_id}": "1",
    "{draft_id}": "1",
    "{command_id}": "1",
    "{finding_id}": "1",
    "{override_id}": "1",
    "{goal_id}": "1",
    "{genset_alarm_id}": "1",
    "{channel_id}": "1",
    "{day}": "2026-02-28",
    "{request_id}": "0b1f3c1e-6a0e-4a53-9a51-6f2c8f3d7a10",
    "{token_id}": "0b1f3c1e-6a0e-4a53-9a51-6f2c8f3d7a10",
}
"""What stands for the parts of a path."""


def asked(path: str) -> str:
    """A path as somebody asks for it."""
    for part, value in PARTS.items():
        path = path.replace(part, value)
    assert "{" not in path, f"name a value for it in PARTS: {path}"
    return path


def paths(method: str) -> list[str]:
    """Of pages that want to know who reads them."""
    found = [route for router in ROUTERS for route in router.routes]
    return sorted(r.path for r in found if method in r.methods and r.path not in OPEN)  # type: ignore[attr-defined]


def test_nobody_sees_a_page_without_logging_in(house: House) -> None:
    stranger = house.browser()
    for path in paths("GET"):
        answer = stranger.get(asked(path), follow_redirects=False)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/ui/login?next="), path


def test_somebody_elses_site_is_not_there(house: House) -> None:
    vera = house.login("vera")
    for path in paths("GET"):
        if "{site}" in path:
            answer = vera.get(asked(path))
            assert answer.status_code in (403, 404), path
            assert "Home in Prague" not in answer.text, path


def test_a_page_lets_nothing_in_from_outside(house: House) -> None:
    anna = house.login("anna")
    for path in paths("GET"):
        answer = anna.get(asked(path))
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        assert "default-src 'none'" in answer.headers["content-security-policy"], path
        assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", answer.text), path
        assert not re.search(r"""\s(?:style|on\w+)=["']""", answer.text), f"{path}: the policy forbids it"


def test_what_a_page_shows_is_told_to_nobody_else(house: House) -> None:
    anna = house.login("anna").get("/ui/home01/now")
    program = house.program(*sorted(READS)).get("/ui/home01/now")
    assert "Log out anna" in anna.text
    assert program.status_code == 200
    assert "anna" not in program.text


def test_a_form_without_the_sessions_word_does_nothing(house: House) -> None:
    anna = house.login("anna")
    del anna.headers["X-CSRF-Token"]
    for path in paths("POST"):
        house.seconds.at += 60  # there are more forms than one person may send at once
        answer = anna.post(asked(path), data={"csrf": "of another session"})
        assert answer.status_code in (403, 422), path
    assert anna.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("target", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "/api"])
def test_a_login_leads_to_a_page_of_ours_only(house: House, target: str) -> None:
    form = {"name": "anna", "password": PASSWORD, "next": target}
    answer = house.browser().post("/ui/login", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui")


def test_a_wrong_password_is_the_form_again(house: House) -> None:
    answer = house.browser().post("/ui/login", data={"name": "anna", "password": "wrong"}, follow_redirects=False)
    assert answer.status_code == 401
    assert "name or password is wrong" in answer.text
    assert 'name="password" value' not in answer.text


def test_a_form_that_wants_the_password_again_leads_back_to_its_page(house: House) -> None:
    anna = house.login("anna")
    house.clock.advance_to(house.clock.now() + timedelta(hours=1))
    referer = "http://localhost/ui/people?done="
    asked = anna.post("/ui/people", data={"name": "x"}, headers={"Referer": referer}, follow_redirects=False)
    assert asked.headers["location"] == "/ui/confirm?next=/ui/people%3Fdone%3D"
    foreign = anna.post("/ui/people", data={"name": "x"}, headers={"Referer": "http://a.example/x"},
                        follow_redirects=False)  # fmt: skip
    assert foreign.headers["location"] == "/ui/confirm?next=/ui"


def test_a_page_is_read_in_one_transaction(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[object] = []
    transaction = Database._transaction

    def counted(self: Database, opening: Any, *more: Any, **named: Any) -> Any:
        if "READ ONLY" in opening.as_string():
            begun.append(opening)
        return transaction(self, opening, *more, **named)

    monkeypatch.setattr(Database, "_transaction", counted)
    anna = house.login("anna")
    for path in ("/ui/home01/now", "/ui/home01/plan", "/ui/home01/slot", "/ui/home01/money"):
        begun.clear()
        assert anna.get(path).status_code == 200
        assert len(begun) == 1, path
