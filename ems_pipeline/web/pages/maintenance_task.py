"""A service: its checklist on a phone, its end, and the log of those before, to be printed or taken away as CSV."""

from __future__ import annotations

from typing import Annotated, Any

from babel import negotiate_locale
from fastapi import APIRouter, Query, Response
from pydantic import Field

from ems_pipeline.api.problems import Problem
from ems_pipeline.api.routes import maintenance_tasks
from ems_pipeline.api.service_rows import orders, whole
from ems_pipeline.api.values import Number, SiteKey
from ems_pipeline.web import site as sites
from ems_pipeline.web import words
from ems_pipeline.web.forms import Done, Fields, Form, Wanted, understood
from ems_pipeline.web.reader import Page, Reader, away, reads

router = APIRouter(route_class=Page)
READ, WRITE = reads("maintenance:read"), reads("maintenance:write")
TEXTS = ("en", "cs", "ru")
"""Languages in which the shipped template is written; one of an owner may lack some."""
Language = Annotated[str | None, Query(pattern="^[a-z]{2}$")]
LOGGED, PRINTED = 200, 50
"""Services that the log shows, and that are printed at once."""
CSV = """
    COPY (SELECT o.order_id AS task, o.site_key AS site, o.asset_key AS genset, o.level, o.done_at, o.done_h, o.done_by,
                 array_to_string(o.closed_levels, ' ') AS closed_levels, i.code,
                 coalesce(i.text ->> %(language)s, i.text ->> 'en') AS text, i.result, i.value,
                 coalesce(i.unit ->> %(language)s, i.unit ->> 'en') AS unit,
                 i.note, i.answered_by, i.answered_at, array_to_string(i.photos, ' ') AS photos,
                 o.report, (SELECT string_agg(concat_ws(' ', p.quantity, p.unit, p.name), '; ' ORDER BY p.part_id)
                            FROM ems.maintenance_part p WHERE p.order_id = o.order_id) AS parts
          FROM ems.maintenance_order o JOIN ems.maintenance_item i USING (order_id)
          WHERE o.site_key = %(site)s AND o.state = 'done' ORDER BY o.done_at, o.order_id, i.position)
    TO STDOUT WITH (FORMAT csv, HEADER)"""


class Completed(Form):
    """The service is done; up to three parts without a script, more over the API."""

    done_h: Wanted = Field(None, ge=0, lt=1e6)
    report: str = Field("", max_length=2000)
    photo: str = Field("", max_length=300)
    part_1: str = Field("", max_length=100)
    part_2: str = Field("", max_length=100)
    part_3: str = Field("", max_length=100)
    quantity_1: Wanted = Field(None, gt=0, le=1e6)
    quantity_2: Wanted = Field(None, gt=0, le=1e6)
    quantity_3: Wanted = Field(None, gt=0, le=1e6)

    def completion(self) -> maintenance_tasks.Completion:
        """As the API takes it."""
        said = [(getattr(self, f"part_{n}").strip(), getattr(self, f"quantity_{n}")) for n in (1, 2, 3)]
        parts = [{"name": name, "quantity": quantity} for name, quantity in said if name]
        photos = [self.photo.strip()] if self.photo.strip() else []
        report = self.report.replace("\r\n", "\n")
        return understood(
            maintenance_tasks.Completion, {"done_h": self.done_h, "report": report, "parts": parts, "photos": photos}
        )


class Remedy(Form):
    """What was done about a finding."""

    remedy: str = Field(min_length=1, max_length=200)


@router.get("/ui/{site}/maintenance/tasks/{task_id}")
async def page(
    site: SiteKey, task_id: Number, reader: Annotated[Reader, READ], language: Language = None, done: Done = ""
) -> Response:
    """Line by line, large enough for gloves."""
    return await _shown(reader, site, task_id, language, done=done)


@router.post("/ui/{site}/maintenance/tasks/{task_id}")
async def save(
    site: SiteKey, task_id: Number, fields: Fields, reader: Annotated[Reader, WRITE], language: Language = None
) -> Response:
    """All lines that say something new, together; sent twice it is the same."""
    try:
        await _answered(reader, site, task_id, fields.root)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _shown(reader, site, task_id, language, problem.status, problem=problem.body(), said=fields.root)
    more = f"&language={language}" if language else ""
    return away(f"/ui/{site}/maintenance/tasks/{task_id}?done=saved{more}")


@router.post("/ui/{site}/maintenance/tasks/{task_id}/complete")
async def complete(site: SiteKey, task_id: Number, form: Completed, reader: Annotated[Reader, WRITE]) -> Response:
    """To the log. Pressed twice it is done once."""
    try:
        await maintenance_tasks.complete(task_id, form.completion(), reader.known, reader.web)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _shown(reader, site, task_id, None, problem.status, problem=problem.body())
    return away(f"/ui/{site}/maintenance/tasks/{task_id}?done=completed")


@router.post("/ui/{site}/maintenance/tasks/{task_id}/cancel")
async def cancel(site: SiteKey, task_id: Number, reader: Annotated[Reader, WRITE]) -> Response:
    """No service was done."""
    try:
        await maintenance_tasks.cancel(task_id, reader.known, reader.web)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _shown(reader, site, task_id, None, problem.status, problem=problem.body())
    return away(f"/ui/{site}/maintenance?done=cancelled")


@router.post("/ui/{site}/maintenance/findings/{finding_id}/close")
async def close(site: SiteKey, finding_id: Number, form: Remedy, reader: Annotated[Reader, WRITE]) -> Response:
    """It is done now."""
    said = understood(maintenance_tasks.Remedied, {"remedy": form.remedy})
    found = await maintenance_tasks.close(finding_id, said, reader.known, reader.web)
    return away(f"/ui/{site}/maintenance/tasks/{found['task_id']}?done=closed")


@router.get("/ui/{site}/maintenance/log")
async def log(site: SiteKey, reader: Annotated[Reader, READ]) -> Response:
    """Services that were done, the newest first."""
    head = await sites.head(reader, site)
    async with reader.web.database.reading(reader.known) as connection:
        found = await orders(connection, reader.known, LOGGED, site=head.key, state="done")
    return reader.show("maintenance_log", head=head, services=found[:LOGGED], more=len(found) > LOGGED)


@router.get("/ui/{site}/maintenance/log.csv")
async def csv(site: SiteKey, reader: Annotated[Reader, READ]) -> Response:
    """A row for each line of each service; instants in UTC, texts in the reader's language or English."""
    head, language = await sites.head(reader, site), spoken(reader, None)[0]
    async with (
        reader.web.database.reading(reader.known) as connection,
        connection.cursor() as cursor,
        cursor.copy(CSV.encode(), {"site": head.key, "language": language}) as copied,
    ):
        body = b"".join([bytes(block) async for block in copied])
    named = {"content-disposition": f'attachment; filename="{head.key}_maintenance.csv"', "cache-control": "no-store"}
    return Response(body, 200, named, "text/csv; charset=utf-8")


@router.get("/ui/{site}/maintenance/print")
async def printed(
    site: SiteKey, reader: Annotated[Reader, READ], task: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    language: Language = None,
) -> Response:  # fmt: skip
    """For paper or PDF, by the browser's own printing: one service, or the newest ones, each on a page of its own."""
    head = await sites.head(reader, site)
    caller, languages = reader.known, spoken(reader, language)
    async with reader.web.database.reading(caller) as connection:
        if task is not None:
            found = [await whole(connection, caller, task, languages)]
        else:
            listed = await orders(connection, caller, PRINTED, site=head.key, state="done")
            found = [await whole(connection, caller, one["task_id"], languages) for one in listed[:PRINTED]]
    return reader.show("maintenance_print", head=head, services=[one for one in found if one["site"] == head.key])


def spoken(reader: Reader, wanted: str | None) -> tuple[str, ...]:
    """Languages for the lines of a checklist: asked for, chosen for pages, the browser's, the page's."""
    accepted = reader.request.headers.get("accept-language", "")
    asked = [part.partition(";")[0].strip() for part in accepted[:200].split(",")]
    found = [wanted, reader.request.cookies.get(words.COOKIE), negotiate_locale(asked, TEXTS, sep="-"), reader.language]
    return tuple(language for language in found if language)


async def _answered(reader: Reader, site: str, task_id: int, fields: dict[str, str]) -> None:
    """Write those lines whose fields differ from what is stored, in one transaction."""
    caller, web = reader.known, reader.web
    async with web.database.reading(caller) as connection:
        task = await whole(connection, caller, task_id, ())
    caller.site(site)
    news = [(line["code"], answer) for line in task["lines"] if (answer := _new(line, fields)) is not None]
    if not news:
        return
    async with web.database.writing(caller) as connection:
        for code, answer in news:
            await maintenance_tasks.answered(connection, task_id, code, answer)


def _new(line: dict[str, Any], fields: dict[str, str]) -> maintenance_tasks.ItemAnswer | None:
    """What the fields say of a line; None: nothing, or what is known."""
    code = line["code"]
    known = {
        "result": line["result"] or "", "value": line["value"] or "", "note": line["note"],
        "photo": " ".join(line["photos"]),
    }  # fmt: skip
    said = {name: fields.get(f"{name}.{code}", known[name]).strip() for name in known}
    if said == known:
        return None
    told = {"result": said["result"] or None, "value": said["value"] or None, "note": said["note"]}
    return understood(maintenance_tasks.ItemAnswer, told | {"photos": said["photo"].split()})


async def _shown(
    reader: Reader, site: str, task_id: int, language: str | None, status: int = 200, *, done: str = "",
    problem: Any = None, said: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    head = await sites.head(reader, site)
    languages = spoken(reader, language)
    async with reader.web.database.reading(reader.known) as connection:
        task = await whole(connection, reader.known, task_id, languages)
    return reader.show(
        "maintenance_task", status, head=head, task=task, done=done, problem=problem, said=said or {},
        text_language=next((one for one in languages if one in TEXTS), "en"), texts=TEXTS, asked=language,
    )  # fmt: skip
