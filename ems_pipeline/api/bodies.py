"""What a request brings is JSON, whatever it calls itself, and is bounded and strict before any route sees it."""

from __future__ import annotations

import asyncio
import json
from http import HTTPMethod
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ems_pipeline.api.asgi import header
from ems_pipeline.api.problems import Problem, answer
from ems_pipeline.plain_text import plain

MOST_BYTES = 1 << 20
INGEST_BYTES = 5 << 20
INGEST = "/data/ingest"
FORMS = ("/rest/rpc/", "/ui/", "/integrations/bitrix24")
"""Where a form is taken too: as PostgREST takes it, for ``curl -d name=value``, from a page without a script,
and as a portal posts its events."""
CSRF = "csrf"
"""Field of a form of ours with what a script would send as ``X-CSRF-Token``."""
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 100
DEEPEST = 64
SLOWEST_S = 20.0
"""For the whole body: a client that sends a byte now and then holds a place that others want."""
WITHOUT = frozenset({HTTPMethod.GET, HTTPMethod.HEAD, HTTPMethod.OPTIONS})


class Bodies:
    """The layer that reads, checks and hands on the body of every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in WITHOUT:
            await self._app(scope, receive, send)
            return
        try:
            body = await _whole(scope, receive)
            more = [(b"content-type", b"application/json")]
            if any(place in scope["path"] for place in FORMS):
                body, word = _of_form(header(scope, b"content-type"), body)
                more += [] if word is None else [(b"x-csrf-token", word.encode())]
            if body:
                check(body)
        except Problem as problem:
            await answer(problem)(scope, receive, send)
            return
        headers = [pair for pair in scope["headers"] if pair[0] not in {name for name, _ in more}]
        scope = {**scope, "headers": [*headers, *more]}
        await self._app(scope, handing_on(body, receive), send)


def _of_form(kind: str, body: bytes) -> tuple[bytes, str | None]:
    """The fields of a form as a JSON object, and its `CSRF`; JSON that calls itself a form stays what it is."""
    if kind.partition(";")[0].strip().lower() != FORM or body.lstrip()[:1] in (b"", b"{", b"["):
        return body, None
    try:
        fields = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise _no_json(f"nor a form of at most {MOST_FIELDS} fields: {error}") from None
    word = fields.pop(CSRF, None)
    return json.dumps(fields).encode(), word


async def _whole(scope: Scope, receive: Receive) -> bytes:
    most = INGEST_BYTES if scope["path"].endswith(INGEST) else MOST_BYTES
    parts, size = [], 0
    try:
        async with asyncio.timeout(SLOWEST_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(400, "cut_off", "The body was cut off", "the client went away", "send it again")
                size += len(message.get("body", b""))
                if size > most:
                    raise _too_large(most)
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        detail = f"the body was not there after {SLOWEST_S:g} s"
        raise Problem(408, "too_slow_body", "The body came too slowly", detail, "send it in one go") from None


def _too_large(most: int) -> Problem:
    detail = f"the body has more than {most} bytes"
    return Problem(413, "too_large", "The body is too large", detail, f"send {most} bytes at most, in several requests")


def handing_on(body: bytes, receive: Receive) -> Receive:
    """The body once, then what the client does."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def handed() -> Message:
        return left.pop() if left else await receive()

    return handed


def check(body: bytes) -> Any:
    """What a body says.

    Raises:
        Problem: 400: no JSON, nested too deep, a key twice, NaN, or text that no database takes.
    """
    try:
        said = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_constant, parse_float=_number)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise _no_json(f"it is not UTF-8 (byte {error.start})") from None
    except ValueError as error:
        raise _no_json(str(error)) from None
    _demand_shallow(said)
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {plain(repr(twice), 60)} is there twice; which one counts nobody knows")
    return said


def _constant(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON; leave the field out, or say null")


def _number(text: str) -> float:
    found = float(text)
    if found in (float("inf"), float("-inf")):
        raise ValueError(f"{plain(text, 30)} is beyond every number; write a smaller one")
    return found


def _demand_shallow(said: Any) -> None:
    """Level by level, without recursion; texts are looked at on the way."""
    level = [said]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _within(outer)]
        if not level:
            return
    if any(isinstance(inner, list | dict) for inner in level):
        raise _too_deep()
    for inner in level:
        _within(inner)


def _within(said: Any) -> list[Any]:
    if isinstance(said, dict):
        for name in said:
            _demand_storable(name)
        return list(said.values())
    if isinstance(said, str):
        _demand_storable(said)
    return said if isinstance(said, list) else []


def _demand_storable(text: str) -> None:
    """PostgreSQL takes no NUL, UTF-8 no lone surrogate."""
    if "\0" in text or not _encodes(text):
        raise _no_json(f"{plain(repr(text), 60)} holds a character that cannot be stored")


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _too_deep() -> Problem:
    detail = f"the body is nested deeper than {DEEPEST} levels"
    return Problem(400, "too_deep", "The body is nested too deep", detail, "send it flatter")


def _no_json(why: str) -> Problem:
    return Problem(400, "no_json", "The body is no JSON", why, "send one JSON value (RFC 8259) in UTF-8")
