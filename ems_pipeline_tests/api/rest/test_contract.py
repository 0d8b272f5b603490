"""What a client of PostgREST relies on; held against our own server and, where somebody has one, a PostgREST."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.api.conftest import House, begun
from ems_pipeline_tests.api.rest.contract import SERVERS, Server, demand_postgrest
from ems_pipeline_tests.api.rest.rows import fill

ELM, OAK = "elm", "oak"


@pytest.fixture(scope="module")
def filled(stocked: Warehouse) -> None:
    with stocked.begin() as connection:
        fill(connection)


@pytest.fixture(scope="module")
def ours(stocked: Warehouse, filled: None) -> Iterator[tuple[House, Server]]:
    """One web process for all questions: none changes anything that another asks for."""
    with begun(stocked) as house:
        yield house, Server(house.program("rest:read"))


@pytest.fixture(params=SERVERS)
def ask(request: pytest.FixtureRequest, ours: tuple[House, Server]) -> Server:
    if request.param == "postgrest":
        demand_postgrest()
        return Server(None)
    house, server = ours
    house.seconds.at += 60.0  # nobody asks too often
    return server


ANSWERS: list[tuple[str, Any]] = [
    ("site?select=site_key,n:name&site_key=in.(elm,oak)&order=site_key.desc",
     [{"site_key": OAK, "n": 'Oak "2"'}, {"site_key": ELM, "n": "Elm, 1"}]),
    ("site?select=site_key&name=in.(\"Elm, 1\",x)", [{"site_key": ELM}]),
    ("site?select=site_key&name=eq.Oak \"2\"", [{"site_key": OAK}]),
    ("alarm?select=times&order=times.desc&limit=2&site_key=in.(elm,oak)", [{"times": 7}, {"times": 2}]),
    ("alarm?select=times&order=times&offset=1&limit=1&site_key=not.is.null", [{"times": 2}]),
    ("alarm?select=kind&site_key=is.null", [{"kind": "disk"}]),
    ("alarm?select=times::text,on:raised_at::date&kind=eq.disk", [{"times": "1", "on": "2026-03-01"}]),
    ("alarm?select=times&text=like.*(again)", [{"times": 1}]),
    ("alarm?select=times&text=ilike.WAS*", [{"times": 7}]),
    ("alarm?select=times&text=match.^was", [{"times": 7}]),
    ("alarm?select=times&text=imatch.^WAS", [{"times": 7}]),
    ("alarm?select=times&text=like(any).{*late,was*}&order=times", [{"times": 2}, {"times": 7}]),
    ("alarm?select=times&text=like(all).{*silent,was*}", [{"times": 7}]),
    ("alarm?select=times&times=gt(all).{1,2}", [{"times": 7}]),
    ("alarm?select=times&times=eq(any).{2,7}&order=times", [{"times": 2}, {"times": 7}]),
    ("alarm?select=kind&site_key=isdistinct.elm&order=kind", [{"kind": "disk"}, {"kind": "silent"}]),
    ("alarm?select=times&text=fts(english).lateness", [{"times": 2}]),
    ("alarm?select=times&text=plfts.disk%20full", [{"times": 1}]),
    ("alarm?select=times&text=wfts(english).\"plan is late\"", [{"times": 2}]),
    ("alarm?select=times&or=(times.eq.7,and(times.eq.2,kind.eq.plan-late))&order=times",
     [{"times": 2}, {"times": 7}]),
    ("alarm?select=times&or=(text.eq.\"100% silent, (again)\",times.gt.6)&order=times", [{"times": 1}, {"times": 7}]),
    ("alarm?select=times&not.and=(times.gte.1,times.lte.2)", [{"times": 7}]),
    ("alarm?select=times&and=(times.gt.1,not.or(times.eq.7,kind.eq.x))", [{"times": 2}]),
    ("alarm?select=times&site_key=not.in.(elm)", [{"times": 7}]),
    ("site_config?select=site_key,config->batteries->0->>key&config->>name=eq.Elm", [{"site_key": ELM, "key": "pack"}]),
    ("site_config?select=cap:config->batteries->0->capacity_wh&config->batteries->0->capacity_wh=gt.9000"
     "&site_key=in.(elm,oak)",
     [{"cap": 10000}]),
    ("site_config?select=site_key&site_key=in.(elm,oak)&config=cs.{\"batteries\":[{\"key\":\"pack\"}]}",
     [{"site_key": ELM}]),
    ("fx_rate?select=rate&order=rate_on.desc&limit=2", [{"rate": 25.4}, {"rate": 25.3}]),
    ("alarm?select=kind,site(name)&kind=in.(disk,plan-late)&order=kind",
     [{"kind": "disk", "site": None}, {"kind": "plan-late", "site": {"name": "Elm, 1"}}]),
    ("site?select=site_key,alarm(times)&site_key=eq.elm&alarm.order=times.desc",
     [{"site_key": ELM, "alarm": [{"times": 2}, {"times": 1}]}]),
    ("site?select=site_key,alarm(times)&site_key=eq.elm&alarm.order=times.desc&alarm.limit=1&alarm.offset=1",
     [{"site_key": ELM, "alarm": [{"times": 1}]}]),
    ("site?select=site_key,worst:alarm!inner(times)&worst.severity=eq.info",
     [{"site_key": OAK, "worst": [{"times": 7}]}]),
    ("site?select=site_key,alarm(times)&alarm.or=(times.eq.2,times.eq.9)&site_key=in.(elm,oak)&order=site_key",
     [{"site_key": ELM, "alarm": [{"times": 2}]}, {"site_key": OAK, "alarm": []}]),
    ("site?select=site_key,control_decision(slot)&site_key=in.(elm,oak)&order=site_key",
     [{"site_key": ELM, "control_decision": {"slot": "2026-03-01T12:00:00+00:00"}},
      {"site_key": OAK, "control_decision": None}]),
    ("site?select=site_key,control_decision()&control_decision=is.null&site_key=in.(elm,oak)", [{"site_key": OAK}]),
    ("site?select=site_key,alarm()&alarm=not.is.null&order=site_key", [{"site_key": ELM}, {"site_key": OAK}]),
    ("alarm?select=times,site!inner(name,planning_run(status,planning_interval(mode)))&kind=eq.plan-late"
     "&site.planning_run.planning_interval.order=starts_at.desc&site.planning_run.planning_interval.limit=1",
     [{"times": 2, "site": {"name": "Elm, 1", "planning_run": [
         {"status": "optimal", "planning_interval": [{"mode": "charge"}]}]}}]),
    ("alarm?select=times,site(name)&order=site(name).desc.nullslast,times&site_key=not.is.null&limit=1",
     [{"times": 7, "site": {"name": 'Oak "2"'}}]),
    ("planning_interval?select=mode,planning_run!inner(site_key)&planning_run.site_key=eq.oak",
     [{"mode": "hold", "planning_run": {"site_key": OAK}}]),
    ("rpc/fn_slot_cost?grid_w=4000&buy_per_kwh=0.25&sell_per_kwh=0.1", 0.25),
    ("rpc/fn_plan_in_force?p_site_key=elm&p_slot=2026-03-01T12:00:00Z&p_as_known_at=2026-03-01T12:00:00Z",
     [{"planning_run_id": "00000000-0000-4000-8000-000000000001"}]),
    ("rpc/fn_plan_in_force?p_site_key=elm&p_slot=2026-03-05T12:00:00Z&select=id:planning_run_id", []),
]  # fmt: skip


@pytest.mark.parametrize(("path", "expected"), ANSWERS, ids=[path for path, _ in ANSWERS])
def test_what_is_asked_is_answered(ask: Server, path: str, expected: Any) -> None:
    said = ask(path)
    assert (said.status, said.json) == (200, expected)


REFUSALS = [
    ("nothing_like_it", 404, "PGRST205"),
    ("sites", 404, "PGRST205"),
    ("site?site_key=elm", 400, "PGRST100"),
    ("site?select=site_key,,name", 400, "PGRST100"),
    ("site?select=alarm(", 400, "PGRST100"),
    ("site?or=()", 400, "PGRST100"),
    ("site?or=(site_key.eq.elm", 400, "PGRST100"),
    ("site?order=name.up", 400, "PGRST100"),
    ("site?is_active=is.maybe", 400, "PGRST100"),
    ("site?select=site_key.count()", 400, "PGRST123"),
    ("site?select=nothing", 400, "42703"),
    ("site?nothing=eq.1", 400, "42703"),
    ("alarm?times=eq.many", 400, "22P02"),
    ("alarm?kind=cs.{a}", 404, "42883"),
    ("site?select=site_key::nothing", 400, "42704"),
    ("site?select=site_key,tempo_colour(*)", 400, "PGRST200"),
    ("site?select=site_key&alarm.times=eq.1", 400, "PGRST108"),
    ("site?select=site_key,alarm(times)&alarm=eq.1", 400, "PGRST120"),
    ("site?select=site_key,alarm(times)&order=alarm(times)", 400, "PGRST118"),
    ("site?limit=-1", 416, "PGRST103"),
    ("rpc/fn_nothing", 404, "PGRST202"),
    ("rpc/fn_slot_cost?grid_w=1", 404, "PGRST202"),
    ("rpc/fn_plan_in_force?p_site_key=elm&p_slot=soon", 400, "22007"),
]


@pytest.mark.parametrize(("path", "status", "code"), REFUSALS, ids=[path for path, *_ in REFUSALS])
def test_what_cannot_be_answered_is_refused_in_postgrests_words(ask: Server, path: str, status: int, code: str) -> None:
    said = ask(path)
    assert (said.status, said.json["code"]) == (status, code), said.text
    assert said.json.keys() == {"code", "message", "details", "hint"}


@pytest.mark.parametrize(
    ("path", "headers", "status", "content_range"),
    [
        ("fx_rate", {}, 200, "0-4/*"),
        ("fx_rate", {"Prefer": "count=exact"}, 200, "0-4/5"),
        ("fx_rate", {"Prefer": "count=estimated"}, 200, "0-4/5"),
        ("fx_rate?limit=2", {"Prefer": "count=exact"}, 206, "0-1/5"),
        ("fx_rate?limit=2&offset=2", {}, 200, "2-3/*"),
        ("fx_rate?limit=0", {"Prefer": "count=exact"}, 206, "*/5"),
        ("fx_rate", {"Range": "1-2", "Range_Unit": "items", "Prefer": "count=exact"}, 206, "1-2/5"),
        ("fx_rate", {"Range": "3-"}, 200, "3-4/*"),
        ("fx_rate?limit=3", {"Range": "2-9"}, 200, "2-2/*"),
        ("fx_rate?rate=gt.99", {"Prefer": "count=exact"}, 200, "*/0"),
        ("fx_rate?offset=5", {"Prefer": "count=exact"}, 206, "*/5"),
        ("fx_rate?offset=6", {"Prefer": "count=exact"}, 416, None),
        ("fx_rate", {"Range": "4-1"}, 416, None),
        ("site?select=site_key,alarm!inner(times)&alarm.times=eq.7", {"Prefer": "count=exact"}, 200, "0-0/1"),
        ("fx_rate?limit=2", {"method": "HEAD", "Prefer": "count=exact"}, 206, "0-1/5"),
    ],
)
def test_windows_and_counts(
    ask: Server, path: str, headers: dict[str, str], status: int, content_range: str | None
) -> None:
    said = ask(path, **headers)
    assert said.status == status, said.text
    if content_range is not None:
        assert said.headers["Content-Range"] == content_range
    if headers.get("method") == "HEAD":
        assert said.text == ""
    if status == 416:
        assert said.json["code"] == "PGRST103"


def test_csv(ask: Server) -> None:
    said = ask("alarm?select=kind,t:text,times&times=lt.7&order=times,kind", Accept="text/csv")
    assert said.headers["content-type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(io.StringIO(said.text))) == [
        ["kind", "t", "times"],
        ["disk", "the disk is full", "1"],
        ["silent", "100% silent, (again)", "1"],
        ["plan-late", "the plan is late", "2"],
    ]


def test_one_object(ask: Server) -> None:
    one = {"Accept": "application/vnd.pgrst.object+json"}
    said = ask("site?select=site_key&site_key=eq.elm", **one)
    assert (said.status, said.json) == (200, {"site_key": ELM})
    assert said.headers["content-type"] == "application/vnd.pgrst.object+json; charset=utf-8"
    many = ask("site?select=site_key&site_key=in.(elm,oak)", **one)
    assert (many.status, many.json["code"], many.json["details"]) == (406, "PGRST116", "The result contains 2 rows")


def test_a_format_that_is_not_offered(ask: Server) -> None:
    said = ask("site", Accept="image/png")
    assert (said.status, said.json["code"]) == (406, "PGRST107")


def test_a_function_by_post(ask: Server) -> None:
    said = ask("rpc/fn_slot_cost", "POST", {"grid_w": -4000, "buy_per_kwh": 0.25, "sell_per_kwh": 0.1})
    assert (said.status, said.json) == (200, -0.1)
    said = ask(
        "rpc/fn_plan_in_force?select=planning_run_id", "POST", {"p_site_key": "elm", "p_slot": "2026-03-01T12:00Z"}
    )
    assert (said.status, said.json) == (200, [{"planning_run_id": "00000000-0000-4000-8000-000000000001"}])


@pytest.mark.parametrize("path", ["rpc/fn_requester", "rpc/fn_create_planning_run", "rpc/fn_ensure_partitions"])
def test_a_function_that_is_nobodys_is_not_called(ask: Server, path: str) -> None:
    assert ask(path).status in (401, 403, 404)
    assert ask(path, "POST", {}).status in (401, 403, 404)
