"""Now: what the site does and why, until when and what next; its flow, charge, money and the next hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Response

from ems_pipeline import time_grid
from ems_pipeline.api.battery_rows import batteries
from ems_pipeline.api.reading import Row
from ems_pipeline.api.routes import alarms, goals, money, now, overrides, plans
from ems_pipeline.api.routes import sites as registered
from ems_pipeline.api.values import SiteKey
from ems_pipeline.web import site as sites
from ems_pipeline.web.pages.start import SEEN
from ems_pipeline.web.pen import Pen
from ems_pipeline.web.reader import Page, Reader, reads

router = APIRouter(route_class=Page)
AHEAD = timedelta(hours=24)
KEPT_S = 90 * 86400
MOST_PACKS = 20
NEAR_PCT = 0.5


@router.get("/ui/{site}/now")
async def page(site: SiteKey, reader: Annotated[Reader, reads("telemetry:read")]) -> Response:
    """The page of a site that people open first."""
    head = await sites.head(reader, site)
    caller, web = reader.known, reader.web
    whole = await registered.site(head.key, caller, web)
    standing = await now.site_now(head.key, caller, web)
    spent = await money.site_money(head.key, caller, web)
    held = await overrides.overrides(head.key, caller, web)
    wanted = await goals.goals(head.key, caller, web)
    raised = await alarms.of_site(head.key, caller, web, limit=5)
    plan = await sites.perhaps(plans.plan(head.key, caller, web))
    packs = await _packs(reader, head.key)
    at, pen = standing["at"], Pen(head.said, reader.gettext, web.drawn, None if plan is None else plan["plan_id"])
    slots = [] if plan is None else plan["slots"]
    ahead = [slot for slot in slots if at - time_grid.SLOT < slot["starts_at"] < at + AHEAD]
    shown = reader.show(
        "now",
        head=head,
        now=standing,
        today=_today(spent["today"], slots, head.said.zone, at),
        overrides=held["items"],
        goals=wanted["items"],
        alarms=raised["items"],
        ahead=ahead,
        packs=[pack | _reach(pack, ahead) for pack in packs],
        pen=pen,
        kinds=frozenset(asset["kind"] for asset in whole["assets"]),
    )
    if reader.request.cookies.get(SEEN) != head.key:
        shown.set_cookie(SEEN, head.key, max_age=KEPT_S, httponly=True, samesite="strict")
    return shown


async def _packs(reader: Reader, site: str) -> list[Row]:
    async with reader.web.database.reading(reader.known) as connection:
        return await batteries(connection, [site], reader.web.clock.now(), MOST_PACKS)


def _today(so_far: Row, slots: list[Row], zone: Any, at: datetime) -> Row:
    """Money of the running day; expected: what is settled and what is planned, where both reach each other."""
    _, end = time_grid.day_bounds(so_far["day"], zone)
    left = [slot["cost"] for slot in slots if time_grid.floor_slot(at) <= slot["starts_at"] < end]
    is_whole = so_far["settled_slots"] >= so_far["past_slots"] - 1 and None not in left
    is_whole &= len(left) == time_grid.count_slots(time_grid.floor_slot(at), end)
    spent = float(so_far["cost"]) if so_far["cost"] is not None else 0.0 if so_far["past_slots"] == 0 else None
    expected = None if spent is None or not is_whole else spent + sum(map(float, left))
    return so_far | {"expected": expected}


def _reach(pack: Row, ahead: list[Row]) -> Row:
    """When a battery is planned to be full, and at its floor; None: not within the hours shown."""
    limits, states = (
        pack["limits"],
        [(slot["starts_at"] + time_grid.SLOT, _state(slot, pack["asset"])) for slot in ahead],
    )
    full = next((at for at, pct in states if pct is not None and pct >= limits["max_soc_pct"] - NEAR_PCT), None)
    empty = next((at for at, pct in states if pct is not None and pct <= limits["min_soc_pct"] + NEAR_PCT), None)
    return {"full_at": full, "empty_at": empty}


def _state(slot: Row, asset: str) -> float | None:
    return next((one["state"] for one in slot["assets"] if one["asset"] == asset), None)
