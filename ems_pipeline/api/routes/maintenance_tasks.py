"""Maintenance tasks and their log: orders with checklists, answered line by line, and what was done."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.database import Connection
from ems_pipeline.api.fields import Body, Instant, Text
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent, first, rows
from ems_pipeline.api.routes.maintenance import OneSet
from ems_pipeline.api.service_rows import OfLanguage, Orders, WholeOrder, orders, whole
from ems_pipeline.api.values import KEY, Number, OneSite
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.maintenance.checklist import Since, checklist
from ems_pipeline.maintenance.template import read

router = APIRouter(prefix="/maintenance", tags=["maintenance"])
READ, WRITE = Depends(needs("maintenance:read")), Depends(needs("maintenance:write"))
Code = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", max_length=20, description="Code of a line.", examples=["T1-01"])
]
OfState = Annotated[
    Literal["open", "done", "cancelled"] | None, Query(description="Of one state only.", examples=["open"])
]
Photos = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=300)]],
    Field(max_length=10, description="References to pictures in your own store; none are kept here.", examples=[[]]),
]
Remark = Annotated[
    str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", description="Remark.", examples=["looks new"])
]
Result = Literal["done", "not", "na"]


class OrderWish(Body):
    """A service that is to be done."""

    site: str = Field(pattern=KEY, max_length=64, description="Site.", examples=["yard"])
    asset: str = Field(pattern=KEY, max_length=64, description="Genset.", examples=["gen-1"])
    level: str = Field(min_length=1, max_length=20, description="Level; it includes those below.", examples=["TO-1"])
    note: Remark = ""


class ItemAnswer(Body):
    """What became of a line."""

    result: Result | None = Field(description="`na`: it does not apply; null: not answered yet.", examples=["done"])
    value: str | None = Field(
        None,
        max_length=60,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="What was measured, as written.",
        examples=["410"],
    )
    note: Remark = ""
    photos: Photos = Field([])


class CodedAnswer(ItemAnswer):
    """The same of one line among others."""

    code: str = Field(max_length=20, description="Code of the line.", examples=["T1-01"])


class PartUsed(Body):
    """A part that was used."""

    name: str = Field(min_length=1, max_length=100, description="Part.", examples=["oil filter"])
    quantity: float | None = Field(
        None, gt=0, le=1e6, description="How many or how much.", examples=[2], json_schema_extra={"unit": "of its unit"}
    )
    unit: str | None = Field(None, max_length=20, description="Unit of the quantity.", examples=["pcs"])


class Completion(Body):
    """The service is done."""

    done_h: float | None = Field(
        None, ge=0, lt=1e6, description="Hours of running when it was done; those of now.", examples=[16950],
        json_schema_extra={"unit": "h"},
    )  # fmt: skip
    done_at: Instant | None = Field(None, description="When; now.", examples=["2026-03-01T12:00:00Z"])
    report: str = Field("", max_length=2000, description="What is to be told of it.", examples=["oil sample sent"])
    parts: list[PartUsed] = Field([], max_length=100, description="Parts used.", examples=[[]])
    photos: Photos = Field([])


class LogWish(Completion):
    """A service that was done, all at once: an order, its lines and its end."""

    site: str = Field(pattern=KEY, max_length=64, description="Site.", examples=["yard"])
    asset: str = Field(pattern=KEY, max_length=64, description="Genset.", examples=["gen-1"])
    level: str = Field(min_length=1, max_length=20, description="Level; it includes those below.", examples=["TO-1"])
    lines: list[CodedAnswer] = Field(
        max_length=500,
        description="Lines that were answered; others are not done.",
        examples=[[{"code": "T1-01", "result": "done"}]],
    )


class Remedied(Body):
    """What was done about a finding."""

    remedy: Text = Field(description="In a few words.", examples=["cleaned the next day"])


@router.get("/tasks", response_model=Orders, summary="Maintenance tasks")
async def tasks(
    caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None, asset: OneSet = None, state: OfState = None,
    limit: Limit = 100, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Newest first."""
    return await _listed(web, caller, limit, cursor, site=site, asset=asset, state=state)


@router.post("/tasks", status_code=201, response_model=WholeOrder, summary="Make a task with the checklist that is due")
async def add(
    wish: OrderWish, caller: Annotated[Caller, WRITE], web: ThisWeb, language: OfLanguage = "en"
) -> dict[str, Any]:
    """Where one is open for that level, it is that one: a phone that sends twice makes one."""
    codes = await _due(web, caller, wish.site, wish.asset, wish.level)
    async with web.database.writing(caller) as connection:
        number = await _made(connection, wish.site, wish.asset, wish.level, codes, wish.note)
    return await _one(web, caller, number, language)


@router.get("/tasks/{task_id}", response_model=WholeOrder, summary="A task with its checklist")
async def task(
    task_id: Number, caller: Annotated[Caller, READ], web: ThisWeb, language: OfLanguage = "en"
) -> dict[str, Any]:
    """Lines are as they were when it was made."""
    return await _one(web, caller, task_id, language)


@router.put("/tasks/{task_id}/items/{code}", response_model=WholeOrder, summary="Answer a line of a checklist")
async def answer(
    task_id: Number, code: Code, said: ItemAnswer, caller: Annotated[Caller, WRITE], web: ThisWeb,
    language: OfLanguage = "en",
) -> dict[str, Any]:  # fmt: skip
    """The last word counts; sent twice it is the same."""
    await _one(web, caller, task_id, language)
    async with web.database.writing(caller) as connection:
        await answered(connection, task_id, code, said)
    return await _one(web, caller, task_id, language)


@router.post("/tasks/{task_id}/complete", response_model=WholeOrder, summary="Complete a task: the service is done")
async def complete(
    task_id: Number, said: Completion, caller: Annotated[Caller, WRITE], web: ThisWeb, language: OfLanguage = "en"
) -> dict[str, Any]:
    """Its level and all below count anew, but those with a critical line open. Again it is as before."""
    await _one(web, caller, task_id, language)
    async with web.database.writing(caller) as connection:
        await _completed(connection, task_id, said)
    return await _one(web, caller, task_id, language)


@router.delete("/tasks/{task_id}", response_model=WholeOrder, summary="Cancel a task")
async def cancel(task_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """No service was done. What is done stays in the log."""
    if (await _one(web, caller, task_id, "en"))["state"] == "done":
        raise Problem(
            409, "is_over", "It is over", f"task {task_id} is done", "what was done stays in the log", "task_id"
        )
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_maintenance_order_cancel(%s)", [task_id])
    return await _one(web, caller, task_id, "en")


@router.get("/logs", response_model=Orders, summary="Services that were done")
async def logs(
    caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None, asset: OneSet = None, limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Newest first. A page of each for printing, and all as CSV: at /ui/{site}/maintenance."""
    return await _listed(web, caller, limit, cursor, site=site, asset=asset, state="done")


@router.post("/logs", status_code=201, response_model=WholeOrder, summary="Log a service that was done")
async def log(
    wish: LogWish, caller: Annotated[Caller, WRITE], web: ThisWeb, language: OfLanguage = "en"
) -> dict[str, Any]:
    """All or nothing, in one transaction; an open task of that level is the one that is completed."""
    codes = await _due(web, caller, wish.site, wish.asset, wish.level)
    async with web.database.writing(caller) as connection:
        number = await _made(connection, wish.site, wish.asset, wish.level, codes, "")
        for line in wish.lines:
            await answered(connection, number, line.code, line)
        await _completed(connection, number, wish)
    return await _one(web, caller, number, language)


@router.get("/logs/{task_id}", response_model=WholeOrder, summary="A service that was done, line by line")
async def logged(
    task_id: Number, caller: Annotated[Caller, READ], web: ThisWeb, language: OfLanguage = "en"
) -> dict[str, Any]:
    """With values, parts, references to pictures and findings."""
    found = await _one(web, caller, task_id, language)
    if found["state"] != "done":
        raise absent(f"task {task_id} is not done", "GET /api/v1/maintenance/logs lists those that are")
    return found


@router.post("/findings/{finding_id}/close", response_model=WholeOrder, summary="Say what was done about a finding")
async def close(finding_id: Number, said: Remedied, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """A line that a service left open; answered with that service."""
    async with web.database.reading(caller) as connection:
        found = await first(
            connection,
            """SELECT order_id FROM ems.maintenance_finding
               WHERE finding_id = %(number)s AND (%(sites)s::text[] IS NULL OR site_key = ANY (%(sites)s))""",
            number=finding_id, sites=caller.listed_sites,
        )  # fmt: skip
    if found is None:
        raise absent(
            f"there is no finding {finding_id}", "GET /api/v1/maintenance/logs/{task_id} has those of a service"
        )
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_maintenance_finding_close(%s, %s)", [finding_id, said.remedy])
    return await _one(web, caller, found["order_id"], "en")


async def _listed(web: Web, caller: Caller, limit: int, cursor: str | None, **wanted: str | None) -> dict[str, Any]:
    last = after(cursor, int) or [None]
    if wanted["site"] is not None:
        caller.site(wanted["site"])
    async with web.database.reading(caller) as connection:
        return page(await orders(connection, caller, limit, last[0], **wanted), limit, "task_id")


async def _one(web: Web, caller: Caller, number: int, language: str) -> dict[str, Any]:
    async with web.database.reading(caller) as connection:
        return await whole(connection, caller, number, (language,))


async def _due(web: Web, caller: Caller, site: str, asset: str, level: str) -> list[str]:
    """Codes of the tasks that a service of a set consists of now. Problem 404 where it has no plan or no such level."""
    key = caller.site(site)
    async with web.database.reading(caller) as connection:
        found = await first(
            connection,
            """SELECT t.document FROM ems.maintenance_plan p JOIN ems.maintenance_template t USING (template_id)
               WHERE p.site_key = %(site)s AND p.asset_key = %(asset)s AND p.until_at IS NULL""",
            site=key, asset=asset,
        )  # fmt: skip
        done = await rows(
            connection, "SELECT * FROM ems.fn_maintenance_since(%(site)s, %(asset)s, %(now)s)", site=key, asset=asset,
            now=web.clock.now(),
        )  # fmt: skip
    template = None if found is None else read(found["document"])
    if template is None or level not in template.ranks:
        raise absent(f"{asset} of {site} has no level {level}", "GET /api/v1/maintenance/intervals lists what there is")
    since = {row["code"]: Since(row["hours"], row["days"]) for row in done}
    return [one.code for one in checklist(template, level, since)]


async def _made(connection: Connection, site: str, asset: str, level: str, codes: list[str], note: str) -> int:
    found = await first(
        connection,
        "SELECT ems.fn_maintenance_order_add(%(site)s, %(asset)s, %(level)s, %(codes)s, %(note)s) AS number",
        site=site, asset=asset, level=level, codes=codes, note=note,
    )  # fmt: skip
    assert found is not None
    return int(found["number"])


async def answered(connection: Connection, number: int, code: str, said: ItemAnswer) -> None:
    """Store what became of a line."""
    await connection.execute(
        "SELECT ems.fn_maintenance_item_answer(%s, %s, %s, %s, %s, %s::text[])",
        [number, code, said.result, said.value, said.note, said.photos],
    )


async def _completed(connection: Connection, number: int, said: Completion) -> None:
    parts = json.dumps([part.model_dump() for part in said.parts])
    await connection.execute(
        "SELECT ems.fn_maintenance_order_complete(%s, %s, coalesce(%s, now()), %s, %s::jsonb, %s::text[])",
        [number, said.done_h, said.done_at, said.report, parts, said.photos],
    )
