"""`dagster-webserver`, but one that answers no page of another site: it has no login and can do everything.

A browser on this machine sends its requests wherever a page tells it to, and Dagster takes mutations by GET, which
browsers send along with links and pictures. Refused are requests that say they come from elsewhere (Origin,
Sec-Fetch-Site), a name of this machine that is none of its own (a name of theirs that leads to our address), and
GraphQL by anything but POST. What says nothing of itself is no browser. `deploy/nginx/ems.conf` does the same at the
proxy.
"""

import sys
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from dagster_webserver import cli
from starlette.middleware import Middleware

from ems_pipeline.orchestration.machinery.dagster_private import DagsterWebserver
from ems_pipeline.sites.wiring import LOOPBACK

OWN_PAGES = frozenset({"", "same-origin", "none"})
"""Values of Sec-Fetch-Site: no browser, our own page, the address bar."""
Asgi = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def fault(method: str, path: str, headers: Mapping[str, str], hosts: Collection[str]) -> str:
    """Why a request is not answered; empty when it is.

    Args:
        method: of HTTP; empty for a websocket.
        headers: by lower-case name.
        hosts: names this server is called by; empty: any.
    """
    host, origin = headers.get("host", ""), headers.get("origin", "")
    if hosts and urlsplit(f"//{host}").hostname not in hosts:
        return f"this is not {host!r}; ask for one of {sorted(hosts)}"
    if headers.get("sec-fetch-site", "") not in OWN_PAGES:
        return "a page of another site is not answered; open this one by its address"
    if origin and urlsplit(origin).netloc != host:
        return f"a page of {origin!r} is not answered"
    if method not in ("", "POST") and path.lower().rstrip("/").endswith("/graphql"):
        return "GraphQL is answered by POST only"
    return ""


class OwnPagesOnly:
    """The check before everything else the server does."""

    def __init__(self, app: Asgi, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
            if why := fault(scope.get("method", ""), scope["path"], headers, self._hosts):
                await _refuse(scope["type"], why, send)
                return
        await self._app(scope, receive, send)


async def _refuse(kind: str, why: str, send: Any) -> None:
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": why[:100]})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": f"{why}\n".encode()})


def main(arguments: list[str]) -> None:
    """Dagster's command with these arguments; one that listens beyond loopback has a proxy that knows its names."""
    listens_at = arguments[arguments.index("-h") + 1] if "-h" in arguments else "127.0.0.1"
    hosts = LOOPBACK if listens_at in LOOPBACK else frozenset()
    built = DagsterWebserver.build_middleware

    def guarded(self: Any) -> list[Middleware]:
        return [Middleware(OwnPagesOnly, hosts=hosts), *built(self)]

    DagsterWebserver.build_middleware = guarded
    cli.main()


if __name__ == "__main__":
    main(sys.argv[1:])
