"""What is refused before anybody asks who it is: names that are not ours, and writes that another site's page sends.

A page's own name may lead to our address, and a browser sends cookies along wherever a page tells it to.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from ems_pipeline.api.asgi import header
from ems_pipeline.api.asked import LOOKING
from ems_pipeline.api.problems import Problem, answer
from ems_pipeline.plain_text import plain

OWN_PAGES = frozenset({"", "same-origin", "none"})
"""Values of Sec-Fetch-Site: no browser, our own page, the address bar."""


class Guards:
    """The layer that looks at Host, Sec-Fetch-Site and Origin."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or (problem := self._fault(scope)) is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": problem.code})
        else:
            await answer(problem)(scope, receive, send)

    def _fault(self, scope: Scope) -> Problem | None:
        host = header(scope, b"host")
        if _hostname(host) not in self._hosts:
            return Problem(
                421, "host_unknown", "Not this machine", f"this is not {plain(host, 60)!r}",
                f"ask for {', '.join(sorted(self._hosts))}, or add the name to EMS_WEB_HOSTS",
            )  # fmt: skip
        if scope["type"] == "http" and scope["method"] in LOOKING:
            return None
        origin = header(scope, b"origin")
        is_ours = header(scope, b"sec-fetch-site") in OWN_PAGES
        if is_ours and (not origin or _place(origin) == host.lower()):
            return None
        return Problem(
            403, "foreign_page", "Another site's page", "the browser says that a page of another site asks for this",
            "open our own page, and do it there",
        )  # fmt: skip


@lru_cache(1024)
def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
