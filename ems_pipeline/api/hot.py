"""What many ask for at once is made once a second: who asks is looked at every time, what is told is told again.

Only where a route says that its answer is the same for everybody with a right and a site (`Asked.same_for`). Whatever
is not plain, a token of nobody, a cookie, somebody without the right, goes the whole way and gets its answer there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ems_pipeline.api.asgi import header
from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.web import Web

KEPT_S, LONGEST_S = 1.0, 2.0
"""After how long an answer is made anew, and for how long it may be told at most while that is under way."""
RENEWAL_S = 0.25
"""So long the others wait for who makes it anew; then one more of them tries."""
MOST = 512
"""Answers that are kept; beyond, all are made anew."""


@dataclass
class Kept:
    """An answer, who may have it, when it was made, and until when it is told."""

    right: str
    site: str
    made_s: float
    until_s: float
    messages: list[Message] = field(default_factory=list)


class Hot:
    """The layer around the routes; it has nothing to say about any request but a GET with a known token."""

    def __init__(self, app: ASGIApp, web: Web) -> None:
        self._app, self._web, self._now_s = app, web, web.budgets.now_s
        self._kept: dict[tuple[str, bytes], Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        key = scope["path"], scope["query_string"]
        kept = self._kept.get(key)
        if kept is not None and self._is_fresh(kept) and await self._may_have(scope, kept):
            for message in kept.messages:
                await send(message)
            return
        told: list[Message] = []

        async def noting(message: Message) -> None:
            if in_hand().same_for is not None:  # the body of any other answer is nobody's to keep
                told.append(message)
            await send(message)

        began_s = self._now_s()
        await self._app(scope, receive, noting)
        self._keep(key, told, began_s)

    def _is_fresh(self, kept: Kept) -> bool:
        """Whoever finds it too old makes it anew, and meanwhile the others are still told this one."""
        now_s = self._now_s()
        if now_s < kept.until_s:
            return True
        if now_s < kept.made_s + LONGEST_S:
            kept.until_s = now_s + RENEWAL_S
        return False

    async def _may_have(self, scope: Scope, kept: Kept) -> bool:
        """Whether somebody whom we know may have it now; takes one of what they may ask."""
        caller = await self._web.tokens.known(header(scope, b"authorization"))
        if caller is None or not caller.may(kept.right) or not caller.sees(kept.site):
            return False
        if self._web.budgets.reads.wait_s(caller.subject) > 0:
            return False
        in_hand().who = caller.subject
        return True

    def _keep(self, key: tuple[str, bytes], told: list[Message], began_s: float) -> None:
        same_for = in_hand().same_for
        if same_for is None or not told or told[0].get("status") != 200:
            return
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = Kept(*same_for, began_s, began_s + KEPT_S, told)
