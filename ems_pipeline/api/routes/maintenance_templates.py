"""Maintenance templates: what is done at which level, version by version."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.database import Connection
from ems_pipeline.api.fields import Body, Items
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent, first, rows
from ems_pipeline.api.service_rows import OfLanguage
from ems_pipeline.api.values import Answer, Number, instant, said
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.api.windows import Past
from ems_pipeline.maintenance.template import Template, TemplateError, in_language, read, shipped

router = APIRouter(tags=["maintenance"])
READ, WRITE = Depends(needs("maintenance:read")), Depends(needs("maintenance:write"))
PATH = "/maintenance/templates"


class StoredTemplate(Answer):
    """A version of a template."""

    template_id: int = said("Number of the version.", 1, "number", 1)
    template: str = said("Key of the template.", "gas-genset")
    version: int = said("1, 2, ...", 1, "number", 1)
    name: str = said("Name.", "Gas genset, 100 to 250 kW")
    source: str = said("Where its tasks come from.", "own words, from public manuals of makers")
    licence: str = said("Under what they may be passed on.", "as this project")
    levels: list[str] = said("Levels, the smallest first.", ["TO-1", "TO-2", "TO-3", "TO-4"])
    tasks: int = said("Tasks.", 56, "tasks", 0)
    created_at: datetime = instant("Stored.")
    created_by: str = said("By whom.", "web:anna")
    retired_at: datetime | None = instant("No set is given it since; null: it may be given.")


class WholeTemplate(StoredTemplate):
    """A version with all that stands in it."""

    document: dict[str, Any] = said("The template, as docs/maintenance.md describes it.", {"template": "gas-genset"})


class TemplateWish(Body):
    """A template as a document."""

    document: dict[str, Any] = Field(
        description="The template, as docs/maintenance.md describes it.",
        examples=[{"template": "own", "levels": [], "tasks": []}],
    )


COLUMNS = """
    t.template_id, t.template_key AS template, t.version, t.name, t.source, t.licence, t.created_at, t.created_by,
    t.retired_at, (SELECT array_agg(l.level ORDER BY l.rank) FROM ems.maintenance_level l
                   WHERE l.template_id = t.template_id) AS levels,
    (SELECT count(*) FROM ems.maintenance_task k WHERE k.template_id = t.template_id) AS tasks"""


@router.get(PATH, response_model=Items[StoredTemplate], summary="Maintenance templates")
async def templates(
    caller: Annotated[Caller, READ], web: ThisWeb, past: Past = False, language: OfLanguage = "en"
) -> dict[str, Any]:
    """By key, the newest version first; with ``past`` those that are retired, too."""
    async with web.database.reading(caller) as connection:
        found = await rows(
            connection,
            f"""SELECT {COLUMNS} FROM ems.maintenance_template t WHERE %(past)s OR t.retired_at IS NULL
                ORDER BY t.template_key, t.version DESC""",
            past=past,
        )
    return {"items": [_named(row, language) for row in found], "next_cursor": None}


@router.get(PATH + "/{template_id}", response_model=WholeTemplate, summary="A template with its tasks")
async def template(
    template_id: Number, caller: Annotated[Caller, READ], web: ThisWeb, language: OfLanguage = "en"
) -> dict[str, Any]:
    """As it was stored: a version never changes."""
    return _named(await _one(web, caller, template_id), language)


@router.post(PATH, status_code=201, response_model=WholeTemplate, summary="Store a template")
async def add(wish: TemplateWish, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """The same again is the version that is there; anything else of its key is a new one."""
    return await _stored(web, caller, _read(wish.document))


@router.put(PATH + "/{template_id}", response_model=WholeTemplate, summary="Store a new version of a template")
async def change(
    template_id: Number, wish: TemplateWish, caller: Annotated[Caller, WRITE], web: ThisWeb
) -> dict[str, Any]:
    """The version that is changed stays as it is, and so do the sets that have it and their open orders."""
    before, new = await _one(web, caller, template_id), _read(wish.document)
    if new.template != before["template"]:
        raise _refused(f"it is {new.template!r}, and {template_id} is a version of {before['template']!r}")
    return await _stored(web, caller, new)


@router.delete(PATH + "/{template_id}", response_model=WholeTemplate, summary="Retire a version of a template")
async def retire(template_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """No set is given it any more; those that have it keep it."""
    await _one(web, caller, template_id)
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_maintenance_template_retire(%s)", [template_id])
    return _named(await _one(web, caller, template_id), "en")


@router.post(
    "/seed-templates",
    status_code=201,
    response_model=Items[StoredTemplate],
    summary="Store the templates that come along",
)
async def seed(caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """TO-1 to TO-4 with 56 tasks. Again it is the same version."""
    async with web.database.writing(caller) as connection:
        numbers = [await _add(connection, one) for one in shipped()]
    return {"items": [_named(await _one(web, caller, number), "en") for number in numbers], "next_cursor": None}


def _read(document: dict[str, Any]) -> Template:
    try:
        return read(document)
    except TemplateError as fault:
        raise _refused(fault.what, fault.remedy) from None


def _refused(what: str, remedy: str = "keep its key") -> Problem:
    return Problem(422, "invalid", "It is no template", what, remedy, "document")


async def _stored(web: Web, caller: Caller, new: Template) -> dict[str, Any]:
    async with web.database.writing(caller) as connection:
        number = await _add(connection, new)
    return _named(await _one(web, caller, number), "en")


async def _add(connection: Connection, new: Template) -> int:
    whole, levels = json.dumps(new.document()), json.dumps(new.levels_with_limits())
    found = await first(
        connection,
        "SELECT ems.fn_maintenance_template_add(%(whole)s::jsonb, %(levels)s::jsonb) AS number",
        whole=whole, levels=levels,
    )  # fmt: skip
    assert found is not None
    return int(found["number"])


async def _one(web: Web, caller: Caller, number: int) -> dict[str, Any]:
    async with web.database.reading(caller) as connection:
        found = await first(
            connection,
            f"SELECT {COLUMNS}, t.document FROM ems.maintenance_template t WHERE t.template_id = %(number)s",
            number=number,
        )
    if found is None:
        raise absent(f"there is no template {number}", "GET /api/v1/maintenance/templates lists them")
    return found


def _named(row: dict[str, Any], language: str) -> dict[str, Any]:
    return row | {"name": in_language(row["name"], (language,))}
