"""Plan: two days as a picture and a table, what changed since the plan before, and older plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from ems_pipeline import time_grid, units
from ems_pipeline.api.fields import Instant
from ems_pipeline.api.reading import Row, rows
from ems_pipeline.api.routes import forecasts, plans
from ems_pipeline.api.values import SiteKey
from ems_pipeline.pictures.panel import Band
from ems_pipeline.web import site as sites
from ems_pipeline.web.pen import PHONE_HOURS, Pen, band
from ems_pipeline.web.reader import Page, Reader, away, reads

router = APIRouter(route_class=Page)
SHOWN_SLOTS = 200
"""Two days, on one of them the clock put back."""
OLDER = """
    SELECT planning_run_id AS plan_id, kind, decided_at, recorded_at, status, is_verified, is_hindsight
    FROM ems.planning_run WHERE site_key = %(site)s AND decided_at <= %(until)s
    ORDER BY decided_at DESC, recorded_at DESC LIMIT 30"""
At = Annotated[Instant | None, Query()]
PlanId = Annotated[UUID | None, Query()]


@dataclass(frozen=True)
class Change:
    """What a plan has that the one before it had not, over the quarter-hours of both, from now on.

    Energies in kWh, more of it > 0; ``cost`` in money; ``modes``: quarter-hours in which batteries do something else.
    """

    since: datetime
    pv_kwh: float
    load_kwh: float
    cost: float
    modes: int
    first: Row | None
    first_was: str


@router.get("/ui/{site}/plan")
async def page(
    site: SiteKey, reader: Annotated[Reader, reads("plans:read")], at: At = None, plan_id: PlanId = None
) -> Response:
    """The plan in force, or an older one."""
    head = await sites.head(reader, site)
    caller, web, now = reader.known, reader.web, head.said.now
    plan = await sites.perhaps(plans.plan(head.key, caller, web, at=at, plan_id=plan_id))
    async with web.database.reading(caller) as connection:
        older = await rows(connection, OLDER, site=head.key, until=now if plan is None else plan["decided_at"])
    slots: list[Row] = [] if plan is None else plan["slots"][:SHOWN_SLOTS]
    if plan_id is None and at is None:
        slots = [slot for slot in slots if slot["starts_at"] > now - time_grid.SLOT]
    return reader.show(
        "plan",
        head=head,
        plan=plan,
        older=older,
        slots=slots,
        day=[slot for slot in slots if slot["starts_at"] < slots[0]["starts_at"] + PHONE_HOURS],
        bands=await _bands(reader, head.key, plan, slots),
        change=await _change(reader, head.key, plan, older, now),
        pen=Pen(head.said, reader.gettext, web.drawn, None if plan is None else plan["plan_id"]),
    )


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


async def _change(reader: Reader, site: str, plan: Row | None, older: list[Row], now: datetime) -> Change | None:
    before = next((one for one in older if plan is not None and one["plan_id"] != plan["plan_id"]), None)
    if plan is None or before is None:
        return None
    former = await sites.perhaps(plans.plan(site, reader.known, reader.web, plan_id=before["plan_id"]))
    return None if former is None else changed(former, plan, now)


def changed(former: Row, plan: Row, now: datetime) -> Change | None:
    """What is new in a plan; None: the two have no quarter-hour in common that is still to come."""
    was = {slot["starts_at"]: slot for slot in former["slots"]}
    pairs = [(was[s["starts_at"]], s) for s in plan["slots"] if s["starts_at"] in was and s["starts_at"] >= now]
    if not pairs:
        return None

    def grown(name: str) -> float:
        known = [(old[name], new[name]) for old, new in pairs if old[name] is not None and new[name] is not None]
        return sum(float(new) - float(old) for old, new in known)

    other = [(old, new) for old, new in pairs if old["mode"] != new["mode"]]
    first_was, first = (other[0][0]["mode"], other[0][1]) if other else ("", None)
    return Change(
        since=former["decided_at"],
        pv_kwh=units.slot_energy_wh(grown("pv_available_kw")),
        load_kwh=units.slot_energy_wh(grown("load_kw")),
        cost=grown("cost"),
        modes=len(other),
        first=first,
        first_was=first_was,
    )


@router.post("/ui/{site}/plan/run")
async def run(site: SiteKey, reader: Annotated[Reader, reads("requests:write")]) -> Response:
    """A new plan, please."""
    filed: Any = await plans.run_plan(reader.known.site(site), reader.known, reader.web, "rolling")
    return away(f"/ui/requests/{filed.request_id}")
