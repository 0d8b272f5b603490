"""Nobody reaches a route that does not say who may; what is another's does not exist; every write leaves its row."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute

from ems_pipeline.api.app import ROUTERS, create_app
from ems_pipeline.api.caller import Anybody, Needs
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import ALL, RIGHTS, Caller
from ems_pipeline_tests import rights
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.rights import guards

OPEN = {"/health", "/docs", "/login", "/tokens/validate", "/integrations/bitrix24"}
"""The routes that answer everybody; a new one is named here on purpose."""


def test_every_route_says_who_may(house: House) -> None:
    found = [route for router in ROUTERS for route in router.routes]
    assert len(found) >= 12
    for route in found:
        if isinstance(route, APIWebSocketRoute):
            continue  # says in its first words who may: `live/test_socket.py`
        assert isinstance(route, APIRoute), f"{route} declares no need"
        (guard,) = guards(route.dependant) or [None]
        assert guard is not None, f"{route.path} declares no need; add Depends(needs(...))"
        assert isinstance(guard, Needs) != (route.path in OPEN), route.path
        assert isinstance(guard, Anybody) or not guard.right or guard.right in ALL, f"nobody has {guard.right}"


def test_the_page_says_who_may_ask_what_as_the_code_does() -> None:
    told = rights.page()
    assert rights.PAGE.read_text(encoding="utf-8") == told, "run `make rights`, and commit it"
    rows = {tuple(cell.strip(" `") for cell in line.split("|")[1:-1]) for line in told.splitlines() if "|" in line}
    assert {
        ("path", "what", "needs", "viewer", "operator", "owner", "analyst"),
        ("GET /health", "Whether it works", "nothing", "yes", "yes", "yes", "yes"),
        ("GET /me", "Who asks, and what they may", "a name", "yes", "yes", "yes", "yes"),
        ("POST /sites/{site}/overrides", "File an override", "overrides:write", "-", "yes", "yes", "-"),
        ("DELETE /sites/{site}", "Take a site out of service", "sites:write", "-", "-", "yes", "-"),
        ("GET /rest/{relation}", "Rows of a table or view", "rest:read", "-", "-", "yes", "yes"),
        ("site:KEY", "follow it", "telemetry:read", "yes", "yes", "yes", "yes"),
    } <= rows


def test_nothing_is_answered_beside_those_routes(house: House) -> None:
    own = [getattr(route, "path", None) for route in create_app(house.web).router.routes]
    assert own == ["/api/v1/openapi.json", *[None] * (3 * len(ROUTERS) + 1)], (
        "the routers at three prefixes, and /metrics"
    )


@pytest.mark.parametrize("prefix", ["/api/v1", "/api", ""])
def test_the_same_is_answered_at_three_prefixes(house: House, prefix: str) -> None:
    assert house.client.get(f"{prefix}/health").status_code == 200
    assert house.client.get(f"{prefix}/stats").status_code == 401


def test_only_one_of_the_prefixes_is_in_the_schema(house: House) -> None:
    paths = house.client.get("/api/v1/openapi.json").json()["paths"]
    assert {path.split("/")[2] for path in paths} == {"v1"}


def test_a_site_that_is_anothers_is_not_there() -> None:
    caller = Caller("vera", "person", "viewer", RIGHTS["viewer"], frozenset({"home02"}))
    assert caller.site("home02") == "home02"
    for key in ("home01", "no-such-site"):
        with pytest.raises(Problem) as told:
            caller.site(key)
        assert (told.value.status, told.value.detail) == (404, f"there is no site {key!r}")


def test_nobody_but_an_owner_gives_tokens(house: House) -> None:
    body = {"name": "p", "list_of_resources": ["plans"]}
    for name in ("otto", "vera", "ada"):
        said = house.login(name).post("/tokens/generate", json=body)
        assert (said.status_code, said.json()["code"]) == (403, "permission_missing"), name
        assert "tokens:write" in said.json()["detail"]
    assert house.login("anna").post("/tokens/generate", json=body).status_code == 201


def outcomes(house: House) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in house.rows("SELECT who, path, outcome FROM ems.web_write ORDER BY web_write_id")]


def test_every_write_leaves_a_row_and_refused_ones_do_too(house: House) -> None:
    before = len(outcomes(house))
    browser = house.login("otto")
    browser.post("/api/v1/tokens/generate", json={"name": "p", "list_of_resources": ["plans"]})
    browser.post("/api/v1/tokens/generate", content=b"{")
    browser.post("/api/v1/nowhere")
    browser.post("/api/v1/logout")
    house.client.post("/api/v1/logout")
    assert outcomes(house)[before:] == [
        ("otto", "/api/v1/login", "done"),
        ("otto", "/api/v1/tokens/generate", "permission_missing"),
        ("-", "/api/v1/tokens/generate", "no_json"),
        ("-", "/api/v1/nowhere", "not_found"),
        ("otto", "/api/v1/logout", "done"),
        ("-", "/api/v1/logout", "unauthenticated"),
    ]


def test_looking_leaves_no_row(house: House) -> None:
    browser = house.login("anna")
    before = outcomes(house)
    for path in ("/me", "/stats", "/services/status", "/tokens", "/health"):
        assert browser.get(path).status_code == 200
    assert outcomes(house) == before


def test_a_misspelt_name_in_the_query_is_refused_with_the_nearest(house: House) -> None:
    said = house.login("anna").get("/tokens?limt=5")
    assert (said.status_code, said.json()["code"], said.json()["field"]) == (422, "unknown_field", "limt")
    assert 'did you mean "limit"?' in said.json()["detail"]


def test_what_nobody_foresaw_tells_nothing_of_the_inside_and_has_its_row(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = house.login("anna")

    async def fails(*_arguments: Any) -> None:
        raise ZeroDivisionError("the inside")

    monkeypatch.setattr(house.web.sessions, "end", fails)
    said = browser.post("/logout")
    assert (said.status_code, said.json()["code"]) == (500, "failed")
    assert "the inside" not in said.text
    assert "ZeroDivision" not in said.text
    assert said.headers["x-request-id"] == said.json()["request_id"]
    assert outcomes(house)[-1] == ("anna", "/logout", "failed")


def test_a_time_that_may_be_several_is_refused_in_a_query(house: House) -> None:
    said = house.login("anna").get("/tokens", params={"cursor": "2026-03-29T02:30:00"})
    assert (said.status_code, said.json()["code"]) == (400, "time_ambiguous")
