"""`make rights`: docs/api/rights.md, who may ask what, as the routes and the table of roles say.

What it says is tried path by path as every role, in `api/test_attack.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from ems_pipeline.api.app import ROUTERS
from ems_pipeline.api.caller import CONFIRMED, Anybody, Needs
from ems_pipeline.api.live import socket, topics
from ems_pipeline.api.rights import ALL, RIGHTS
from ems_pipeline.api.routes import prometheus

PAGE = Path(__file__).parents[1] / "docs" / "api" / "rights.md"
ROLES = [role for role, rights in RIGHTS.items() if rights]
CHANGES_BY_FUNCTION = "rest:write"
"""Asked for by functions, not by a path."""
OPENING = f"""# Who may ask what

As the routes and `ems_pipeline/api/rights.py` say; `make rights` writes this page from them, and the test suite asks
for the paths as every role. "Nothing" is needed where everybody is answered, as for `/api/v1/openapi.json`; "a name"
has whoever is let in. A program may what its token lists, by the names in the column "needs". What is about a site is
about one's own: another's is not there (404). "Wants the password" is for people: typed within the last quarter of an
hour. A function of `/rest/rpc` that changes something needs `{CHANGES_BY_FUNCTION}` as well.
"""


def guards(dependant: Any) -> list[Needs | Anybody]:
    """What stands before a route."""
    own = [dependant.call] if isinstance(dependant.call, Needs | Anybody) else []
    return own + [found for inner in dependant.dependencies for found in guards(inner)]


def routes(routers: Iterable[APIRouter] = ROUTERS) -> list[tuple[str, APIRoute]]:
    """Every method of every path, without prefix."""
    return [
        (method, route)
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods - {"HEAD"})
    ]


def needed(route: APIRoute) -> str | None:
    """The right a route needs; ``""``: of everybody who is known; None: not even that."""
    (guard,) = guards(route.dependant)
    return guard.right if isinstance(guard, Needs) else None


def page() -> str:
    """The text of the page."""
    asked = [*routes(), *routes([prometheus.router])]
    paths = [(f"`{method} {_path(route)}`", _what(route), needed(route)) for method, route in asked]
    sockets = [(f"`{path}`", "be told anything there", need) for path, needs in socket.NEEDS.items() for need in needs]
    told = [(f"`{topic}`", "follow it", need) for topic, need in topics.RIGHTS.items()]
    followed = [*sockets, (f"`{topics.SITE}KEY`", "follow it", topics.TELEMETRY), *told]
    used = {need for _, _, need in (*paths, *followed)} | {CHANGES_BY_FUNCTION}
    idle = ", ".join(f"`{right}`" for right in sorted(ALL - used))
    lines = [OPENING, *_table("path", paths), "\n## Topics of `/ws`\n", *_table("topic", followed)]
    return "\n".join([*lines, *([f"\nRights that nothing asks for so far: {idle}."] if idle else [])]) + "\n"


def _path(route: APIRoute) -> str:
    return route.path.replace("{_path:path}", "...")


def _what(route: APIRoute) -> str:
    return route.summary or str(route.endpoint.__doc__).partition("\n")[0].rstrip(".")


def _table(of: str, rows: Iterable[tuple[str, str, str | None]]) -> Iterator[str]:
    yield f"| {of} | what | needs | {' | '.join(ROLES)} |"
    yield "|---" * (3 + len(ROLES)) + "|"
    for name, what, need in rows:
        may = ("yes" if not need or need in RIGHTS[role] else "-" for role in ROLES)
        yield f"| {name} | {what} | {_need(need)} | {' | '.join(may)} |"


def _need(need: str | None) -> str:
    if not need:
        return "nothing" if need is None else "a name"
    return f"`{need}`, wants the password" if need in CONFIRMED else f"`{need}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
