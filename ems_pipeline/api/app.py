"""The application: one set of routes at three prefixes, within the layers that every request passes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ems_pipeline import __version__
from ems_pipeline.api import problems, schema
from ems_pipeline.api.bodies import Bodies
from ems_pipeline.api.guards import Guards
from ems_pipeline.api.hot import Hot
from ems_pipeline.api.live import socket
from ems_pipeline.api.once import Again, Once
from ems_pipeline.api.problems import UNKNOWN, Problem, Unforeseen, nearest
from ems_pipeline.api.requestlog import RequestLog
from ems_pipeline.api.rest import route as rest
from ems_pipeline.api.routes import (
    alarms,
    baselines,
    batteries,
    battery_analytics,
    battery_units,
    bitrix,
    control,
    devices,
    docs,
    documents,
    events,
    forecasts,
    genset_alarm_acts,
    genset_alarm_report,
    genset_alarms,
    genset_commands,
    genset_locks,
    gensets,
    goals,
    health,
    maintenance,
    maintenance_drafts,
    maintenance_meters,
    maintenance_tasks,
    maintenance_templates,
    me,
    money,
    notices,
    now,
    overrides,
    overview,
    planners,
    plans,
    prices,
    prometheus,
    requests,
    schedules,
    services,
    sites,
    stats,
    studies,
    telemetry,
    tempo,
    tokens,
    why,
)
from ems_pipeline.api.web import Web
from ems_pipeline.plain_text import plain

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    services.router,
    stats.router,
    studies.router,
    me.router,
    notices.router,
    tokens.router,
    overview.router,
    sites.router,
    documents.router,
    now.router,
    prices.router,
    tempo.router,
    forecasts.router,
    plans.router,
    planners.router,
    why.router,
    money.router,
    baselines.router,
    telemetry.router,
    genset_alarm_report.router,
    genset_alarms.router,
    genset_alarm_acts.router,
    gensets.router,  # behind the alarms: it takes any two names
    battery_analytics.router,
    battery_units.router,
    batteries.router,
    control.router,
    overrides.router,
    goals.router,
    genset_commands.router,
    genset_locks.router,
    schedules.router,
    alarms.router,
    maintenance.router,
    maintenance_templates.router,
    maintenance_tasks.router,
    maintenance_meters.router,
    maintenance_drafts.router,
    bitrix.router,
    events.router,
    devices.router,
    requests.router,
    docs.router,
    rest.router,
    socket.router,
)
"""In the order in which they are asked: what names a path comes before what takes any."""
SCHEMA = "/api/v1"
HIDDEN = ("/api", "")
"""The same routes again: older programs, and the paths that people write from memory."""
ANY_QUERY = "any_query"
"""Attribute of an endpoint that reads the query itself, whatever the names in it."""


def layered(web: Web, pages: Sequence[APIRouter] = ()) -> ASGIApp:
    """What a web process serves: the routes within the layers that every request passes; ``pages`` are for people.

    These stand around FastAPI and not in it, whose own five layers would be a tenth of an answer that is told again.
    `Unforeseen` stands on both sides: within, since FastAPI answers an error that leaves it in words of its own.
    """
    return RequestLog(Unforeseen(Guards(Hot(create_app(web, pages), web), web.settings.hosts)), web)


def create_app(web: Web, pages: Sequence[APIRouter] = ()) -> FastAPI:
    """The routes and what is read before them. FastAPI's own pages are off: they load scripts from elsewhere."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with web.running():
            yield

    app = FastAPI(
        title="ems-pipeline", version=__version__, lifespan=lifespan, redirect_slashes=False,
        docs_url=None, redoc_url=None, openapi_url=f"{SCHEMA}/openapi.json", dependencies=[Depends(known_query)],
        responses=schema.PROBLEMS, telemetry={"tracing": False, "metrics": False, "logs": False},
    )  # fmt: skip
    app.state.web = web
    problems.handle(app)
    app.add_exception_handler(Again, _again)
    schema.describe(app)
    for router in ROUTERS:
        app.include_router(router, prefix=SCHEMA)
    for router in (*pages, prometheus.router):  # before the hidden ones, which a page would be held against in vain
        app.include_router(router, include_in_schema=False)
    for prefix in HIDDEN:
        for router in ROUTERS:
            app.include_router(router, prefix=prefix, include_in_schema=False)
    app.add_middleware(Once, database=web.database)
    app.add_middleware(Bodies)
    app.add_middleware(Unforeseen)
    return app


async def _again(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Again)
    return error.answer()


async def known_query(request: HTTPConnection) -> None:
    """Refuse a name in the query that the route does not know: a limit that is misspelt would limit nothing.

    Raises:
        Problem: 422 with the nearest name, or for a value that holds what cannot be printed (no database takes NUL).
    """
    route: Any = request.scope.get("route")
    if request.scope["type"] != "http":
        return  # a socket reads no query
    if not request.query_params or route is None or getattr(route.endpoint, ANY_QUERY, False):
        return
    known = set(_query_names(route.dependant))
    for name, value in request.query_params.multi_items():
        if name not in known:
            detail = f"{plain(name, 60)} is not known here{nearest(name, known)}"
            names = ", ".join(sorted(known)) or "this path takes no query"
            raise Problem(422, UNKNOWN, "A field is not known", detail, f"known: {names}", plain(name, 60))
        if not value.isprintable():
            detail = f"{name} is {plain(value, 60)!r}: it holds a character that cannot be printed"
            raise Problem(422, "invalid", "A value cannot be taken", detail, "leave that character out", name)


def _query_names(dependant: Any) -> set[str]:
    names = {field.alias for field in dependant.query_params}
    return names.union(*(_query_names(inner) for inner in dependant.dependencies))
