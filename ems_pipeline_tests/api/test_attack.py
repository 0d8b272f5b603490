"""What nobody gets by HTTP: another's site, a right of another role, a change by looking, a site that is steered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from ems_pipeline.api.rights import RIGHTS, Role
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.api.test_rights import OPEN
from ems_pipeline_tests.rights import needed, routes

pytestmark = pytest.mark.usefixtures("lived")

REFUSED = {(403, "permission_missing"), (403, "42501")}
"""In our words and in those of PostgREST's dialect."""
ROUTES = routes()
NUMBER = "00000000-0000-0000-0000-000000000009"
PLACES = {
    "site": "{site}", "battery": "{site}.pack", "device": "{site}.inverter", "override_id": "1", "alarm_id": "1",
    "event_id": "1", "request_id": NUMBER, "relation": "alarm", "function": "fn_override_add", "token_id": NUMBER,
    "version": "1", "goal_id": "1", "schedule": "{site}.nights", "_path": "anything/else", "channel_id": "1",
    "command_id": "1", "lock_id": "1",
    "genset_alarm_id": "1", "draft_id": "1",
    "task_id": "1", "alert_id": "1", "finding_id": "1", "template_id": "1", "code": "T1-01", "set_id": "{site}.gen-1",
}  # fmt: skip
"""What stands in a path for a name; one that is missing here fails the test that needs it."""


def path_of(route: APIRoute, site: str) -> str:
    return "/api/v1" + re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: PLACES[found[1]].format(site=site), route.path)


def ask(house: House, browser: TestClient, method: str, path: str, body: Any = None) -> tuple[int, str]:
    house.seconds.at += 3600.0  # no budget is what is tried here
    said = browser.request(method, path, json=body) if body is not None else browser.request(method, path)
    code = (
        said.json().get("code", "") if "json" in said.headers.get("content-type", "") and said.text[:1] == "{" else ""
    )
    return said.status_code, code


PEOPLE = {"owner": "anna", "operator": "otto", "viewer": "vera", "analyst": "ada"}


@pytest.mark.parametrize("role", PEOPLE)
def test_a_role_gets_what_its_rights_say_and_nothing_else(house: House, role: Role) -> None:
    """Refused before anything else is looked at: neither body nor query tells somebody without the right anything."""
    browser, asked = house.login(PEOPLE[role]), 0
    for method, route in ROUTES:
        if (right := needed(route)) is None or route.path == "/logout":
            continue
        status, code = ask(house, browser, method, path_of(route, "home01"), {} if method != "GET" else None)
        has = not right or right in RIGHTS[role]
        assert ((status, code) in REFUSED) != has, f"{role} {method} {route.path}: {status} {code}"
        assert status < 500, f"{role} {method} {route.path}: {status}"
        asked += 1
    assert asked > 40


def test_a_token_with_every_right_but_one_does_not_get_what_needs_that_one(house: House) -> None:
    rights = {right for _, route in ROUTES if (right := needed(route))}
    for right in sorted(rights):
        program = house.program(*(RIGHTS["owner"] - {right}))
        for method, route in ROUTES:
            if needed(route) == right:
                found = ask(house, program, method, path_of(route, "home01"), {} if method != "GET" else None)
                assert found in REFUSED, f"{method} {route.path} without {right}"


def test_nobody_is_answered_without_a_name(house: House) -> None:
    for method, route in ROUTES:
        if route.path not in OPEN:
            status, _ = ask(house, house.browser(), method, path_of(route, "home01"), {} if method != "GET" else None)
            assert status == 401, f"{method} {route.path}"


def test_anothers_site_is_as_absent_as_one_that_is_not_there(house: House) -> None:
    """An owner of all sees both; whoever is bound to one is told the same words of the other and of none."""
    program = house.program(*(right for right in RIGHTS["owner"] if not right.startswith("rest")), sites=["home02"])
    asked = 0
    for method, route in ROUTES:
        if not {"site", "battery", "device"} & {param.alias for param in route.dependant.path_params}:
            continue
        answers = []
        for site in ("home01", "home99"):
            house.seconds.at += 3600.0
            said = program.request(method, path_of(route, site), json={} if method != "GET" else None)
            answers.append((said.status_code, said.text.replace(site, "it").replace(said.headers["x-request-id"], "")))
        assert answers[0] == answers[1], f"{method} {route.path}"
        assert answers[0][0] in (404, 422), f"{method} {route.path}: {answers[0]}"
        asked += 1
    assert asked > 20


REMEMBERED = {"web_session": "seen_at", "web_token": "last_used_at"}
"""Columns that say when somebody was here last."""


def tables(house: House) -> list[str]:
    found = house.rows(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'ems'::regnamespace AND c.relkind IN ('r', 'p') "
        "AND NOT c.relispartition"
    )
    return [name for (name,) in found]


def contents(house: House) -> dict[str, str]:
    return {
        name: hashlib.sha256(
            repr(house.rows(f"SELECT to_jsonb(t) - '{REMEMBERED.get(name, '')}' FROM ems.{name} t ORDER BY 1")).encode()
        ).hexdigest()
        for name in tables(house)
    }


def test_looking_changes_nothing(house: House) -> None:
    browser = house.login("anna")
    before = contents(house)
    for method, route in ROUTES:
        if method == "GET":
            for query in ("", "?limit=3", "?site=home01", "?start=2026-02-28T00:00:00Z&end=2026-03-02T00:00:00Z"):
                for way in ("GET", "HEAD", "OPTIONS"):
                    ask(house, browser, way, path_of(route, "home01") + query)
    assert contents(house) == before


STEERED = """
    SELECT (SELECT jsonb_agg(to_jsonb(a)) FROM ems.control_arm a WHERE a.disarmed_at IS NULL),
           (SELECT jsonb_object_agg(c.site_key, jsonb_build_array(c.config -> 'control', c.config -> 'gateways'))
            FROM (SELECT DISTINCT ON (site_key) * FROM ems.site_config ORDER BY site_key, known_at DESC) c)"""
BODIES: list[dict[str, Any]] = [
    {},
    {"site": "home02", "armed": True, "enabled": True},
    {"site": "home02", "control": {"enabled": True}, "asset": "pack", "mode": "charge"},
    {"control": {"enabled": True}, "gateways": [{"key": "rs485", "host": "192.0.2.7", "port": 502}]},
]


def wishes() -> Iterator[tuple[str, str]]:
    for method, route in ROUTES:
        if method not in ("GET", "HEAD") and "disarm" not in route.path and route.path not in OPEN | {"/logout"}:
            yield method, path_of(route, "home02")
    for verb in ("arm", "enable", "control/arm", "control/enabled", "config", "gateways", ""):
        for method in ("POST", "PUT", "PATCH"):
            yield method, f"/api/v1/sites/home02/{verb}".rstrip("/")


def test_an_owner_with_every_right_gets_no_site_steered_by_http_alone(house: House) -> None:
    before = house.rows(STEERED)
    anna, program = house.login("anna"), house.program(*RIGHTS["owner"])
    asked = 0
    for browser in (anna, program):
        for method, path in wishes():
            for body in BODIES:
                status, _ = ask(house, browser, method, path, body)
                assert status < 500, f"{method} {path} {body}"
                asked += 1
    assert asked > 200
    assert house.rows(STEERED) == before


@pytest.mark.parametrize(
    "call", ["fn_arm", "fn_gateway_take", "fn_create_planning_run", "fn_drop_telemetry", "fn_drop_asked"]
)
def test_the_database_runs_no_other_function_for_the_web_process(house: House, call: str) -> None:
    """Whatever a route might be talked into: the roles it takes on may not."""
    found = house.rows(
        """SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'ems'::regnamespace AND p.proname = :call
           AND EXISTS (SELECT FROM unnest('{ems_web,ems_writer,ems_analyst}'::name[]) r (name)
                       WHERE has_function_privilege(r.name, p.oid, 'EXECUTE'))""",
        call=call,
    )
    assert found == []


def test_the_web_process_writes_to_no_table_of_the_pipeline(house: House) -> None:
    """Nor do the roles it takes on, but through functions that check."""
    found = house.rows(
        """SELECT r.rolname, c.relname FROM pg_class c
           CROSS JOIN (VALUES ('ems_web'), ('ems_writer'), ('ems_analyst')) r (rolname)
           WHERE c.relnamespace = 'ems'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND (
               has_table_privilege(r.rolname, c.oid, 'INSERT') OR has_table_privilege(r.rolname, c.oid, 'DELETE')
               OR has_any_column_privilege(r.rolname, c.oid, 'UPDATE'))
           ORDER BY 1, 2"""
    )
    assert [tuple(row) for row in found] == [
        ("ems_web", "notice_channel"), ("ems_web", "person"), ("ems_web", "web_draft"), ("ems_web", "web_once"),
        ("ems_web", "web_session"), ("ems_web", "web_token"), ("ems_web", "web_write"),
    ]  # fmt: skip
