"""The paths ``/rest/{relation}`` and ``/rest/rpc/{function}``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any
from urllib.parse import parse_qsl

import psycopg
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from psycopg import sql

from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.database import Connection
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rest import calling, grammar
from ems_pipeline.api.rest.answering import Preferences, answer
from ems_pipeline.api.rest.comparing import Values
from ems_pipeline.api.rest.plan import Planner
from ems_pipeline.api.rest.query import Query
from ems_pipeline.api.rest.reader import BadQuery
from ems_pipeline.api.rest.refusals import Refused, of_database
from ems_pipeline.api.rest.relations import Function, Relation
from ems_pipeline.api.rest.statement import Statement
from ems_pipeline.api.web import ThisWeb, Web

MOST_PARAMETERS = 500
NOT_KNOWN = {401: "PGRST301", 403: "42501"}
"""Codes of PostgREST for what our own door refuses."""


class Dialect(APIRoute):
    """A route whose errors are PostgREST's."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with its errors translated."""
        inner = super().get_route_handler()

        async def answering(request: Request) -> Response:
            try:
                return await inner(request)
            except Refused as refused:
                return _refused(refused)
            except BadQuery as bad:
                return _refused(Refused(400, "PGRST100", bad.message, bad.details))
            except grammar.AggregatesRefused:
                return _refused(Refused(400, "PGRST123", "Use of aggregate functions is not allowed"))
            except Problem as problem:
                code = NOT_KNOWN.get(problem.status, problem.code)
                told = Refused(problem.status, code, problem.title, problem.detail, problem.remedy)
                return _refused(told, dict(problem.headers or {}))

        return answering


router = APIRouter(prefix="/rest", route_class=Dialect, include_in_schema=False)
Reader = Annotated[Caller, Depends(needs("rest:read"))]


def _refused(refused: Refused, headers: dict[str, str] | None = None) -> JSONResponse:
    in_hand().outcome = refused.code
    return JSONResponse(refused.body(), refused.status, headers)


@router.get("/")
async def root(_caller: Reader) -> None:
    """PostgREST's description of itself, which this server does not give."""
    raise Refused(404, "PGRST126", "Root endpoint metadata is disabled", None, "ask for /api/v1/openapi.json")


@router.api_route("/{relation}", methods=["GET", "HEAD"])
async def rows(relation: str, request: Request, caller: Reader, web: ThisWeb) -> Response:
    """Rows of a table or view."""
    preferred, query = Preferences.of(request.method, request.headers), grammar.parse(_parameters(request))
    async with _asking(web, caller) as connection:
        planner = Planner(await web.relations.now(connection), caller.sites)
        found = planner.relation(relation)
        return await _select(connection, planner, found, query, preferred, caller, Values(), None)


@router.api_route("/rpc/{function}", methods=["GET", "HEAD"])
async def called_by_query(function: str, request: Request, caller: Reader, web: ThisWeb) -> Response:
    """What a function that only reads returns; its arguments are parameters of the query."""
    preferred = Preferences.of(request.method, request.headers)
    async with _asking(web, caller) as connection:
        catalogue = await web.relations.now(connection)
        named = catalogue.functions.get(function)
        query = grammar.parse(_parameters(request), named.arguments if named else ())
        chosen = calling.chosen(catalogue, function, query.arguments, caller.sites)
        if chosen.is_volatile or not chosen.by_reader:
            raise Refused(405, "PGRST101", f"Cannot use the {request.method} method on RPC", None, "call it by POST")
        planner = Planner(catalogue, caller.sites)
        return await _result(connection, planner, chosen, query, preferred, caller)


@router.post("/rpc/{function}")
async def called_by_body(function: str, request: Request, caller: Reader, web: ThisWeb) -> Response:
    """What a function returns; its arguments are the keys of a JSON object (of a form: `bodies`)."""
    preferred = Preferences.of(request.method, request.headers)
    query, given = grammar.parse(_parameters(request)), await _given(request)
    async with _asking(web, caller) as connection:
        catalogue = await web.relations.now(connection)
    chosen = calling.chosen(catalogue, function, given, caller.sites)
    query.arguments = given
    if not chosen.by_reader and not caller.may("rest:write"):
        raise Refused(
            403, "42501", f"permission denied for function {function}", None, "ask for a token with rest:write"
        )
    async with _asking(web, caller, writes=not chosen.by_reader) as connection:
        planner = Planner(catalogue, caller.sites)
        return await _result(connection, planner, chosen, query, preferred, caller)


@router.api_route("/{_path:path}", methods=["GET", "HEAD"])
async def refuse_longer_paths(_caller: Reader) -> None:
    """A relation is one word, and so is a function."""
    hint = "GET /rest/{relation} reads; POST /rest/rpc/{function} calls"
    raise Refused(404, "PGRST125", "Invalid path specified in request URL", None, hint)


@router.api_route("/{_path:path}", methods=["POST", "PUT", "PATCH", "DELETE"])
async def refuse_to_change(request: Request, _caller: Reader) -> None:
    """Rows are changed by functions only."""
    hint = "GET and HEAD read; POST /rest/rpc/{function} calls what may change something"
    raise Refused(405, "PGRST117", f"Unsupported HTTP method: {request.method}", None, hint)


_reading_the_query_themselves: tuple[Any, ...] = (
    rows, called_by_query, called_by_body, refuse_longer_paths, refuse_to_change,
)  # fmt: skip
for endpoint in _reading_the_query_themselves:
    endpoint.any_query = True


def _parameters(request: Request) -> list[tuple[str, str]]:
    try:
        return parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        raise BadQuery('"failed to parse the query"', f"expecting at most {MOST_PARAMETERS} parameters") from error


async def _given(request: Request) -> dict[str, Any]:
    given = json.loads(await request.body() or "{}")
    if not isinstance(given, dict):
        raise Refused(400, "PGRST102", "All object keys must match", None, "send one object: a key for each argument")
    return given


@asynccontextmanager
async def _asking(web: Web, caller: Caller, *, writes: bool = False) -> AsyncIterator[Connection]:
    """A transaction of the caller's in which an error of PostgreSQL is an answer."""
    async with web.database.writing(caller) if writes else web.database.reading(caller) as connection:
        try:
            yield connection
        except psycopg.DataError as error:
            if error.sqlstate is None:  # psycopg itself could not write a value down
                raise Refused(
                    400, "22021", "a value cannot be sent to the database", None, "send plain text"
                ) from error
            raise of_database(error) from error
        except psycopg.Error as error:
            raise of_database(error) from error


async def _select(
    connection: Connection,
    planner: Planner,
    relation: Relation,
    query: Query,
    preferred: Preferences,
    caller: Caller,
    values: Values,
    source: sql.Composable | None,
) -> Response:
    node = planner.plan(relation, query)
    node.window = preferred.window(node.window)
    statement = Statement(node, caller.sites, values, source)
    labels = [item.label for item in node.items]
    return await answer(connection, statement, labels, node.window, preferred)


async def _result(
    connection: Connection, planner: Planner, function: Function, query: Query, preferred: Preferences, caller: Caller
) -> Response:
    values = Values()
    source = calling.call(values, function, query.arguments)
    if function.columns is not None:
        relation = Relation(function.name, function.columns)
        return await _select(connection, planner, relation, query, preferred, caller, values, source)
    asked = sql.SQL("SELECT coalesce(to_json({})::text, 'null') AS body").format(source)
    if function.is_void:
        await connection.execute(sql.SQL("SELECT {}").format(source), values.given)
        return Response(status_code=204)
    row = await (await connection.execute(asked, values.given)).fetchone()
    assert row is not None
    return Response(row["body"] if preferred.with_body else None, media_type="application/json; charset=utf-8")
