"""A program's token: worth what its row and its signed text both say, until it ends or is taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from ems_pipeline_tests.api.conftest import NOON, PASSWORD, SECRET, House

READS = ("plans:read", "telemetry:read")


def validated(house: House, token: str) -> dict[str, Any]:
    said = house.client.post("/api/v1/tokens/validate", json={"token": token})
    assert said.status_code == 200, said.text
    answer: dict[str, Any] = said.json()
    return answer


def forged(token: str, secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    """The token's text with other claims, key or algorithm."""
    said = jwt.decode(token, options={"verify_signature": False}) | claims
    headers = {"kid": jwt.get_unverified_header(token)["kid"]}
    return jwt.encode(said, secret if algorithm != "none" else None, algorithm, headers)


def test_a_token_does_what_it_lists_and_nothing_else(house: House) -> None:
    program = house.program("services:read", "tokens:read")
    assert program.get("/services/status").status_code == 200
    assert program.get("/stats").json()["code"] == "permission_missing"
    said = program.get("/api/v1/me").json()
    assert (said["kind"], said["role"]) == ("program", "program")
    assert (said["resources"], said["csrf_token"]) == (["services:read", "tokens:read"], None)


def test_a_bare_noun_is_the_right_to_read(house: House) -> None:
    said = validated(house, house.token("plans"))
    assert (said["valid"], said["resources"]) == (True, ["plans:read"])
    assert said["expires_at"] == "2026-03-02T12:00:00Z"


def test_a_token_counts_until_its_end_and_half_a_minute(house: House) -> None:
    """A day and 30 s of leeway after noon of 1 March; without rows in between, for what was looked up counts 5 s."""
    token = house.token(*READS)
    house.clock.wait_until(NOON + timedelta(days=1, seconds=30))
    assert validated(house, token)["valid"]
    house.clock.wait_until(NOON + timedelta(days=1, seconds=31))
    assert validated(house, token) | {"valid": False} == {
        "valid": False, "reason": "expired", "name": None, "resources": None, "expires_at": None
    }  # fmt: skip
    said = house.client.get("/me", headers={"Authorization": f"Bearer {token}"})
    assert (said.status_code, said.json()["code"]) == (401, "token_expired")


def test_a_forged_token_is_worth_nothing(house: House) -> None:
    token = house.token(*READS)
    more = [*READS, "tokens:write"]
    tries = {
        forged(token, "x" * 48): "bad_signature",
        forged(token, algorithm="none"): "bad_signature",
        forged(token, algorithm="HS512"): "bad_signature",
        forged(token, resources=more): "bad_signature",  # signed with our own secret, and still not what was given
        forged(token, sites=["home02"]): "bad_signature",
        forged(token, aud="another"): "bad_signature",
        forged(token, iss="another"): "bad_signature",
        forged(token, jti=str(uuid4())): "unknown",
        forged(token, jti="no-uuid"): "bad_signature",
        token[:-2]: "bad_signature",
        "a.b.c": "bad_signature",
        "x": "bad_signature",
    }
    for text, reason in tries.items():
        assert validated(house, text)["reason"] == reason, text
    assert validated(house, token)["valid"]


def test_a_token_that_is_taken_back_is_refused_at_once_and_stays_so(house: House) -> None:
    browser, token = house.login("anna"), house.token(*READS)
    bearer = {"Authorization": f"Bearer {token}"}
    assert house.client.get("/me", headers=bearer).status_code == 200
    first = browser.post("/tokens/revoke", json={"token": token})
    house.clock.wait_until(house.clock.now() + timedelta(minutes=1))
    again = browser.post("/tokens/revoke", json={"token_id": first.json()["token_id"]})
    assert first.json() == again.json()
    assert first.json()["revoked_at"] == "2026-03-01T12:00:00Z"
    assert house.client.get("/me", headers=bearer).json()["code"] == "token_refused"
    assert validated(house, token)["reason"] == "revoked"


def test_nobody_gives_more_than_he_may(house: House) -> None:
    program = house.program("tokens:write", "plans:read", sites=["home01"])
    for body, field in (
        ({"list_of_resources": ["alarms:write"]}, "list_of_resources"),
        ({"list_of_resources": ["plans"], "sites": ["home02"]}, "sites"),
        ({"list_of_resources": ["plans"], "sites": ["home01", "home02"]}, "sites"),
    ):
        said = program.post("/tokens/generate", json={"name": "p", **body})
        assert (said.status_code, said.json()["field"]) == (403, field), body
    given = program.post("/tokens/generate", json={"name": "p", "list_of_resources": ["plans"]})
    assert given.json()["sites"] == ["home01"], "those of the giver, where none are named"


def test_a_token_for_other_sites_is_not_there(house: House) -> None:
    wide = house.token("plans")
    narrow = house.program("tokens:write", "tokens:read", "plans:read", sites=["home01"])
    number = jwt.decode(wide, options={"verify_signature": False})["jti"]
    assert narrow.post("/tokens/revoke", json={"token_id": number}).status_code == 404
    assert narrow.post("/tokens/save", json={"token_id": number, "note": "mine"}).status_code == 404
    assert number not in {one["token_id"] for one in narrow.get("/tokens").json()["items"]}
    assert validated(house, wide)["valid"]


def test_an_unknown_resource_is_refused_with_the_nearest_and_the_list(house: House) -> None:
    body = {"name": "p", "list_of_resources": ["telemetri:read"]}
    said = house.login("anna").post("/tokens/generate", json=body)
    assert said.status_code == 422
    assert 'did you mean "telemetry:read"?' in said.json()["detail"]
    assert "overrides:write" in said.json()["remedy"]


def test_the_password_is_wanted_again_after_a_quarter_of_an_hour(house: House) -> None:
    browser, body = house.login("anna"), {"name": "p", "list_of_resources": ["plans"]}
    house.clock.wait_until(NOON + timedelta(minutes=15))
    assert browser.post("/tokens/generate", json=body).json()["code"] == "password_again"
    assert browser.post("/me/confirm", json={"password": "guess"}).status_code == 401
    assert browser.post("/me/confirm", json={"password": PASSWORD}).status_code == 204
    assert browser.post("/tokens/generate", json=body).status_code == 201


def test_a_bearer_ignores_the_cookie(house: House) -> None:
    browser = house.login("anna")
    said = browser.get("/me", headers={"Authorization": "Bearer a.b.c"})
    assert said.status_code == 401


def test_tokens_are_named_listed_by_page_and_forgotten_long_after_their_end(house: House) -> None:
    browser = house.login("anna")
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.web_token")
    for name in ("one", "two", "three"):
        house.clock.wait_until(house.clock.now() + timedelta(seconds=1))
        said = browser.post("/tokens/generate", json={"name": name, "list_of_resources": ["plans"], "ttl_s": 60})
        number = said.json()["token_id"]
    noted = browser.post("/tokens/save", json={"token_id": number, "note": "in the kitchen"}).json()
    assert (noted["name"], noted["note"], noted["state"]) == ("three", "in the kitchen", "valid")
    first = browser.get("/tokens?limit=2").json()
    second = browser.get("/tokens", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["name"] for one in first["items"]] == ["three", "two"]
    assert second["items"][0]["name"] == "one"
    assert not {one["token_id"] for one in first["items"]} & {one["token_id"] for one in second["items"]}
    house.clock.wait_until(NOON + timedelta(days=32))
    house.client.portal.call(house.web.clean)  # type: ignore[union-attr]
    assert house.rows("SELECT count(*) FROM ems.web_token") == [(0,)]


def test_no_secret_is_in_what_is_stored_or_listed(house: House) -> None:
    token = house.token("plans")
    signature = token.rpartition(".")[2]
    (stored,) = house.rows("SELECT string_agg(t::text, ' ') FROM ems.web_token t")
    assert signature not in stored[0]
    assert signature not in house.login("anna").get("/tokens").text


@pytest.mark.parametrize(
    "body",
    [
        {"name": "p", "list_of_resources": []},
        {"name": "", "list_of_resources": ["plans"]},
        {"name": "a\u202eb", "list_of_resources": ["plans"]},
        {"name": "p", "list_of_resources": ["plans"], "ttl_s": "60"},
        {"name": "p", "list_of_resources": ["plans"], "ttl_s": 59},
        {"name": "p", "list_of_resources": ["plans"], "ttl_s": 31_536_001},
        {"name": "p", "list_of_resources": "plans"},
        {"name": "p", "list_of_resources": ["plans"], "is_admin": True},
        ["p"],
    ],
)
def test_a_wish_that_is_wrong_is_422_and_names_its_field(house: House, body: Any) -> None:
    said = house.login("anna").post("/tokens/generate", json=body)
    assert said.status_code == 422, said.text
    assert said.json()["errors"][0]["field"]
    assert said.headers["content-type"] == "application/problem+json"
