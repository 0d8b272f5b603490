"""A write is done once, however often it is sent: the header ``Idempotency-Key``, kept for a day with its answer.

The key is stored in the transaction of what the write did (`Database.writing`), so that nothing is done twice
whenever the process or the line dies; the answer follows once it is there. A write that was refused leaves no key.
"""

from __future__ import annotations

import hashlib
import logging
import re
from datetime import timedelta

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ems_pipeline.api.asgi import header
from ems_pipeline.api.asked import Key, in_hand
from ems_pipeline.api.bodies import handing_on
from ems_pipeline.api.database import Database
from ems_pipeline.api.problems import Problem, answer
from ems_pipeline.time_grid import Clock

logger = logging.getLogger(__name__)
HEADER = b"idempotency-key"
KEY = re.compile(r"[\x21-\x7e]{1,128}")
KEPT = timedelta(hours=24)
LARGEST = 256 * 1024
"""Of an answer that is kept; those of writes are far below."""


class Once:
    """The layer that gives a write its key, and keeps the answer of one that was done."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self._app, self._database = app, database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said = header(scope, HEADER) if scope["type"] == "http" and in_hand().is_write else ""
        if not said:
            await self._app(scope, receive, send)
            return
        if not KEY.fullmatch(said):
            detail = "Idempotency-Key is 1 to 128 printable characters of ASCII without spaces"
            problem = Problem(422, "invalid", "A value cannot be taken", detail, "send a UUID, say", "Idempotency-Key")
            await answer(problem)(scope, receive, send)
            return
        body: bytes = (await receive())["body"]  # `Bodies` hands it on whole
        key = in_hand().key = Key(said, _digest(scope, body))
        await self._app(scope, handing_on(body, receive), _keeping(self._database, key, send))


def _digest(scope: Scope, body: bytes) -> bytes:
    told = hashlib.sha256()
    for part in (scope["method"].encode(), scope["raw_path"], scope["query_string"], body):
        told.update(len(part).to_bytes(8, "big") + part)
    return told.digest()


def _keeping(database: Database, key: Key, send: Send) -> Send:
    """Stores the answer before it goes out: who got it may trust that it is told again."""
    held: list[Message] = []

    async def sending(message: Message) -> None:
        held.append(message)
        if message["type"] == "http.response.start" or message.get("more_body"):
            return
        if key.is_taken and held[0]["status"] < 300:  # of what failed half done the answer would be told all day
            await _keep(database, key, held)
        for part in held:
            await send(part)
        held.clear()

    return sending


async def _keep(database: Database, key: Key, held: list[Message]) -> None:
    body = b"".join(part.get("body", b"") for part in held)
    if len(body) > LARGEST:
        return
    try:
        async with database.own() as connection:
            await connection.execute(
                "UPDATE ems.web_once SET status = %s, answer = %s WHERE who = %s AND key = %s",
                [held[0]["status"], body.decode("utf-8"), in_hand().who, key.text],
            )
    except Problem:
        logger.warning("request %s was done, and its answer is not kept: the database is away", in_hand().request_id)


class Again(Exception):
    """Ends a request with the answer of the one before."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"answered {status} before")
        self.status, self.text = status, text

    def answer(self) -> Response:
        """As it was, and marked."""
        in_hand().outcome = "done_before"
        response = Response(self.text, self.status, media_type="application/json")
        MutableHeaders(raw=response.raw_headers)["Idempotency-Replayed"] = "true"
        return response


async def demand_new(database: Database, who: str, key: Key) -> None:
    """Go on where nobody did it yet.

    Raises:
        Again: it was done.
        Problem: 409, the key stands for something else, or its answer was lost; 503.
    """
    async with database.own() as connection:
        found = await connection.execute(
            "SELECT digest, status, answer FROM ems.web_once WHERE who = %s AND key = %s", [who, key.text]
        )
        row = await found.fetchone()
    if row is None:
        return
    if bytes(row["digest"]) != key.digest:
        raise Problem(
            409, "key_taken", "The key is taken", "this Idempotency-Key stood on another request within a day",
            "give every write a key of its own, such as a UUID", "Idempotency-Key",
        )  # fmt: skip
    if row["status"] is None:
        raise Problem(
            409, "answer_lost", "It was done", "the request with this Idempotency-Key was done; its answer was lost",
            "look at what there is (overrides, requests) before you ask anew with another key", "Idempotency-Key",
        )  # fmt: skip
    raise Again(row["status"], row["answer"])


async def clean(database: Database, clock: Clock) -> int:
    """Remove keys older than a day; how many."""
    async with database.own() as connection:
        gone = await connection.execute("DELETE FROM ems.web_once WHERE at < %s", [clock.now() - KEPT])
        return gone.rowcount
