"""Maintenance: what is due at each set and who knows, open tasks, hour meters; giving a set its plan."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from ems_pipeline.api.fields import Reason
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import site_of
from ems_pipeline.api.routes import maintenance, maintenance_meters, maintenance_tasks, maintenance_templates
from ems_pipeline.api.service_rows import open_findings
from ems_pipeline.api.values import KEY, Number, SiteKey
from ems_pipeline.time_grid import utc
from ems_pipeline.web import site as sites
from ems_pipeline.web.forms import Done, Form, Wanted, understood
from ems_pipeline.web.pages.maintenance_task import spoken
from ems_pipeline.web.reader import Page, Reader, away, reads
from ems_pipeline.web.site import Head

router = APIRouter(route_class=Page)
READ, WRITE = reads("maintenance:read"), reads("maintenance:write")
NOON = time(12)
Asset = Annotated[str, Field(pattern=KEY, max_length=64)]


class PlanForm(Form):
    """A set gets a template; of each level may be said when it was done last."""

    asset: Asset
    template_id: int = Field(ge=1, le=2**63 - 1)
    hours: Wanted = Field(None, ge=0, lt=1e6)
    """Hours of running now; counting begins with them where nothing was read yet."""


class LastForm(Form):
    """When a level, and with it all below, was done last."""

    asset: Asset
    level: str = Field(max_length=20)
    done_h: Wanted = Field(None, ge=0, lt=1e6)
    done_on: date


class MeterForm(Form):
    """What an hour meter shows, or was."""

    asset: Asset
    kind: Literal["read", "replaced", "accepted", "corrected"]
    hours: float = Field(ge=0, lt=1e6)
    old_h: Wanted = Field(None, ge=0, lt=1e6)
    reason: Reason = ""


class TaskForm(Form):
    """A service that is to be done."""

    asset: Asset
    level: str = Field(max_length=20)


@router.get("/ui/{site}/maintenance")
async def page(site: SiteKey, reader: Annotated[Reader, READ], done: Done = "") -> Response:
    """Set by set."""
    return await _shown(reader, site, done=done)


@router.post("/ui/{site}/maintenance/seed")
async def seed(site: SiteKey, reader: Annotated[Reader, WRITE]) -> Response:
    """Store the templates that come along."""
    await maintenance_templates.seed(reader.known, reader.web)
    return away(f"/ui/{site}/maintenance?done=seeded")


@router.post("/ui/{site}/maintenance/plan")
async def give(site: SiteKey, form: PlanForm, reader: Annotated[Reader, WRITE]) -> Response:
    """What nobody knows is due; the next form says what somebody does know."""
    wish = understood(maintenance.PlanWish, {"site": site, "asset": form.asset, "template_id": form.template_id})
    try:
        await maintenance.give(wish, reader.known, reader.web)
        if form.hours is not None:
            entry = {
                "site": site,
                "asset": form.asset,
                "kind": "corrected",
                "hours": form.hours,
                "reason": "first entry",
            }
            await maintenance_meters.enter(understood(maintenance_meters.MeterEntry, entry), reader.known, reader.web)
    except Problem as problem:
        return await _refused(reader, site, problem)
    return away(f"/ui/{site}/maintenance?done=planned")


@router.post("/ui/{site}/maintenance/last")
async def last(site: SiteKey, form: LastForm, reader: Annotated[Reader, WRITE]) -> Response:
    """The level and all below were done then."""
    head = await sites.head(reader, site)
    found = (await maintenance.due(reader.known, reader.web, head.key, form.asset))["items"]
    levels = [row["level"] for row in found]
    if form.level not in levels:
        return away(f"/ui/{site}/maintenance")
    done_at = utc(datetime.combine(form.done_on, NOON, head.said.zone)).astimezone(UTC)
    known = [
        {"level": level, "done_h": form.done_h, "done_at": done_at} for level in levels[: levels.index(form.level) + 1]
    ]
    try:
        change = understood(maintenance.PlanChange, {"last": known})
        await maintenance.change(f"{site}.{form.asset}", change, reader.known, reader.web)
    except Problem as problem:
        return await _refused(reader, site, problem)
    return away(f"/ui/{site}/maintenance?done=known")


@router.post("/ui/{site}/maintenance/meter")
async def meter(site: SiteKey, form: MeterForm, reader: Annotated[Reader, WRITE]) -> Response:
    """In the name of whoever reads the page."""
    try:
        entry = understood(maintenance_meters.MeterEntry, {"site": site} | form.model_dump())
        await maintenance_meters.enter(entry, reader.known, reader.web)
    except Problem as problem:
        return await _refused(reader, site, problem)
    return away(f"/ui/{site}/maintenance?done=meter")


@router.post("/ui/{site}/maintenance/alerts/{alert_id}/acknowledge")
async def acknowledge(site: SiteKey, alert_id: Number, reader: Annotated[Reader, WRITE]) -> Response:
    """Somebody knows."""
    try:
        await maintenance.acknowledge(alert_id, reader.known, reader.web)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _refused(reader, site, problem)
    return away(f"/ui/{site}/maintenance?done=acknowledged")


@router.post("/ui/{site}/maintenance/tasks")
async def add(site: SiteKey, form: TaskForm, reader: Annotated[Reader, WRITE]) -> Response:
    """To its checklist; pressed twice it is the same one."""
    wish = understood(maintenance_tasks.OrderWish, {"site": site} | form.model_dump())
    made = await maintenance_tasks.add(wish, reader.known, reader.web)
    return away(f"/ui/{site}/maintenance/tasks/{made['task_id']}")


async def _refused(reader: Reader, site: str, problem: Problem) -> Response:
    return await _shown(reader, site, problem.status, problem=problem.body())


async def _shown(reader: Reader, site: str, status: int = 200, *, done: str = "", problem: Any = None) -> Response:
    head = await sites.head(reader, site)
    caller, web = reader.known, reader.web
    intervals = (await maintenance.due(caller, web, head.key))["items"]
    alerts = (await maintenance.alerts(caller, web, head.key, limit=1000))["items"]
    meters = (await maintenance_meters.meters(caller, web, head.key))["items"]
    tasks = (await maintenance_tasks.tasks(caller, web, head.key, state="open"))["items"]
    templates = (await maintenance_templates.templates(caller, web, language=reader.language))["items"]
    async with web.database.reading(caller) as connection:
        findings = await open_findings(connection, head.key, spoken(reader, None))
    return reader.show(
        "maintenance", status, head=head, done=done, problem=problem, tasks=tasks, templates=templates,
        findings=findings,
        sets=[_set(name, intervals, alerts, meters) for name in await _gensets(reader, head)],
    )  # fmt: skip


def _set(name: str, *found: list[dict[str, Any]]) -> dict[str, Any]:
    """A set with what of each list is about it."""
    levels, alerts, meters = ([row for row in rows if row["asset"] == name] for rows in found)
    return {"key": name, "levels": levels, "alerts": alerts, "meter": meters[0] if meters else None}


async def _gensets(reader: Reader, head: Head) -> list[str]:
    async with reader.web.database.reading(reader.known) as connection:
        of = await site_of(connection, head.key)
    return [part["key"] for part in (of["config"] or {}).get("gensets") or ()]
