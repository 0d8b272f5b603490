"""Now: what the site does and why, until when and what next; its flow, charge, money and the next hours."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Response

from ems_pipeline.api.problems import Problem
from ems_pipeline.api.routes import alarms, money, now, overrides, plans
from ems_pipeline.api.values import SiteKey
from ems_pipeline.web import site as sites
from ems_pipeline.web.pages.start import SEEN
from ems_pipeline.web.reader import Page, Reader, reads

router = APIRouter(route_class=Page)
AHEAD = timedelta(hours=24)
KEPT_S = 90 * 86400


@router.get("/ui/{site}/now")
async def page(site: SiteKey, reader: Annotated[Reader, reads("telemetry:read")]) -> Response:
    """The page of a site that people open first."""
    head = await sites.head(reader, site)
    caller, web = reader.known, reader.web
    standing, today, held, open_alarms, plan = await asyncio.gather(
        now.site_now(head.key, caller, web),
        money.site_money(head.key, caller, web),
        overrides.overrides(head.key, caller, web),
        alarms.of_site(head.key, caller, web, limit=5),
        _plan(reader, head.key),
    )
    shown = reader.show(
        "now",
        head=head,
        now=standing,
        today=today["today"],
        overrides=held["items"],
        alarms=open_alarms["items"],
        plan=plan,
        ahead=_ahead(plan, standing["at"]),
    )
    if reader.request.cookies.get(SEEN) != head.key:
        shown.set_cookie(SEEN, head.key, max_age=KEPT_S, httponly=True, samesite="strict")
    return shown


async def _plan(reader: Reader, site: str) -> dict[str, Any] | None:
    """The plan that holds; None: none does."""
    try:
        return await plans.plan(site, reader.known, reader.web)
    except Problem as problem:
        if problem.status != 404:
            raise
        return None


def _ahead(plan: dict[str, Any] | None, at: Any) -> list[dict[str, Any]]:
    """The slots of the next hours, the running one first."""
    if plan is None:
        return []
    return [slot for slot in plan["slots"] if at - timedelta(minutes=15) < slot["starts_at"] < at + AHEAD]
