"""Plan: two days as a picture and a table, what changed since the plan before, and older plans."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from ems_pipeline import time_grid
from ems_pipeline.api.fields import Instant
from ems_pipeline.api.reading import Row, first, rows
from ems_pipeline.api.routes import forecasts, planners, plans
from ems_pipeline.api.values import SiteKey
from ems_pipeline.pictures.panel import Band
from ems_pipeline.web import site as sites
from ems_pipeline.web.pen import Pen, band
from ems_pipeline.web.reader import Page, Reader, away, reads

router = APIRouter(route_class=Page)
SHOWN_SLOTS = 200
"""Two days, on one of them the clock put back."""
OLDER = """
    SELECT planning_run_id AS plan_id, kind, decided_at, recorded_at, status, is_verified, is_hindsight
    FROM ems.planning_run WHERE site_key = %(site)s AND decided_at <= %(until)s AND NOT is_shadow
    ORDER BY decided_at DESC, recorded_at DESC LIMIT 30"""
CHANGED = """
    SELECT count(*) AS shared, sum(n.pv_available_w - o.pv_available_w) / 4000 AS pv_kwh,
           sum(n.load_w - o.load_w) / 4000 AS load_kwh, sum(n.cost - o.cost) AS cost,
           count(*) FILTER (WHERE n.mode <> o.mode) AS modes,
           min(starts_at) FILTER (WHERE n.mode <> o.mode) AS first_at,
           (array_agg(ARRAY[n.mode, o.mode] ORDER BY starts_at) FILTER (WHERE n.mode <> o.mode))[1:1] AS first
    FROM ems.planning_interval n JOIN ems.planning_interval o USING (starts_at)
    WHERE n.planning_run_id = %(plan)s AND o.planning_run_id = %(before)s AND starts_at >= %(now)s"""
"""What a plan has that the one before it had not, over the quarter-hours of both, from now on.

Energies in kWh, more of it > 0; ``cost`` in money; ``modes``: quarter-hours in which batteries do something else.
"""
At = Annotated[Instant | None, Query()]
PlanId = Annotated[UUID | None, Query()]


@router.get("/ui/{site}/plan")
async def page(
    site: SiteKey, reader: Annotated[Reader, reads("plans:read")], at: At = None, plan_id: PlanId = None
) -> Response:
    """The plan in force, or an older one."""
    head = await sites.head(reader, site)
    caller, web, now = reader.known, reader.web, head.said.now
    plan = await sites.perhaps(plans.outline(head.key, caller, web, at=at, plan_id=plan_id))
    async with web.database.reading(caller) as connection:
        older = await rows(connection, OLDER, site=head.key, until=now if plan is None else plan["decided_at"])
        beside = await planners.verdict(connection, head.key)
    slots: list[Row] = [] if plan is None else plan["slots"][:SHOWN_SLOTS]
    if plan_id is None and at is None:
        slots = [slot for slot in slots if slot["starts_at"] > now - time_grid.SLOT]
    return reader.show(
        "plan",
        head=head,
        plan=plan,
        older=older,
        beside=beside,
        slots=slots,
        bands=await _bands(reader, head.key, plan, slots),
        change=await _change(reader, plan, older, now),
        pen=Pen(head.said, reader.gettext, web.drawn, None if plan is None else plan["plan_id"]),
    )


@router.get("/ui/{site}/plan/table")
async def table(
    site: SiteKey,
    reader: Annotated[Reader, reads("plans:read")],
    plan_id: PlanId = None,
    begin: Annotated[Instant | None, Query(alias="from")] = None,
    last: Annotated[Instant | None, Query(alias="until")] = None,
) -> Response:
    """The quarter-hours of a plan's chart, from one to another: a page of its own, as few look at all of them."""
    head = await sites.head(reader, site)
    plan = await plans.outline(head.key, reader.known, reader.web, plan_id=plan_id)
    first_at, last_at = begin or plan["starts_at"], last or plan["ends_at"]
    shown = [slot for slot in plan["slots"] if first_at <= slot["starts_at"] <= last_at]
    pen = Pen(head.said, reader.gettext, reader.web.drawn, plan["plan_id"])
    return reader.show("plan_table", head=head, plan=plan, rows=pen.rows(shown[:SHOWN_SLOTS]))


async def _bands(reader: Reader, site: str, plan: Row | None, slots: list[Row]) -> list[Band]:
    """p10 to p90 of load and PV as they were known when it was decided."""
    found = []
    for name, ask in (("load", forecasts.consumption), ("pv", forecasts.generation)):
        if plan is None or not slots or not reader.may("forecasts:read"):
            continue
        begin = slots[0]["starts_at"]
        end = min(slots[-1]["starts_at"] + time_grid.SLOT, begin + forecasts.LONGEST)
        told = await sites.perhaps(
            ask(site, reader.known, reader.web, start=begin, end=end, issued_at=plan["decided_at"])
        )
        if told is not None:
            found.append(band(name, told["quarters"], slots))
    return found


async def _change(reader: Reader, plan: Row | None, older: list[Row], now: datetime) -> Row | None:
    """`CHANGED` against the plan before; None: there is none, or they share no quarter-hour that is still to come."""
    before = next((one for one in older if plan is not None and one["plan_id"] != plan["plan_id"]), None)
    if plan is None or before is None:
        return None
    async with reader.web.database.reading(reader.known) as connection:
        found = await first(connection, CHANGED, plan=plan["plan_id"], before=before["plan_id"], now=now)
    return None if found is None or not found["shared"] else found | {"since": before["decided_at"]}


@router.post("/ui/{site}/plan/promote")
async def promote(site: SiteKey, reader: Annotated[Reader, reads("sites:write")]) -> Response:
    """The planner beside takes over, please."""
    wish = planners.Promotion()
    await planners.promote(reader.known.site(site), wish, reader.known, reader.web)
    return away(f"/ui/{reader.known.site(site)}/plan")


@router.post("/ui/{site}/plan/run")
async def run(site: SiteKey, reader: Annotated[Reader, reads("requests:write")]) -> Response:
    """A new plan, please."""
    filed: Any = await plans.run_plan(reader.known.site(site), reader.known, reader.web, "rolling")
    return away(f"/ui/requests/{filed.request_id}")
