"""Maintenance: which sets have a plan, what is due, and who was told."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Instant, Items
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent, first, rows
from ems_pipeline.api.service_rows import VISIBLE, Interval, Intervals, SetId, intervals, set_of
from ems_pipeline.api.values import KEY, Answer, Number, OneSite, instant, said
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.api.windows import Past

router = APIRouter(prefix="/maintenance", tags=["maintenance"])
READ, WRITE = Depends(needs("maintenance:read")), Depends(needs("maintenance:write"))
OneSet = Annotated[str | None, Query(pattern=KEY, max_length=64, description="Of one genset only.", examples=["gen-1"])]


class LastDone(Body):
    """When a level was done last, as somebody knows who has the papers."""

    level: str = Field(min_length=1, max_length=20, description="Level.", examples=["TO-1"])
    done_h: float | None = Field(
        None, ge=0, lt=1e6, description="Hours of running then; needed where hours count.", examples=[16700],
        json_schema_extra={"unit": "h"},
    )  # fmt: skip
    done_at: Instant = Field(description="When.", examples=["2026-01-10T12:00:00Z"])


Last = Annotated[
    list[LastDone],
    Field(max_length=12, description="Levels of which somebody knows; others are due now.", examples=[[]]),
]


class PlanWish(Body):
    """A set is to be serviced by a template."""

    site: str = Field(pattern=KEY, max_length=64, description="Site.", examples=["yard"])
    asset: str = Field(pattern=KEY, max_length=64, description="Genset.", examples=["gen-1"])
    template_id: int = Field(ge=1, le=2**63 - 1, description="Version of a template.", examples=[1])
    last: Last = Field([])


class PlanChange(Body):
    """Another template for a set, or what is known of its last services (an overhaul begins anew at its hours)."""

    template_id: int | None = Field(
        None, ge=1, le=2**63 - 1, description="Version of a template; null: that of now.", examples=[2]
    )
    last: Last = Field([])


class Alert(Answer):
    """A service that is due or soon will be; one for each set and level."""

    alert_id: int = said("Number.", 5, "number", 1)
    site: str = said("Site.", "yard")
    asset: str = said("Genset.", "gen-1")
    level: str = said("Level.", "TO-1")
    severity: Literal["warning", "critical", "overdue"] = said("The worst it has been.", "critical")
    due_h: float | None = said("Due at so many hours of running.", 16950.0, "h", 0)
    due_at: datetime | None = instant("Due by the calendar.")
    raised_at: datetime = instant("Raised.")
    risen_at: datetime = instant("Grew to this severity; an acknowledgement of before has lapsed.")
    alarm_id: int | None = said("Alarm by which people are told; null: not yet.", 7, "number", 1)
    acknowledged_at: datetime | None = instant("When somebody said that he knows; null: nobody did.")
    acknowledged_by: str | None = said("Who did.", "web:anna")
    resolved_at: datetime | None = instant("Over; null: it stands.")
    resolved_by: Literal["log", "template", "meter"] | None = said("What ended it.", "log")


COLUMNS = """a.alert_id, a.site_key AS site, a.asset_key AS asset, a.level, a.severity, a.due_h, a.due_on AS due_at,
    a.raised_at, a.risen_at, a.alarm_id, l.acknowledged_at, l.acknowledged_by, a.resolved_at, a.resolved_by"""
ALERTS = f"""
    SELECT {COLUMNS} FROM ems.maintenance_alert a LEFT JOIN ems.alarm l USING (alarm_id)
    WHERE {VISIBLE.format("a", "a")} AND (%(past)s OR a.resolved_at IS NULL)
      AND (%(alert)s::bigint IS NULL OR a.alert_id = %(alert)s)
      AND (%(last)s::bigint IS NULL OR a.alert_id < %(last)s::bigint)
    ORDER BY a.alert_id DESC LIMIT %(limit)s + 1"""


@router.get("/intervals", response_model=Intervals, summary="What is due at every set, level by level")
async def due(
    caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None, asset: OneSet = None
) -> dict[str, Any]:
    """Hours or calendar, whichever comes first. All of them: a set has a few levels."""
    async with web.database.reading(caller) as connection:
        wanted = None if site is None else caller.site(site)
        return {"items": await intervals(connection, caller, web.clock.now(), wanted, asset), "next_cursor": None}


@router.post("/intervals", status_code=201, response_model=Intervals, summary="Give a set a maintenance plan")
async def give(wish: PlanWish, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """With what is known of its last services. The same again changes nothing."""
    return await _put(web, caller, caller.site(wish.site), wish.asset, wish.template_id, wish.last)


@router.put(
    "/intervals/{set_id}", response_model=Intervals, summary="Change a set's plan, or what is known of its past"
)
async def change(set_id: SetId, wish: PlanChange, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """Open orders stay as they were made."""
    site, asset = set_of(caller, set_id)
    template = wish.template_id
    if template is None:
        async with web.database.reading(caller) as connection:
            found = await first(
                connection,
                """SELECT template_id FROM ems.maintenance_plan
                   WHERE site_key = %(site)s AND asset_key = %(asset)s AND until_at IS NULL""",
                site=site, asset=asset,
            )  # fmt: skip
        if found is None:
            raise absent(f"{set_id} has no maintenance plan", "POST /api/v1/maintenance/intervals gives it one")
        template = found["template_id"]
    return await _put(web, caller, site, asset, template, wish.last)


async def _put(web: Web, caller: Caller, site: str, asset: str, template: int, last: list[LastDone]) -> dict[str, Any]:
    told = json.dumps([one.model_dump(mode="json") for one in last])
    async with web.database.writing(caller) as connection:
        await connection.execute(
            "SELECT ems.fn_maintenance_plan_put(%s, %s, %s, %s::jsonb)", [site, asset, template, told]
        )
    async with web.database.reading(caller) as connection:
        return {"items": await intervals(connection, caller, web.clock.now(), site, asset), "next_cursor": None}


@router.delete("/intervals/{set_id}", response_model=Items[Interval], summary="End a set's maintenance plan")
async def end(set_id: SetId, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """Nothing is due for it any more; what was done stays."""
    site, asset = set_of(caller, set_id)
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_maintenance_plan_end(%s, %s)", [site, asset])
    return {"items": [], "next_cursor": None}


@router.get("/alerts", response_model=Items[Alert], summary="Services that are due or soon will be")
async def alerts(
    caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None, past: Past = False, limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Newest first; with ``past`` those that are over, too."""
    last = after(cursor, int) or [None]
    wanted = None if site is None else caller.site(site)
    async with web.database.reading(caller) as connection:
        found = await rows(
            connection, ALERTS, sites=caller.listed_sites, site=wanted, past=past, alert=None, last=last[0], limit=limit
        )
    return page(found, limit, "alert_id")


@router.post("/alerts/{alert_id}/acknowledge", response_model=Alert, summary="Say that somebody knows of a due service")
async def acknowledge(alert_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """The alarm by which people are told is acknowledged. It lapses when the alert rises."""
    standing = await _alert(web, caller, alert_id)
    if standing["resolved_at"] is not None:
        raise Problem(
            409,
            "is_over",
            "It is over",
            f"alert {alert_id} is over",
            "what is over needs no acknowledgement",
            "alert_id",
        )
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_maintenance_alert_acknowledge(%s)", [alert_id])
    return await _alert(web, caller, alert_id)


async def _alert(web: Web, caller: Caller, alert_id: int) -> dict[str, Any]:
    async with web.database.reading(caller) as connection:
        found = await first(
            connection, ALERTS, sites=caller.listed_sites, site=None, past=True, alert=alert_id, last=None, limit=1
        )
    if found is None:
        raise absent(f"there is no maintenance alert {alert_id}", "GET /api/v1/maintenance/alerts lists them")
    return found
