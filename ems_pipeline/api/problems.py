"""What is wrong with a request, said in one way: RFC 9457, with a code for programs and a remedy for people."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ems_pipeline import plain_text
from ems_pipeline.api.asked import in_hand
from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
SHOWN_FIELDS = 20
UNKNOWN = "unknown_field"
"""Kind of error of a name in a body that is not known; its context has the name."""


class Problem(EmsError):
    """Ends a request; raised anywhere below a route.

    Args:
        code: for programs, such as ``site_unknown``; never changes its meaning.
        title: what kind of problem, the same for every request with this code.
        detail: what it is this time, with both sides.
        remedy: what to do about it.
        field: of the body or the query.
        headers: of the answer, such as ``Retry-After``.
        errors: one entry per field, where several are wrong.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        remedy: str,
        field: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}", remedy)
        self.status, self.code, self.title, self.detail = status, code, title, detail
        self.field, self.headers, self.errors = field, headers, errors

    def body(self) -> dict[str, Any]:
        """As it is answered."""
        asked = in_hand()
        shown: dict[str, Any] = {
            "type": f"urn:ems:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": plain(self.detail),
            "code": self.code,
            "remedy": plain(self.remedy),
            "request_id": asked.request_id,
        }
        if self.field is not None:
            shown["field"] = plain(self.field)
        if self.errors is not None:
            shown["errors"] = self.errors
        return shown


def answer(problem: Problem) -> JSONResponse:
    """The response; the request in hand ends with this problem."""
    in_hand().outcome = problem.code
    return JSONResponse(problem.body(), problem.status, dict(problem.headers or {}), MEDIA_TYPE)


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean "x"?``, or nothing where no known name is like it."""
    near = plain_text.nearest(name, known)
    return f'; did you mean "{near}"?' if near else ""


def handle(app: FastAPI) -> None:
    """Answer what routes raise as problems; what nobody foresaw reaches the layer around them (`Unforeseen`)."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return answer(error)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return answer(of_invalid(error))


def of_invalid(error: RequestValidationError) -> Problem:
    """What is wrong with the fields of a request."""
    errors = [_field(found) for found in error.errors()[:SHOWN_FIELDS]]
    detail = "; ".join(f"{found['field']}: {found['message']}" for found in errors)
    remedy = "correct the fields that are named; /api/v1/openapi.json says what each one takes"
    code = errors[0]["code"] if len(errors) == 1 and errors[0]["code"] == UNKNOWN else "invalid"
    title = "A field is not known" if code == UNKNOWN else "A value cannot be taken"
    return Problem(422, code, title, detail, remedy, errors[0]["field"], errors=errors)


def _field(found: Mapping[str, Any]) -> dict[str, str]:
    place = [str(part) for part in found["loc"][1:]]
    if found["type"] == UNKNOWN:
        place.append(found["ctx"]["name"])
    name = ".".join(place) or str(found["loc"][0])
    return {"field": plain(name, 100), "message": plain(found["msg"], 200), "code": str(found["type"])}


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    path = plain(request.url.path, 100)
    if error.status_code == HTTPStatus.NOT_FOUND:
        remedy = "see /api/v1/openapi.json for the paths there are"
        return answer(Problem(404, "not_found", "There is nothing here", f"no path {path}", remedy))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"{path} does not take {plain(request.method, 20)}"
        problem = Problem(405, "method", "The method is not taken", detail, f"use {allowed}", headers=error.headers)
        return answer(problem)
    kind = HTTPStatus(error.status_code)
    code = kind.name.lower()
    return answer(Problem(kind, code, kind.phrase, plain(error.detail), "correct the request", headers=error.headers))


class Unforeseen:
    """The layer that answers an error nobody foresaw: nothing of the inside; the log has it under its number."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if has_begun:
                raise  # half an answer cannot be taken back: the connection ends
            logger.error("request %s failed", in_hand().request_id, exc_info=error)
            detail = "the program failed at this request; nothing more is told outside"
            remedy = "look for the request_id in the log of the web process, and tell us what stands there"
            await answer(Problem(500, "failed", "The program failed", detail, remedy))(scope, receive, send)
