"""One request is one transaction in the caller's name and role; what was done is kept with its row, or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from ems_pipeline.api.asked import Asked, take
from ems_pipeline.api.database import SESSIONS, Connection
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import RIGHTS, Caller
from ems_pipeline_tests.api.conftest import House

ANNA = Caller("anna", "person", "owner", RIGHTS["owner"], frozenset({"home01"}))
WHO = "SELECT current_user AS role, session_user AS login, current_setting('request.jwt.claims', true) AS claims"
ADD = "SELECT ems.fn_request_add('plan-rolling', 'home01', %s::jsonb) AS number"
T = TypeVar("T")


def run(house: House, work: Callable[[], Awaitable[T]]) -> T:
    """On the event loop of the web process, within a request to change something."""

    async def asked() -> T:
        take(Asked("POST", "/tried", "192.0.2.1", who="anna"))
        return await work()

    assert house.client.portal is not None
    return house.client.portal.start_task_soon(asked).result(60)  # a bound for what is broken


async def one(connection: Connection, statement: str, *values: Any) -> dict[str, Any]:
    row = await (await connection.execute(statement, values or None)).fetchone()
    assert row is not None
    return row


def kept(house: House) -> int:
    return int(house.rows("SELECT count(*) FROM ems.web_write WHERE path = '/tried'")[0][0])


def filed(house: House) -> int:
    return int(house.rows("SELECT count(*) FROM ems.request")[0][0])


@pytest.fixture
def frozen(house: House) -> Iterator[None]:
    """The servers of this process's connections hold still: nothing comes, and nothing ends."""
    run(house, lambda: looked_at(house, 3.0))
    pids = [row[0] for row in house.rows("SELECT pid FROM pg_stat_activity WHERE usename = 'ems_web'")]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


async def looked_at(house: House, longest_s: float) -> None:
    async with house.web.database.reading(ANNA, longest_s) as connection:
        await one(connection, WHO)


@pytest.mark.usefixtures("frozen")
def test_a_database_that_holds_still_is_away_and_not_waited_for(house: House) -> None:
    with pytest.raises(Problem, match="database_unavailable"):
        run(house, lambda: looked_at(house, 0.2))
    for _ in range(SESSIONS):  # as many may have been frozen
        with contextlib.suppress(Problem):
            run(house, lambda: looked_at(house, 0.2))
    run(house, lambda: looked_at(house, 30.0))


def test_a_read_is_an_analysts_with_the_callers_claims_and_leaves_nothing_behind(house: House) -> None:
    async def work() -> tuple[dict[str, Any], dict[str, Any]]:
        async with house.web.database.reading(ANNA) as connection:
            within = await one(connection, WHO)
            assert (await one(connection, "SHOW transaction_read_only"))["transaction_read_only"] == "on"
        async with house.web.database.own() as connection:
            return within, await one(connection, WHO)

    within, after = run(house, work)
    assert (within["role"], within["login"]) == ("ems_analyst", "ems_web")
    assert json.loads(within["claims"]) == {"sub": "anna", "role": "ems_analyst", "sites": ["home01"]}
    assert (after["role"], after["claims"] or "") == ("ems_web", ""), "the next one is nobody again"


def test_what_was_done_and_its_row_are_one_transaction(house: House) -> None:
    before, rows = filed(house), kept(house)

    async def work(fails: bool) -> None:
        async with house.web.database.writing(ANNA) as connection:
            await connection.execute(ADD, [json.dumps({"fails": fails})])
            if fails:
                raise RuntimeError("after it was done")

    run(house, lambda: work(False))
    assert (filed(house), kept(house)) == (before + 1, rows + 1)
    with pytest.raises(RuntimeError):
        run(house, lambda: work(True))
    assert (filed(house), kept(house)) == (before + 1, rows + 1)
    assert house.rows("SELECT DISTINCT requested_by FROM ems.request") == [("web:anna",)]


def test_a_name_with_quotes_is_a_name(house: House) -> None:
    bobby = Caller("'; DROP TABLE ems.request; --\\", "program", "program", frozenset(), None)

    async def work() -> str:
        async with house.web.database.reading(bobby) as connection:
            return str(json.loads((await one(connection, WHO))["claims"])["sub"])

    assert run(house, work) == bobby.name


def test_sessions_that_died_meanwhile_are_replaced(house: House) -> None:
    async def work() -> dict[str, Any]:
        async with house.web.database.reading(ANNA) as connection:
            return await one(connection, "SELECT pg_backend_pid() AS pid")

    before = run(house, work)["pid"]
    house.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ems_web'")
    assert run(house, work)["pid"] != before


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        ("SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)", 503, "too_slow"),
        ("SELECT * FROM ems.nowhere", 503, "schema_behind"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", 503, "database_unavailable"),
    ],
)
def test_what_the_database_cannot_do_is_a_problem_with_a_remedy(
    house: House, statement: str, status: int, code: str
) -> None:
    async def work() -> None:
        async with house.web.database.own() as connection:
            await connection.execute(statement)

    with pytest.raises(Problem) as told:
        run(house, work)
    assert (told.value.status, told.value.code) == (status, code)
    assert told.value.remedy


def test_what_a_function_refuses_is_told_in_its_words(house: House) -> None:
    async def work() -> None:
        async with house.web.database.writing(ANNA) as connection:
            await connection.execute("SELECT ems.fn_request_add('plan-rolling', 'elsewhere')")

    with pytest.raises(Problem) as told:
        run(house, work)
    assert (told.value.status, told.value.detail) == (422, "there is no active site elsewhere")


def test_a_writer_reads_nothing_and_a_reader_writes_nothing(house: House) -> None:
    import psycopg

    async def read() -> None:
        async with house.web.database.writing(ANNA) as connection:
            await connection.execute("SELECT * FROM ems.site")

    async def write() -> None:
        async with house.web.database.reading(ANNA) as connection:
            await connection.execute(ADD, ["{}"])

    for work in (read, write):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(house, work)
