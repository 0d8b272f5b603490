"""The outermost layer: every request gets a number, a line in the log and its place in the figures, a write its row."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ems_pipeline.api.asked import NOBODY, Asked, take
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.web import Web
from ems_pipeline.plain_text import plain

logger = logging.getLogger("ems.web")
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # with `no-referrer` a browser calls the origin of our own forms `null`
]
UNCOUNTED = frozenset({"rate_limited", "database_unavailable"})
"""Refusals that get no row: a flood would fill the disk, and without a database there is no row."""


class RequestLog:
    """Around everything else."""

    def __init__(self, app: ASGIApp, web: Web) -> None:
        self._app, self._web = app, web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        asked = Asked(scope["method"][:16], plain(scope["path"], 500), client[0] if client else NOBODY)
        take(asked)
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if asked.is_write and not asked.is_kept:
                    await self._keep(asked)
                named = [*HEADERS, (b"x-request-id", asked.request_id.encode())]
                if not any(name == b"cache-control" for name, _ in message["headers"]):
                    named.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*message["headers"], *named]}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._note(asked, status)

    async def _keep(self, asked: Asked) -> None:
        """The row of a write that did nothing; that of one that did something is in its transaction."""
        if asked.outcome in UNCOUNTED:
            return
        if asked.who == NOBODY and self._web.budgets.kept_refusals.wait_s(asked.address) > 0:
            return
        try:
            await self._web.database.keep(asked)
        except Problem:
            logger.warning("request %s has no row in the log of writes: the database is away", asked.request_id)

    def _note(self, asked: Asked, status: int) -> None:
        took_ms = (time.perf_counter() - asked.started_s) * 1000
        self._web.figures.note(status, took_ms)
        self._web.lines.note(
            f"{asked.address} {asked.method} {asked.path} {status} {asked.outcome} {took_ms:.1f} ms {asked.who} "
            f"{asked.request_id}"
        )
