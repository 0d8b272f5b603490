"""What the schema tells of every route beyond its models: the problem it may end with, and how a caller is known."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field

from ems_pipeline.api.problems import MEDIA_TYPE
from ems_pipeline.api.sessions import COOKIE

REFERENCE = "#/components/schemas/"
ABOUT = """Every path is answered at `/api/v1`, at `/api` and without a prefix. Time is RFC 3339 in UTC; units are in
the names (`_w`, `_kw`, `_kwh`, `_pct`); what is missing is null, never 0. Work is answered 202: it was filed, which
says nothing of its effect. Errors are problems of RFC 9457 with a `code` for programs and a `remedy` for people."""


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="its place in body or query", examples=["power_kw"])
    message: str = Field(description="what is wrong with it", examples=["Input should be greater than 0"])
    code: str = Field(description="kind of fault, for programs", examples=["greater_than"])


class Fault(BaseModel):
    """A problem as RFC 9457 has it."""

    type: str = Field(description="name of the kind of problem", examples=["urn:ems:problem:site_unknown"])
    title: str = Field(description="the kind in words", examples=["The site is not known"])
    status: int = Field(description="status of the answer", examples=[404], ge=400, le=599)
    detail: str = Field(description="what it is this time", examples=["there is no site 'home9'"])
    code: str = Field(description="for programs; keeps its meaning", examples=["site_unknown"])
    remedy: str = Field(description="what to do about it", examples=["GET /api/v1/me/sites lists yours"])
    request_id: str = Field(description="under which the log has it", examples=["2f1c9f0e-6f5e-4d39-8b1f-0c2f4a5b6c7d"])
    field: str | None = Field(None, description="the first field that is wrong", examples=["site"])
    errors: list[FieldFault] | None = Field(None, description="field by field, where several are wrong")


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "It was not done: a problem with its remedy",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{REFERENCE}{Fault.__name__}"}}},
    }
}
"""For the routes of an application: what each of them may answer instead."""
KNOWN_BY = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "of a program"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "of a person who logged in"},
}


def describe(app: FastAPI) -> None:
    """Have an application tell its whole schema, made once."""

    def schema() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _whole(app)
        return app.openapi_schema

    app.openapi = schema  # type: ignore[method-assign]


def _whole(app: FastAPI) -> dict[str, Any]:
    told = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
    parts: dict[str, Any] = told.setdefault("components", {})
    fault = Fault.model_json_schema(ref_template=f"{REFERENCE}{{model}}")
    parts.setdefault("schemas", {}).update(fault.pop("$defs"), **{Fault.__name__: fault})
    parts["securitySchemes"] = KNOWN_BY
    told["security"] = [{name: []} for name in KNOWN_BY]
    for path in told["paths"].values():
        for operation in path.values():
            _tell_of_rehearsal(operation)
    return told


def _tell_of_rehearsal(operation: dict[str, Any]) -> None:
    """What would be filed is told as what was, with 200."""
    answers, names = operation["responses"], {one["name"] for one in operation.get("parameters", [])}
    if "dry_run" in names and (filed := answers.get("202", answers.get("201"))):
        answers["200"] = filed | {"description": "A dry run: what would be filed; nothing was"}
