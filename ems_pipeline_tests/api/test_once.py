"""A write is done once under its key, however often it is sent; a rehearsal is refused alike, and files nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from ems_pipeline.api import once
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.routes import control
from ems_pipeline_tests.api.conftest import House

pytestmark = pytest.mark.usefixtures("lived", "now_is_now")

WISH = {"asset": "pack", "mode": "hold", "limits": {}}
OVERRIDES = "/api/v1/sites/home01/overrides"
KEY = {"Idempotency-Key": "5b9d1f"}


@pytest.fixture
def otto(house: House) -> TestClient:
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE ems.request, ems.control_override, ems.setpoint, ems.setpoint_event, ems.web_once, ems.web_write"
        )
    return house.login("otto")


def counts(house: House) -> tuple[int, ...]:
    names = ("request", "control_override", "control_arm WHERE disarmed_at IS NULL", "web_once")
    return tuple(house.rows(f"SELECT count(*) FROM ems.{name}")[0][0] for name in names)


def outcomes(house: House) -> list[str]:
    """Of the writes that were tried after the login."""
    return [row[0] for row in house.rows("SELECT outcome FROM ems.web_write ORDER BY web_write_id")][1:]


def test_a_write_sent_again_under_its_key_is_answered_as_before_and_done_once(house: House, otto: TestClient) -> None:
    first = otto.post(OVERRIDES, json=WISH, headers=KEY)
    house.clock.advance_to(house.clock.now() + timedelta(hours=2))
    again = otto.post(OVERRIDES, json=WISH, headers=KEY)
    assert (first.status_code, again.status_code, again.text) == (202, 202, first.text)
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert counts(house)[1] == 1
    assert outcomes(house) == ["done", "done_before"]
    otto.post(OVERRIDES, json=WISH)
    assert counts(house)[1] == 2, "without a key it is another wish"


def test_what_was_taken_back_under_a_key_is_not_over_but_done(otto: TestClient) -> None:
    href = otto.post(OVERRIDES, json=WISH).json()["href"]
    first, again = (otto.delete(href, headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())


def test_a_disarm_of_two_steps_is_one_write(house: House, otto: TestClient) -> None:
    first, again = (otto.post("/api/v1/sites/home01/disarm", headers=KEY) for _ in range(2))
    assert (first.status_code, again.json()) == (202, first.json())
    assert counts(house)[0] == 1


@pytest.mark.parametrize("other", [{"mode": "charge"}, {"asset": "car-1"}])
def test_a_key_stands_for_one_write_alone(house: House, otto: TestClient, other: dict[str, Any]) -> None:
    assert otto.post(OVERRIDES, json=WISH, headers=KEY).status_code == 202
    refused = otto.post(OVERRIDES, json=WISH | other, headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "key_taken")
    elsewhere = otto.post("/api/v1/sites/home01/release", headers=KEY)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "key_taken")
    assert counts(house)[:2] == (0, 1)


def test_a_key_is_its_owners(house: House, otto: TestClient) -> None:
    assert otto.post(OVERRIDES, json=WISH, headers=KEY).status_code == 202
    assert house.login("anna").post(OVERRIDES, json=WISH, headers=KEY).status_code == 202
    assert counts(house)[1] == 2


def test_a_write_that_was_refused_leaves_its_key(house: House, otto: TestClient) -> None:
    assert otto.post(OVERRIDES, json=WISH | {"asset": "attic"}, headers=KEY).status_code == 422
    assert counts(house)[3] == 0
    assert otto.post(OVERRIDES, json=WISH, headers=KEY).status_code == 202


def test_where_the_answer_was_lost_nothing_is_done_again(
    house: House, otto: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ended between what it did and its answer."""

    with monkeypatch.context() as patched:
        patched.setattr(once, "_keep", lambda *_: _nothing())
        assert otto.post(OVERRIDES, json=WISH, headers=KEY).status_code == 202
    again = otto.post(OVERRIDES, json=WISH, headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "answer_lost")
    assert counts(house)[1] == 1


def test_what_failed_half_done_is_told_as_done_and_not_as_failed(
    otto: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disarm was committed, then the database went away; to tell 503 again all day would be about another day."""

    async def away(*_: Any) -> None:
        raise Problem(503, "database_unavailable", "", "", "")

    with monkeypatch.context() as patched:
        patched.setattr(control, "file", away)
        assert otto.post("/api/v1/sites/home01/disarm", headers=KEY).status_code == 503
    again = otto.post("/api/v1/sites/home01/disarm", headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "answer_lost")


async def _nothing() -> None:
    pass


def test_two_at_once_under_one_key_are_one(house: House, otto: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one looked before the first had committed."""
    assert otto.post(OVERRIDES, json=WISH, headers=KEY).status_code == 202

    async def saw_nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr("ems_pipeline.api.caller.demand_new", saw_nothing)
    second = otto.post(OVERRIDES, json=WISH, headers=KEY)
    assert (second.status_code, second.json()["code"]) == (409, "key_under_way")
    assert counts(house)[1] == 1


@pytest.mark.parametrize("key", ["two words", "x" * 129, "\x7f"])
def test_what_is_no_key_is_refused(house: House, otto: TestClient, key: str) -> None:
    assert otto.post(OVERRIDES, json=WISH, headers={"Idempotency-Key": key}).status_code == 422
    assert counts(house)[1] == 0


def test_what_hands_out_secrets_takes_no_key(house: House, otto: TestClient) -> None:
    said = house.login("anna").post(
        "/api/v1/tokens/generate", json={"name": "p", "list_of_resources": ["plans:read"]}, headers=KEY
    )
    assert (said.status_code, said.json()["code"]) == (422, "no_key_here")
    assert counts(house)[3] == 0


def test_keys_are_kept_for_a_day(house: House, otto: TestClient) -> None:
    otto.post(OVERRIDES, json=WISH, headers=KEY)
    house.clock.advance_to(house.clock.now() + timedelta(hours=23))
    otto.portal.call(house.web.clean)  # type: ignore[union-attr]
    assert counts(house)[3] == 1
    house.clock.advance_to(house.clock.now() + timedelta(hours=2))
    otto.portal.call(house.web.clean)  # type: ignore[union-attr]
    assert counts(house)[3] == 0


COMMANDS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", OVERRIDES, WISH),
    ("POST", "/api/v1/control", WISH | {"site": "home01"}),
    ("POST", "/api/v1/batteries/home01.pack/charge", {"power_kw": 3.0}),
    ("POST", "/api/v1/batteries/home01.pack/discharge", {"power_kw": 3.0}),
    ("POST", "/api/v1/batteries/home01.pack/optimize", {}),
    ("POST", "/api/v1/batteries/discover", {"site": "home01"}),
    ("POST", "/api/v1/sites/home01/disarm", {}),
    ("POST", "/api/v1/sites/home01/release", {}),
    ("POST", "/api/v1/sites/home01/prices/import", {}),
    ("POST", "/api/v1/sites/home01/forecast/run", {}),
    ("POST", "/api/v1/sites/home01/plan/run", {}),
    ("POST", "/api/v1/forecast/train", {"site": "home01", "kind": "pv"}),
    ("POST", "/api/v1/devices/home01.inverter/read", {}),
    ("PATCH", "/api/v1/sites/home01", {"usual_load_w": 500}),
    ("DELETE", "/api/v1/sites/home01", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), COMMANDS, ids=[f"{c[0]} {c[1]}" for c in COMMANDS])
def test_a_rehearsal_is_answered_and_changes_nothing(
    house: House, otto: TestClient, method: str, path: str, body: dict[str, Any]
) -> None:
    del otto
    anna, before = house.login("anna"), counts(house)
    said = anna.request(method, f"{path}?dry_run=true", json=body, headers=KEY)
    assert (said.status_code, counts(house)) == (200, before), said.text
    found = said.json() | said.json().get("release", {})
    assert [found[n] for n in ("request_id", "override_id", "command_id", "href") if n in found] in (
        [None],
        [None, None],
    )
    assert outcomes(house)[1:] == ["dry_run"]
    assert anna.request(method, path, json=body, headers=KEY).status_code == 202, "the key is still to be had"


def test_a_rehearsal_is_refused_as_the_write_would_be(otto: TestClient) -> None:
    for path, body in ((OVERRIDES, WISH | {"mode": "fly"}), (OVERRIDES, WISH | {"asset": "attic"})):
        real, rehearsed = otto.post(path, json=body), otto.post(f"{path}?dry_run=true", json=body)
        assert (real.status_code, rehearsed.json()["detail"]) == (422, real.json()["detail"])


def test_an_override_taken_back_in_rehearsal_stands(otto: TestClient) -> None:
    href = otto.post(OVERRIDES, json=WISH).json()["href"]
    said = otto.delete(f"{href}?dry_run=true")
    assert (said.status_code, said.json()["cancelled_at"]) == (200, None)
