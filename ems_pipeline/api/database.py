"""The one way from the web process to the database: as login ``ems_web``, one transaction a request.

By itself the login reads next to nothing. A transaction takes on a role as a REST server does (``SET LOCAL ROLE``, the
claims in ``request.jwt.claims``), so that what a caller may is decided by the database's own rights as well.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, LiteralString

import psycopg
from psycopg import errors, sql
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from ems_pipeline.api.asked import Asked, Key, in_hand
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import Caller

Connection = psycopg.AsyncConnection[dict[str, Any]]
Opening = LiteralString | sql.SQL | sql.Composed
logger = logging.getLogger(__name__)
SESSIONS = 8
"""Of the twenty that the login may have; those that listen come beside them."""
PATIENCE_S = 5.0
STATEMENT = "10s"
"""A statement's longest; what takes longer is a request (`fn_request_add`), not an answer."""
LONGEST_S, LOOKUP_S = 12.0, 5.0
"""Of a transaction, and of one that looks up who asks. A server that holds still (frozen, or behind a dead line) ends
no statement itself. Longer than a statement may take, or it would be cut before it is cancelled."""
READS = sql.SQL("BEGIN READ ONLY; SET LOCAL ROLE ems_analyst; SET LOCAL statement_timeout = {}; ")
WRITES = sql.SQL("SET LOCAL ROLE ems_writer; SET LOCAL statement_timeout = {}; ")
CLAIMS = sql.SQL("SELECT set_config('request.jwt.claims', {}, true)")
BEGIN = sql.SQL("BEGIN; ")
KEPT = sql.SQL(
    "INSERT INTO ems.web_write (at, request_id, who, address, method, path, outcome) "
    "VALUES (clock_timestamp(), {}, {}, {}, {}, {}, {}); "
)
TAKEN = sql.SQL("INSERT INTO ems.web_once (who, key, at, digest) VALUES ({}, {}, clock_timestamp(), {}); ")
MISSING = (errors.InvalidSchemaName, errors.UndefinedColumn, errors.UndefinedFunction, errors.UndefinedTable)


@dataclass
class _Shared:
    """A reading transaction that goes on until its request is answered."""

    until: AsyncExitStack
    caller: Caller | None = None
    connection: Connection | None = None
    sites: dict[str, dict[str, Any]] = field(default_factory=dict)


_shared: ContextVar[_Shared | None] = ContextVar("shared", default=None)


def sites_of(connection: Connection) -> dict[str, dict[str, Any]]:
    """Sites that were looked up in this transaction, by key: the parts of a page ask for the same one."""
    shared = _shared.get()
    return shared.sites if shared is not None and shared.connection is connection else {}


class Database:
    """A pool of connections; opens when the server answers, and again after it was away."""

    def __init__(self, address: str, sessions: int = SESSIONS) -> None:
        """``address``: of libpq, without a password (which comes from its password file)."""
        self.address = address
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            address,
            connection_class=psycopg.AsyncConnection[dict[str, Any]],
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "options": "-c timezone=UTC",
                "application_name": "ems web",
                "connect_timeout": 5,
            },
            min_size=1,
            max_size=sessions,
            timeout=PATIENCE_S,
            reconnect_timeout=PATIENCE_S / 2,  # then the next request tries anew, and not a pause that has grown
            max_waiting=200,
            open=False,
            name="ems web",
        )

    async def open(self) -> None:
        """Begin to connect; whoever asks before that succeeded waits for a few seconds."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def reading(self, caller: Caller, longest_s: float = LONGEST_S) -> AsyncIterator[Connection]:
        """A transaction that reads, as an analyst does.

        Raises:
            Problem: 503, the database does not answer or a statement takes too long; 422, a function refuses.
        """
        opening = READS.format(sql.Literal(STATEMENT)) + CLAIMS.format(sql.Literal(caller.claims("ems_analyst")))
        shared = _shared.get()
        if shared is None or shared.caller not in (None, caller):
            async with self._transaction(opening, longest_s=longest_s) as connection:
                yield connection
            return
        if shared.connection is None:
            transaction = self._transaction(opening, longest_s=longest_s)
            shared.caller, shared.connection = caller, await shared.until.enter_async_context(transaction)
        yield shared.connection

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[None]:
        """Within it all that a caller reads is read in one transaction: a page asks ten times. Same errors."""
        async with AsyncExitStack() as until:
            before = _shared.set(_Shared(until))
            try:
                yield
            finally:
                _shared.reset(before)

    @asynccontextmanager
    async def writing(self, caller: Caller) -> AsyncIterator[Connection]:
        """A transaction that may call the functions of a writer; the log of writes gets its row in it. Same errors.

        A rehearsal is taken back at its end: what would be refused was, and nothing else has happened.
        """
        asked = in_hand()
        key = None if asked.key is None or asked.key.is_taken or asked.is_rehearsal else asked.key
        opening = BEGIN + _row(asked) + (_taken(asked.who, key) if key else sql.SQL(""))
        opening += WRITES.format(sql.Literal(STATEMENT))
        opening += CLAIMS.format(sql.Literal(caller.claims("ems_writer")))
        async with self._transaction(opening, ending="ROLLBACK" if asked.is_rehearsal else "COMMIT") as connection:
            yield connection
        asked.is_kept = not asked.is_rehearsal
        if key:
            key.is_taken = True

    @asynccontextmanager
    async def own(self) -> AsyncIterator[Connection]:
        """A transaction as the login itself: people, sessions, tokens. Same errors."""
        async with self._transaction(BEGIN, longest_s=LOOKUP_S) as connection:
            yield connection

    async def look_up(self, statement: LiteralString, values: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows, as the login itself, in one message to and fro: who asks is looked up all the time. Same errors."""
        try:
            connection, found = await self._begun(statement, asyncio.get_running_loop().time() + LOOKUP_S, values)
            try:
                return await found.fetchall()
            finally:
                await self._pool.putconn(connection)
        except psycopg.Error as error:
            raise explained(error) from error

    @asynccontextmanager
    async def own_write(self) -> AsyncIterator[Connection]:
        """Like `own`, for a request that changes one of them: its row in the log of writes is in it.

        Raises:
            Problem: 422 for a key: the answers here hold secrets, which are not kept.
        """
        asked = in_hand()
        if asked.key is not None:
            raise Problem(
                422, "no_key_here", "Not to be repeated", "sessions and tokens take no Idempotency-Key",
                "send it without; a token that was given twice is taken back by POST /api/v1/tokens/revoke",
            )  # fmt: skip
        async with self._transaction(BEGIN + _row(asked)) as connection:
            yield connection
        asked.is_kept = True

    async def keep(self, asked: Asked) -> None:
        """The row in the log of writes for a request that changed nothing. Same errors."""
        async with self._transaction(BEGIN + _row(asked)):
            pass

    @asynccontextmanager
    async def _transaction(
        self,
        opening: Opening,
        ending: Literal["COMMIT", "ROLLBACK"] = "COMMIT",
        longest_s: float = LONGEST_S,
    ) -> AsyncIterator[Connection]:
        until_s = asyncio.get_running_loop().time() + longest_s
        try:
            connection, _ = await self._begun(opening, until_s)
            try:
                with _cut_at(until_s, connection):
                    yield connection
                    await connection.execute(ending)
            except BaseException:
                if not connection.broken:
                    with _cut_at(until_s, connection):
                        await connection.execute("ROLLBACK")
                raise
            finally:
                await self._pool.putconn(connection)
        except psycopg.Error as error:
            raise explained(error) from error

    async def _begun(
        self, opening: Opening, until_s: float, values: Sequence[Any] | None = None
    ) -> tuple[Connection, psycopg.AsyncCursor[dict[str, Any]]]:
        """A connection on which this was said, and its answer; those that died while nobody used them are left out."""
        for _ in range(SESSIONS + 1):
            left_s = until_s - asyncio.get_running_loop().time()
            connection = await self._pool.getconn(min(max(left_s, 0.0), PATIENCE_S))
            try:
                with _cut_at(until_s, connection):
                    # Without values: several statements in one message, which cannot be prepared.
                    found = await connection.execute(opening, values, prepare=None if values else False)
                return connection, found
            except psycopg.Error:
                if not connection.broken:
                    with _cut_at(until_s, connection):
                        await connection.execute("ROLLBACK")
                await self._pool.putconn(connection)
                if not connection.broken:
                    raise
        raise PoolTimeout("every connection was broken")


@contextmanager
def _cut_at(until_s: float, connection: Connection) -> Iterator[None]:
    """At this second of the loop the connection's socket is shut, and whoever waits at it wakes with an error.

    A cancelled task would not do: psycopg then waits for the server to consent.
    """
    timer = asyncio.get_running_loop().call_at(until_s, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: Connection) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


def _row(asked: Asked) -> sql.Composed:
    said = (asked.request_id, asked.who, asked.address, asked.method, asked.path[:500], asked.outcome)
    return KEPT.format(*map(sql.Literal, said))


def _taken(who: str, key: Key) -> sql.Composed:
    return TAKEN.format(*map(sql.Literal, (who, key.text, key.digest)))


def explained(error: psycopg.Error) -> Problem:
    """What an error of the database means to whoever asked."""
    said = (error.diag.message_primary or str(error)).strip().partition("\n")[0]
    remedy = error.diag.message_hint or "correct what is named"
    if isinstance(error, errors.InvalidParameterValue):
        return Problem(422, "refused", "It cannot be done as asked", said, remedy)
    if isinstance(error, errors.ConfigurationLimitExceeded):
        return Problem(429, "too_many_waiting", "Too much is waiting", said, remedy, headers={"Retry-After": "60"})
    if isinstance(error, errors.UniqueViolation) and error.diag.table_name == "web_once":
        detail = "another request with this Idempotency-Key was under way at the same time"
        return Problem(409, "key_under_way", "It is being done", detail, "send it again", headers={"Retry-After": "1"})
    if isinstance(error, MISSING):
        logger.error("the schema does not fit this program: %s", said)
        detail = "the schema of the database is older than this program"
        return Problem(503, "schema_behind", "The database is not ready", detail, "have `ems db migrate` run")
    if isinstance(error, errors.QueryCanceled | errors.LockNotAvailable):
        detail = f"the database took longer than {STATEMENT} for it"
        return Problem(503, "too_slow", "It took too long", detail, "ask for less, such as fewer days; or ask again")
    if isinstance(error, psycopg.OperationalError | PoolTimeout | PoolClosed | TooManyRequests):
        logger.warning("the database does not answer: %s", said)
        return Problem(
            503, "database_unavailable", "The database is away", "the database does not answer now",
            "ask again in a few seconds; `ems doctor` on the machine says what is wrong", headers={"Retry-After": "5"},
        )  # fmt: skip
    raise error
