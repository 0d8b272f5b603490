"""Alarms of a site: open ones, the gravest first, and saying that somebody knows."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response

from ems_pipeline.api.problems import Problem
from ems_pipeline.api.routes import alarms
from ems_pipeline.api.values import Number, SiteKey
from ems_pipeline.api.windows import Past
from ems_pipeline.web import site as sites
from ems_pipeline.web.forms import Done
from ems_pipeline.web.reader import Page, Reader, away, reads

router = APIRouter(route_class=Page)
GRAVEST = ("critical", "warning", "info")
MOST = 200
"""Shown at once; the API has the rest."""


@router.get("/ui/{site}/alarms")
async def page(
    site: SiteKey, reader: Annotated[Reader, reads("alarms:read")], past: Past = False, done: Done = ""
) -> Response:
    """Open alarms; with ``past`` those that are over, too."""
    return await _shown(reader, site, past=past, done=done)


@router.post("/ui/{site}/alarms/{alarm_id}/acknowledge")
async def acknowledge(site: SiteKey, alarm_id: Number, reader: Annotated[Reader, reads("alarms:write")]) -> Response:
    """Somebody knows; an alarm that ended meanwhile is said so beside those that are open."""
    key = reader.known.site(site)
    try:
        await alarms.acknowledge(alarm_id, reader.known, reader.web)
    except Problem as problem:
        if problem.code != "is_over":
            raise
        return await _shown(reader, key, 409, problem=problem.body())
    return away(f"/ui/{key}/alarms?done=known")


async def _shown(
    reader: Reader, site: str, status: int = 200, *, past: bool = False, done: str = "", problem: Any = None
) -> Response:
    head = await sites.head(reader, site)
    caller, web = reader.known, reader.web
    found = (await alarms.of_site(head.key, caller, web, past=past, limit=MOST))["items"]
    own = await alarms.of_installation(caller, web, past=past, limit=MOST)
    open_ones, over = _sorted([*found, *own])
    shown = {"past": past, "done": done, "problem": problem}
    return reader.show("alarms", status, head=head, open_ones=open_ones, over=over, **shown)


def _sorted(found: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Open ones, the gravest and then the newest first; those that are over, the one that ended last first."""
    open_ones = [alarm for alarm in found if alarm["cleared_at"] is None]
    open_ones.sort(key=lambda alarm: alarm["last_at"], reverse=True)
    open_ones.sort(key=lambda alarm: GRAVEST.index(alarm["severity"]))
    over = [alarm for alarm in found if alarm["cleared_at"] is not None]
    return open_ones, sorted(over, key=lambda alarm: alarm["cleared_at"], reverse=True)
