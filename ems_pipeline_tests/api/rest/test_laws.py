"""No question makes the server fail, no value becomes SQL, nobody sees a foreign site, nothing is changed."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from ems_pipeline.api.address import as_web
from ems_pipeline.api.app import layered
from ems_pipeline.api.limits import Budgets
from ems_pipeline.api.rest import grammar
from ems_pipeline.api.rest.comparing import Values
from ems_pipeline.api.rest.plan import Planner
from ems_pipeline.api.rest.reader import BadQuery
from ems_pipeline.api.rest.refusals import Refused
from ems_pipeline.api.rest.relations import Catalogue, ForeignKey, Relation
from ems_pipeline.api.rest.statement import Statement
from ems_pipeline.api.web import Settings, Web
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.api.conftest import NOON, SECRET, House, Seconds
from ems_pipeline_tests.api.rest.rows import fill

EVIL = "x'); DROP TABLE ems.site; --"
HOMES = Relation("site", {"site_key": "text", "name": "text"})
ALARMS = Relation("alarm", {"alarm_id": "bigint", "site_key": "text", "text": "text", "seen": "jsonb"})
CATALOGUE = Catalogue(
    {"site": HOMES, "alarm": ALARMS}, (ForeignKey("alarm_site", "alarm", ("site_key",), "site", ("site_key",), False),)
)
WORDS = (
    'site_key name alarm text seen site * ( ) , . -> ->> :: : !inner ! eq. not. in.( is.null like(any). { } \\ " '
    "fts(x). and( or( ... count() % desc nullsfirst int -1 0 99999999999999999999 %(p0)s %s \0 ' ; -- gt."
)
PIECES = st.one_of(st.sampled_from(WORDS.split(" ")), st.text(max_size=6))
VALUE = st.lists(PIECES, max_size=12).map("".join)
KEYS = "select order limit offset or and not.or site_key name text alarm.limit alarm.order alarm.or alarm.text seen->a"
KEY = st.one_of(st.sampled_from(KEYS.split()), VALUE)
QUERY = st.lists(st.tuples(KEY, VALUE), max_size=6)


@pytest.fixture(scope="module")
def filled(stocked: Warehouse) -> None:
    with stocked.begin() as connection:
        fill(connection)


def statement(pairs: list[tuple[str, str]]) -> Statement:
    planner = Planner(CATALOGUE, frozenset({"elm"}))
    return Statement(planner.plan(planner.relation("alarm"), grammar.parse(pairs)), frozenset({"elm"}), Values())


@settings(max_examples=300)
@given(pairs=QUERY)
def test_any_text_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    with contextlib.suppress(BadQuery, grammar.AggregatesRefused):
        grammar.parse(pairs)


@pytest.mark.parametrize(
    "pairs",
    [
        [("text", f"eq.{EVIL}")],
        [("text", f"like(any).{{{EVIL}}}")],
        [("text", f'in.("{EVIL}",b)')],
        [("or", f'(text.eq."{EVIL}",text.eq.b)')],
        [("seen->>" + '"' + EVIL + '"', "eq.1")],
        [("select", f'"{EVIL}":text')],
        [("select", f'site("{EVIL}":name)')],
        [("select", f'"{EVIL}":site(name)')],
        [("select", 'seen->"' + EVIL + '"')],
        [("order", 'seen->>"' + EVIL + '".desc')],
        [("text", f"fts.{EVIL}")],
    ],
)
def test_what_somebody_wrote_is_a_parameter_and_no_sql(pairs: list[tuple[str, str]]) -> None:
    asked = statement(pairs)
    for form in ("objects", "cells"):
        written = asked.rows(form, wants_total=True).as_string()  # type: ignore[arg-type]
        assert "DROP" not in written
    assert any("DROP" in str(value) for value in asked.values.given.values())


@settings(max_examples=200)
@given(pairs=QUERY)
def test_a_statement_is_made_of_the_catalogues_names_and_our_own_words(pairs: list[tuple[str, str]]) -> None:
    try:
        written = statement(pairs).rows("objects", wants_total=True).as_string()
    except (BadQuery, Refused, grammar.AggregatesRefused):
        return
    quoted = set(re.findall(r'"([^"]*)"', written))
    assert {name for name in quoted if not re.fullmatch(r"t\d+e?|c\d+|o\d+", name)} <= {
        "ems", "site", "alarm", *HOMES.columns, *ALARMS.columns,
    }  # fmt: skip


@settings(max_examples=150)
@given(
    pairs=QUERY, relation=st.sampled_from(["site", "alarm", "vw_setpoint", "rpc/fn_slot_cost", "rpc/fn_plan_in_force"])
)
def test_no_question_makes_the_server_fail(asking: TestClient, pairs: list[tuple[str, str]], relation: str) -> None:
    said = asking.get(f"/rest/{relation}?{urlencode(pairs)}")
    assert said.status_code < 500, (pairs, said.text)
    if said.status_code >= 400:
        assert said.json().keys() == {"code", "message", "details", "hint"}
    else:
        json.loads(said.text)


@pytest.fixture(scope="module")
def asking(stocked: Warehouse, filled: None) -> Iterator[TestClient]:
    """A client that may ask as often as it likes: for its budget a second passes whenever somebody looks."""
    clock = SimulatedClock(NOON)
    web = Web(Settings(as_web(stocked.url), SECRET), clock, Budgets(itertools.count().__next__))
    with TestClient(layered(web), base_url="http://localhost", raise_server_exceptions=False) as client:
        house = House(web, client, stocked, clock, Seconds())
        yield house.program("rest:read", sites=["elm"])


BOUND = [
    ("site?select=site_key", [{"site_key": "elm"}]),
    ("site?site_key=eq.oak", []),
    ("alarm?select=site_key,times&order=times", [{"site_key": "elm", "times": 1}, {"site_key": "elm", "times": 2}]),
    ("alarm?select=times&or=(site_key.eq.oak,site_key.is.null)", []),
    ("planning_interval?select=mode&planning_run_id=eq.00000000-0000-4000-8000-000000000002", []),
    ("fx_rate?select=rate&limit=1&order=rate", [{"rate": 25}]),
    ("rpc/fn_slot_cost?grid_w=4000&buy_per_kwh=0.25&sell_per_kwh=0.1", 0.25),
]


@pytest.mark.parametrize(("path", "expected"), BOUND, ids=[path for path, _ in BOUND])
def test_who_is_bound_to_sites_sees_theirs(house: House, filled: None, path: str, expected: Any) -> None:
    said = house.program("rest:read", sites=["elm"]).get(f"/rest/{path}")
    assert (said.status_code, said.json()) == (200, expected)


@pytest.mark.parametrize("path", ["supervisor", "web_write", "gateway_party", "point_map"])
def test_what_is_of_no_site_is_not_there_for_who_is_bound_to_one(house: House, path: str) -> None:
    assert house.program("rest:read").get(f"/rest/{path}?limit=0").status_code == 200
    assert house.program("rest:read", sites=["elm"]).get(f"/rest/{path}?limit=0").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "rpc/fn_plan_in_force?p_site_key=oak&p_slot=2026-03-01T12:00Z",
        "rpc/fn_effective_price?p_site_key=oak&p_from=2026-03-01T12:00Z&p_to=2026-03-01T13:00Z",
    ],
)
def test_a_function_about_a_foreign_site_is_not_there(house: House, filled: None, path: str) -> None:
    assert house.program("rest:read").get(f"/rest/{path}").status_code == 200
    assert house.program("rest:read", sites=["elm"]).get(f"/rest/{path}").status_code == 404


@pytest.mark.parametrize(
    "table", ["person", "web_token", "web_session", "pg_authid", "pg_class", "ems_alembic_version"]
)
def test_what_no_analyst_may_read_is_not_there(house: House, table: str) -> None:
    said = house.program("rest:read").get(f"/rest/{table}")
    assert (said.status_code, said.json()["code"]) == (404, "PGRST205")


@pytest.mark.parametrize("path", ["site/elm", "rpc/fn_cop/more"])
def test_a_path_of_more_words_is_not_there(house: House, path: str) -> None:
    said = house.program("rest:read").get(f"/rest/{path}")
    assert (said.status_code, said.json()["code"]) == (404, "PGRST125")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_rows_are_not_changed(house: House, filled: None, method: str) -> None:
    before = house.rows("SELECT count(*), max(name) FROM ems.site")
    said = house.program("rest:read", "rest:write").request(method, "/rest/site?site_key=eq.elm", json={"name": "gone"})
    assert (said.status_code, said.json()["code"]) == (405, "PGRST117")
    assert house.rows("SELECT count(*), max(name) FROM ems.site") == before


OVERRIDE = {"p_site_key": "home01", "p_asset_key": "pack", "p_mode": "hold", "p_until_at": "2999-01-01T00:00Z"}


def test_a_function_that_writes_is_not_called_by_get_nor_without_the_right(house: House) -> None:
    query = "&".join(f"{name}={quote(value)}" for name, value in OVERRIDE.items())
    assert house.program("rest:read", "rest:write").get(f"/rest/rpc/fn_override_add?{query}").status_code == 405
    said = house.program("rest:read").post("/rest/rpc/fn_override_add", json=OVERRIDE)
    assert (said.status_code, said.json()["code"]) == (403, "42501")


def test_an_override_by_function_is_in_the_callers_name_and_leaves_its_row(house: House) -> None:
    writer = house.program("rest:read", "rest:write")
    refused = writer.post("/rest/rpc/fn_override_add", json=OVERRIDE)
    assert (refused.status_code, refused.json()["code"]) == (400, "22023")
    assert "more than a week away" in refused.json()["message"]
    soon = house.rows("SELECT (now() + interval '1 hour')::text")[0][0]
    filed = writer.post("/rest/rpc/fn_override_add", json=OVERRIDE | {"p_until_at": soon})
    assert filed.status_code == 200, filed.text
    ((who,),) = house.rows("SELECT created_by FROM ems.control_override WHERE control_override_id = :n", n=filed.json())
    assert re.fullmatch(r"(rest|web):token:program:[0-9a-f]{8}", who)
    told = house.rows(
        "SELECT outcome FROM ems.web_write WHERE path = '/rest/rpc/fn_override_add' ORDER BY web_write_id"
    )
    assert [outcome for (outcome,) in told[-2:]] == ["22023", "done"]


def test_a_function_takes_the_fields_of_a_form_and_json_that_calls_itself_one(house: House) -> None:
    asker, form = house.program("rest:read"), {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (
        "grid_w=4000&buy_per_kwh=0.25&sell_per_kwh=0.1",
        '{"grid_w":4000,"buy_per_kwh":0.25,"sell_per_kwh":0.1}',
    ):
        said = asker.post("/rest/rpc/fn_slot_cost", content=body, headers=form)
        assert (said.status_code, said.json()) == (200, 0.25)
    assert asker.post("/rest/rpc/fn_slot_cost", content="&".join(["a=1"] * 101), headers=form).status_code == 400


def test_who_is_not_known_is_told_so_in_the_dialect(house: House) -> None:
    said = house.browser().get("/rest/site")
    assert (said.status_code, said.json()["code"]) == (401, "PGRST301")
    assert said.headers["WWW-Authenticate"] == "Bearer"
    assert house.program("alarms:read").get("/rest/site").status_code == 403
