"""Drafts of maintenance templates: what was read in a regulation and where it stands, and a person's word for it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Items, Text
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent, first, rows
from ems_pipeline.api.values import Answer, Number, instant, said
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.maintenance.template import TemplateError, read
from ems_pipeline.regulation import confirm as confirming
from ems_pipeline.regulation.draft import Draft

router = APIRouter(tags=["maintenance"])
PATH = "/maintenance/drafts"
READ, WRITE = Depends(needs("maintenance:read")), Depends(needs("maintenance:write"))
Kind = Literal["check", "clean", "adjust", "test", "replace"]


class StoredDraft(Answer):
    """A regulation as it was read."""

    draft_id: int = said("Number.", 3, "number", 1)
    source: str = said("Name of the document.", "regulation.pdf")
    imported_at: datetime = instant("Read.")
    imported_by: str = said("By whom.", "local:anna")
    levels: int = said("Levels.", 4, "levels", 0)
    tasks: int = said("Tasks.", 52, "tasks", 0)
    unread: int = said("Lines that became nothing.", 7, "lines", 0)


class DraftLevelSeen(Answer):
    """A level as the document tells of it."""

    level: str = said("Name.", "TO-2")
    hours: float | None = said("Hours; null: not said, or said differently.", 500.0, "h", 0)
    months: int | None = said("Months; null: not said, or said differently.", 12, "months", 1)
    page: int = said("Page of the document.", 2, "number", 1)
    line: int = said("Line of the page.", 14, "number", 1)
    doubts: list[str] = said("What is doubted.", [])


class DraftTaskSeen(Answer):
    """A task as the document tells of it; what it does not say is null."""

    code: str = said("Code that it would get.", "T2-05")
    text: str = said("Text.", "Replace the air filter")
    level: str | None = said("Level.", "TO-2")
    hours: float | None = said("Interval of its own, hours; null: that of its level.", None, "h", 0)
    months: int | None = said("Interval of its own, months; null: that of its level.", None, "months", 1)
    kind: str | None = said("Kind of work.", "replace")
    system: str | None = said("Part of the engine.", "intake")
    page: int = said("Page of the document.", 2, "number", 1)
    line: int = said("Line of the page.", 14, "number", 1)
    doubts: list[str] = said("What is doubted.", [])
    is_interval_known: bool = said("False: it has one of its own that was not understood.", True)
    by: Literal["rules", "model"] = said("Who read it.", "rules")


class UnreadSeen(Answer):
    """A line that became nothing."""

    text: str = said("The line.", "The engine must be stopped.")
    page: int = said("Page of the document.", 2, "number", 1)
    line: int = said("Line of the page.", 14, "number", 1)
    why: str = said("Why.", "no heading, no line of a list, no row of a table")


class WholeDraft(StoredDraft):
    """A draft with all that stands in it."""

    language: str = said("Language of its texts.", "ru")
    missing: list[str] = said(
        "What somebody has to say before it can become a template.", ["T2-05 (page 2, line 14): system"]
    )
    found_levels: list[DraftLevelSeen] = said("Levels.", [])
    found_tasks: list[DraftTaskSeen] = said("Tasks.", [])
    found_unread: list[UnreadSeen] = said("What became nothing.", [])


class Interval(Body):
    """An interval of a level of which the document says none."""

    hours: float | None = Field(
        None,
        gt=0,
        le=100_000,
        description="Hours; null: the calendar alone.",
        examples=[500.0],
        json_schema_extra={"unit": "h"},
    )
    months: int | None = Field(None, ge=1, le=600, description="Months; null: hours alone.", examples=[12])


class Confirmation(Body):
    """What a person says where the document does not; what it does say stays."""

    template: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Key of the template.", examples=["own"])
    name: Text = Field(description="Its name.", examples=["Our engine"])
    licence: Text = Field(
        "the owner's own", description="Under what it may be passed on.", examples=["the owner's own"]
    )
    minutes: int = Field(ge=0, le=2880, description="Minutes that a line takes one person.", examples=[15])
    system: Text | None = Field(None, description="Part of the engine of lines that name none.", examples=["general"])
    kind: Kind | None = Field(None, description="Kind of work of lines that name none.", examples=["check"])
    level: str | None = Field(None, max_length=20, description="Level of lines that are of none.", examples=["TO-1"])
    levels: dict[str, Interval] = Field(
        {}, max_length=12, description="Intervals of levels that have none.", examples=[{}]
    )
    left_out: list[str] = Field(
        [], max_length=500, description="Codes of lines that are no tasks.", examples=[["T2-05"]]
    )
    is_original_shown: bool = Field(
        False, description="Texts that are not English are shown as they are.", examples=[False]
    )


class Confirmed(Answer):
    """What the draft became."""

    template_id: int = said("Number of the template's version.", 4, "number", 1)


COUNTED = """draft_id, source, imported_at, imported_by, jsonb_array_length(document -> 'levels') AS levels,
             jsonb_array_length(document -> 'tasks') AS tasks, jsonb_array_length(document -> 'unread') AS unread"""


@router.get(PATH, response_model=Items[StoredDraft], summary="Drafts of templates")
async def drafts(caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """Regulations that were read and that nobody has confirmed or put away yet."""
    async with web.database.reading(caller) as connection:
        found = await rows(
            connection, f"SELECT {COUNTED} FROM ems.maintenance_draft WHERE ended_at IS NULL ORDER BY draft_id DESC"
        )
    return {"items": found, "next_cursor": None}


@router.get(PATH + "/{draft_id}", response_model=WholeDraft, summary="A draft with where everything stands")
async def draft(draft_id: Number, caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """Levels, tasks and what could not be read, each with its page and line."""
    row = await _one(web, caller, draft_id)
    found = Draft.read(row["document"])
    return row | {
        "language": found.language, "missing": found.missing(),
        "found_levels": [_placed(vars(one)) for one in found.levels],
        "found_tasks": [_placed(vars(task)) | {"code": code} for code, task in found.coded()],
        "found_unread": [_placed(one._asdict()) for one in found.unread],
    }  # fmt: skip


@router.post(PATH + "/{draft_id}/confirm", status_code=201, response_model=Confirmed, summary="Confirm a draft")
async def confirm(
    draft_id: Number, wish: Confirmation, caller: Annotated[Caller, WRITE], web: ThisWeb
) -> dict[str, Any]:
    """It becomes a template, and a set has it when it is given to it."""
    row = await _one(web, caller, draft_id)
    levels = {name: (one.hours, one.months) for name, one in wish.levels.items()}
    said_of_it = wish.model_dump(exclude={"levels", "left_out"})
    answers = confirming.Answers(**said_of_it, levels=levels, left_out=frozenset(wish.left_out))
    try:
        new = read(confirming.document(Draft.read(row["document"]), answers))
    except (confirming.Unsaid, TemplateError) as fault:
        raise Problem(422, "invalid", "It is no template yet", fault.what, fault.remedy) from None
    whole, of_levels = json.dumps(new.document()), json.dumps(new.levels_with_limits())
    async with web.database.writing(caller) as connection:
        stored = await first(
            connection,
            "SELECT ems.fn_maintenance_template_add(%(whole)s::jsonb, %(levels)s::jsonb) AS template_id",
            whole=whole, levels=of_levels,
        )  # fmt: skip
        await rows(
            connection, "SELECT ems.fn_maintenance_draft_end(%(draft)s, %(template)s)", draft=draft_id,
            template=stored and stored["template_id"],
        )  # fmt: skip
    return dict(stored or {})


@router.delete(PATH + "/{draft_id}", response_model=StoredDraft, summary="Put a draft away")
async def put_away(draft_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """It becomes nothing; the same document may be imported again."""
    row = await _one(web, caller, draft_id)
    async with web.database.writing(caller) as connection:
        await rows(connection, "SELECT ems.fn_maintenance_draft_end(%(draft)s)", draft=draft_id)
    return row


async def _one(web: Web, caller: Caller, number: int) -> dict[str, Any]:
    async with web.database.reading(caller) as connection:
        found = await first(
            connection,
            f"SELECT {COUNTED}, document FROM ems.maintenance_draft WHERE draft_id = %(number)s AND ended_at IS NULL",
            number=number,
        )
    if found is None:
        raise absent(f"there is no open draft {number}", "GET /api/v1/maintenance/drafts lists them")
    return found


def _placed(said_of_it: dict[str, Any]) -> dict[str, Any]:
    page, line = said_of_it["at"]
    return {**said_of_it, "page": page, "line": line, "doubts": list(said_of_it.get("doubts", ()))}
