"""What many ask for is made once a second, and nobody gets by that what he would not have got."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from ems_pipeline.api.database import Connection
from ems_pipeline.api.rights import Caller
from ems_pipeline_tests.api.conftest import House

NOW = "/api/v1/sites/home01/now"


@pytest.fixture
def made(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who had an answer made; what is told again is nobody's."""
    seen: list[str] = []
    reading = house.web.database.reading

    def counted(caller: Any) -> Any:
        seen.append(caller.subject)
        return reading(caller)

    monkeypatch.setattr(house.web.database, "reading", counted)
    return seen


def told(client: TestClient) -> tuple[int, str]:
    said = client.get(NOW)
    return said.status_code, said.json().get("at", said.json().get("code"))


def test_within_a_second_the_same_is_told_and_then_it_is_made_anew(house: House, made: list[str]) -> None:
    program = house.program("telemetry:read")
    first = told(program)
    house.clock.advance_to(house.clock.now().replace(microsecond=500_000))
    house.seconds.at += 0.9
    assert told(program) == first
    assert len(made) == 1
    house.seconds.at += 0.2
    assert told(program)[1] != first[1]
    assert len(made) == 2


def test_while_one_makes_it_anew_the_others_are_told_what_was_made_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, other = house.program("telemetry:read"), house.program("telemetry:read")
    first = told(program)[1]
    real, meanwhile = house.web.database.reading, []

    @asynccontextmanager
    async def reading(caller: Caller) -> AsyncIterator[Connection]:
        monkeypatch.setattr(house.web.database, "reading", real)
        transport = httpx.ASGITransport(house.client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get(NOW, headers={"Authorization": other.headers["Authorization"]})
        meanwhile.append(answer.json()["at"])
        async with real(caller) as connection:
            yield connection

    for seconds, is_told in ((1.1, True), (9.0, False)):
        house.clock.advance_to(house.clock.now() + timedelta(seconds=seconds))
        house.seconds.at += seconds
        monkeypatch.setattr(house.web.database, "reading", reading)
        assert told(program)[1] != first
        assert (meanwhile.pop() == first) == is_told, "and nobody is told what is much older"
        first = told(program)[1]


def test_another_who_may_is_told_the_same(house: House, made: list[str]) -> None:
    one, other = house.program("telemetry:read"), house.program("telemetry:read", sites=["home01"])
    told(one)
    told(other)  # who it is has to be looked up once
    count = len(made)
    assert told(other) == told(one)
    assert len(made) == count


def test_who_may_not_is_not_told_what_was_made_for_others(house: House, made: list[str]) -> None:
    one = house.program("telemetry:read")
    for rights, sites, answer in (
        (["plans:read"], None, (403, "permission_missing")),
        (["telemetry:read"], ["home02"], (404, "site_unknown")),
    ):
        other = house.program(*rights, sites=sites)
        assert told(other) == answer, "looked up now, and remembered"
        assert told(one)[0] == 200
        assert told(other) == answer
    assert told(house.browser())[0] == 401


def test_a_token_that_was_taken_back_is_told_nothing_more(house: House, made: list[str]) -> None:
    program, anna = house.program("telemetry:read"), house.login("anna")
    assert [told(program)[0], told(program)[0]] == [200, 200]
    text = str(program.headers["Authorization"]).removeprefix("Bearer ")
    assert anna.post("/api/v1/tokens/revoke", json={"token": text}).status_code == 200
    assert told(program) == (401, "token_refused")


def test_what_is_told_again_counts_against_the_budget(house: House, made: list[str]) -> None:
    program = house.program("telemetry:read")
    assert [told(program)[0] for _ in range(41)] == [200] * 40 + [429]
    assert len(made) == 1


def test_a_fault_of_the_layer_itself_is_answered_as_any_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    program = house.program("telemetry:read")
    assert told(program)[0] == 200

    async def broken(_: str) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(house.web.tokens, "known", broken)
    assert told(program) == (500, "failed")
