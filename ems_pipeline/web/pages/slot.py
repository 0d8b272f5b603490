"""Why: of one quarter-hour what was known, decided, told, obeyed, and what it was worth."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from ems_pipeline import time_grid
from ems_pipeline.api.fields import Instant
from ems_pipeline.api.reading import Row, first, rows
from ems_pipeline.api.routes import forecasts, plans
from ems_pipeline.api.values import SiteKey, decimal, kilo
from ems_pipeline.api.windows import within
from ems_pipeline.web import site as sites
from ems_pipeline.web.reader import Page, Reader, reads

router = APIRouter(route_class=Page)
TOLD = """
    SELECT DISTINCT ON (device_key) setpoint_id, device_key, source, is_shadow, state, state_reason, command, reason,
           intended_at, sent_at, echoed_at, effective_at, ended_at, valid_until, wire
    FROM ems.setpoint
    WHERE site_key = %(site)s AND intended_at < %(end)s AND intended_at > %(start)s::timestamptz - interval '1 day'
      AND coalesce(ended_at, 'infinity') > %(start)s
    ORDER BY device_key, setpoint_id DESC"""
POWERS = ("grid", "pv", "battery", "genset", "load", "ev", "heat_pump")
MONEY = ("cost", "planned_cost", "no_battery_cost", "self_use_cost")
WORTH = f"""
    SELECT planning_run_id AS plan_id, {", ".join(f"{kilo(f'{name}_w')} AS {name}_kw" for name in POWERS)}, soc_pct,
           {", ".join(f"{kilo(f'planned_{name}_w')} AS planned_{name}_kw" for name in POWERS)}, planned_soc_pct,
           {", ".join(f"{decimal(name)} AS {name}" for name in MONEY)}, {decimal("buy_per_kwh")} AS buy_per_kwh,
           {decimal("sell_per_kwh")} AS sell_per_kwh, {kilo("deviation_w")} AS deviation_kw, coverage_pct,
           is_price_provisional, revision, known_at
    FROM ems.audit_interval WHERE site_key = %(site)s AND starts_at = %(start)s"""
INPUTS = "SELECT inputs FROM ems.planning_run WHERE planning_run_id = %(plan)s"
At = Annotated[Instant | None, Query(description="An instant of the quarter-hour; this one.")]


@router.get("/ui/{site}/slot")
async def page(site: SiteKey, reader: Annotated[Reader, reads("plans:read")], at: At = None) -> Response:
    """The card of a quarter-hour."""
    head = await sites.head(reader, site)
    now = reader.web.clock.now()
    start = time_grid.floor_slot(now if at is None else within(at, "at"))
    end = start + time_grid.SLOT
    worth, told = await _lived(reader, head.key, start)
    plan_id = None if worth is None else worth["plan_id"]
    plan = await sites.perhaps(
        plans.plan(head.key, reader.known, reader.web, at=None if start > now else start, plan_id=plan_id)
    )
    slot = None if plan is None else next((one for one in plan["slots"] if one["starts_at"] == start), None)
    shown: dict[str, Any] = {"plan": plan, "slot": slot, "worth": worth, "told": told, "known": {}, "expected": {}}
    if plan is not None:
        shown["known"] = await _known(reader, plan)
        shown["expected"] = await _expected(reader, head.key, start, plan["decided_at"])
    return reader.show("slot", head=head, start=start, end=end, before=start - time_grid.SLOT, **shown)


async def _lived(reader: Reader, site: str, start: datetime) -> tuple[Row | None, list[Row]]:
    """What was measured and settled, and what the devices were told."""
    end = start + time_grid.SLOT
    async with reader.web.database.reading(reader.known) as connection:
        worth = await first(connection, WORTH, site=site, start=start)
        told = await rows(connection, TOLD, site=site, start=start, end=end) if reader.may("control:read") else []
    return worth, told


async def _known(reader: Reader, plan: Row) -> dict[str, Any]:
    """Since when each input of the plan was known."""
    async with reader.web.database.reading(reader.known) as connection:
        found = await first(connection, INPUTS, plan=plan["plan_id"])
    inputs = (found or {}).get("inputs") or {}
    since = {name: datetime.fromisoformat(at) if at else None for name, at in (inputs.get("known_at") or {}).items()}
    measured = inputs.get("state_reported_at")
    return since | {"measured": datetime.fromisoformat(measured) if measured else None}


async def _expected(reader: Reader, site: str, start: datetime, decided_at: datetime) -> dict[str, Row]:
    """What was forecast for the quarter-hour, as known at the decision."""
    found: dict[str, Row] = {}
    for name, ask in (("load", forecasts.consumption), ("pv", forecasts.generation)):
        if not reader.may("forecasts:read"):
            continue
        told = await sites.perhaps(
            ask(site, reader.known, reader.web, start=start, end=start + time_grid.SLOT, issued_at=decided_at)
        )
        if told is not None:
            found[name] = told["quarters"][0]
    return found
