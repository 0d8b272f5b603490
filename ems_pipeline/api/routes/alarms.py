"""Alarms: what a person should know, and that somebody knows it. `events` tells the same with a history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.database import Connection
from ems_pipeline.api.fields import Items
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent, first, rows, site_of
from ems_pipeline.api.values import Answer, Number, SiteKey, instant, said
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.api.windows import End, Past, Start

router = APIRouter(tags=["alarms"])
READ, WRITE = Depends(needs("alarms:read")), Depends(needs("alarms:write"))
Severity = Literal["info", "warning", "critical"]
OfSeverity = Annotated[Severity | None, Query(description="Of one severity only.", examples=["critical"])]


class Alarm(Answer):
    """A trouble; the same again is counted on it."""

    alarm_id: int = said("Number.", 5, "number", 1)
    site: str | None = said("Site; null: the installation.", "home01")
    device: str | None = said("Device; null: the site itself.", "inverter")
    kind: str = said("Kind of trouble.", "release-failed")
    severity: Severity = said("How bad.", "warning")
    text: str = said("What happened, and the remedy.", "inverter does not answer; look at its gateway")
    raised_at: datetime = instant("First time.")
    last_at: datetime = instant("Last time.")
    times: int = said("How often.", 3, "times", 1)
    acknowledged_at: datetime | None = instant("When somebody said that he knows; null: nobody did.")
    acknowledged_by: str | None = said("Who did.", "web:anna")
    cleared_at: datetime | None = instant("When it was over; null: it is open.")


COLUMNS = """alarm_id, site_key AS site, device_key AS device, kind, severity, text, raised_at, last_at, times,
             acknowledged_at, acknowledged_by, cleared_at"""
VISIBLE = "(%(sites)s::text[] IS NULL OR site_key = ANY (%(sites)s))"
"""Alarms of the installation may name any site: they are for those who see all."""
LISTED = f"""
    SELECT {COLUMNS} FROM ems.alarm
    WHERE {VISIBLE} AND (%(site)s::text IS NULL OR site_key = %(site)s) AND (NOT %(open)s OR cleared_at IS NULL)
      AND (NOT %(own)s OR site_key IS NULL)
      AND (%(severity)s::text IS NULL OR severity = %(severity)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
      AND (%(known)s::boolean IS NULL OR (acknowledged_at IS NOT NULL) = %(known)s::boolean)
      AND (%(start)s::timestamptz IS NULL OR last_at >= %(start)s::timestamptz)
      AND (%(end)s::timestamptz IS NULL OR raised_at < %(end)s::timestamptz)
      AND (%(last)s::bigint IS NULL OR alarm_id < %(last)s::bigint)
    ORDER BY alarm_id DESC LIMIT %(limit)s + 1"""


async def listed(
    connection: Connection, caller: Caller, limit: int, cursor: str | None, **wanted: Any
) -> dict[str, Any]:
    """A page of alarms, the one raised last first."""
    asked: dict[str, Any] = dict.fromkeys(("site", "severity", "kind", "known", "start", "end"))
    asked |= {"own": False} | wanted
    last = after(cursor, int) or [None]
    sites = caller.listed_sites
    return page(await rows(connection, LISTED, sites=sites, last=last[0], limit=limit, **asked), limit, "alarm_id")


@router.get("/sites/{site}/alarms", response_model=Items[Alarm], summary="Alarms of a site")
async def of_site(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, past: Past = False, limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Open ones; with ``past`` those that are over, too."""
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        return await listed(connection, caller, limit, cursor, site=key, open=not past)


@router.get("/alarms", response_model=Items[Alarm], summary="Alarms of all sites")
async def alarms(
    caller: Annotated[Caller, READ], web: ThisWeb, past: Past = False, severity: OfSeverity = None,
    start: Start = None, end: End = None, limit: Limit = 100, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Open ones; with ``past`` those that are over, too. Those of the installation only for who sees all sites."""
    async with web.database.reading(caller) as connection:
        asked = {"severity": severity, "start": start, "end": end, "open": not past}
        return await listed(connection, caller, limit, cursor, **asked)


async def of_installation(caller: Caller, web: Web, *, past: bool = False, limit: int = 100) -> list[dict[str, Any]]:
    """Alarms that are no site's; none for who does not see all sites."""
    if caller.sites is not None:
        return []
    async with web.database.reading(caller) as connection:
        items: list[dict[str, Any]] = (await listed(connection, caller, limit, None, own=True, open=not past))["items"]
        return items


@router.post("/alarms/{alarm_id}/acknowledge", response_model=Alarm, summary="Say that somebody knows")
async def acknowledge(alarm_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """It stays open until the trouble is over. Whoever was first stays noted."""
    if (await one(web, caller, alarm_id))["cleared_at"] is not None:
        raise Problem(
            409,
            "is_over",
            "It is over",
            f"alarm {alarm_id} is over",
            "what is over needs no acknowledgement",
            "alarm_id",
        )
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_alarm_acknowledge(%s)", [alarm_id])
    return await one(web, caller, alarm_id)


async def one(web: ThisWeb, caller: Caller, alarm_id: int) -> dict[str, Any]:
    """An alarm that exists for whoever asks; Problem 404 for others."""
    async with web.database.reading(caller) as connection:
        sites = caller.listed_sites
        query = f"SELECT {COLUMNS} FROM ems.alarm WHERE alarm_id = %(alarm)s AND {VISIBLE}"
        found = await first(connection, query, alarm=alarm_id, sites=sites)
    if found is None:
        raise absent(f"there is no alarm {alarm_id}", "GET /api/v1/alarms lists the open ones")
    return found
