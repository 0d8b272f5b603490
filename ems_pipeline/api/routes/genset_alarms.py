"""Alarms of generating sets by ISA-18.2: what stands, and every step of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Items
from ems_pipeline.api.genset_alarm_rows import COLUMNS, VISIBLE, GensetAlarm, Group, State, one, worded
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.reading import Row, first, rows, site_of
from ems_pipeline.api.values import Answer, Number, OneSite, instant, said
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import End, Past, Start

router = APIRouter(tags=["genset alarms"])
READ = Depends(needs("alarms:read"))


class GensetAlarmStep(Answer):
    """A row of the journal."""

    step_id: int = said("Number.", 9, "number", 1)
    genset_alarm_id: int = said("The alarm.", 5, "number", 1)
    site: str = said("Site.", "hall")
    device: str | None = said("Controller.", "set-1")
    group: Group = said("What the controller does about it.", "shutdown")
    name: str = said("Which alarm.", "low_oil_pressure")
    at: datetime = instant("When.")
    what: Literal[
        "raised", "returned", "acknowledged", "shelved", "unshelved", "suppressed", "unsuppressed", "removed",
        "restored",
    ] = said("What happened.", "raised")  # fmt: skip
    state: State = said("The state after it.", "unacknowledged")
    by_whom: str | None = said("Who did it; null: it happened.", "web:anna")
    reason: str = said("Why; empty: it was not said.", "")


class Around(Answer):
    """Values around a shutdown."""

    at: list[datetime] = said("Instants.", ["2026-03-01T12:15:00Z"])
    values: dict[str, list[float | str | None]] = said(
        "Of each name its values at them; null: no sensor, or not believed.", {"rpm": [1500.0]}
    )


class GensetAlarmWhole(GensetAlarm):
    """An alarm with its steps, and of a shutdown the minute before and after it."""

    steps: list[GensetAlarmStep] = said("Its steps, the first one first.", [])
    around: Around | None = said("Of a shutdown; null: it is none.", None)


class GensetRemoval(Answer):
    """A controller that is out of service: its alarms live on, and nobody is told of them."""

    site: str = said("Site.", "hall")
    device: str = said("Controller.", "set-1")
    reason: str = said("Why.", "TO-2, order 7")
    removed_at: datetime = instant("Since when.")
    removed_by: str = said("By whom.", "web:anna")


LISTED = f"""
    SELECT {COLUMNS} FROM ems.vw_genset_alarm
    WHERE {VISIBLE} AND (%(site)s::text IS NULL OR site_key = %(site)s) AND (%(past)s OR ended_at IS NULL)
      AND (%(last)s::bigint IS NULL OR genset_alarm_id < %(last)s::bigint)
    ORDER BY genset_alarm_id DESC LIMIT %(limit)s + 1"""
STEPS = """
    SELECT e.genset_alarm_event_id AS step_id, e.genset_alarm_id, e.site_key AS site, a.device_key AS device,
           a.group_name AS "group", a.name, e.at, e.what, e.state, e.by_whom, e.reason
    FROM ems.genset_alarm_event e JOIN ems.genset_alarm a USING (genset_alarm_id)"""
JOURNAL = f"""
    {STEPS}
    WHERE (%(sites)s::text[] IS NULL OR e.site_key = ANY (%(sites)s))
      AND (%(site)s::text IS NULL OR e.site_key = %(site)s)
      AND (%(start)s::timestamptz IS NULL OR e.at >= %(start)s::timestamptz)
      AND (%(end)s::timestamptz IS NULL OR e.at < %(end)s::timestamptz)
      AND (%(last)s::bigint IS NULL OR e.genset_alarm_event_id < %(last)s::bigint)
    ORDER BY e.genset_alarm_event_id DESC LIMIT %(limit)s + 1"""


@router.get("/gensets/alarms", response_model=Items[GensetAlarm], summary="Alarms of generating sets")
async def alarms(
    caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None, past: Past = False, limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """What stands, the newest first; with ``past`` what is over, too."""
    last = after(cursor, int) or [None]
    async with web.database.reading(caller) as connection:
        if site is not None:
            await site_of(connection, caller.site(site))
        asked = {"sites": caller.listed_sites, "site": site, "past": past, "last": last[0], "limit": limit}
        found = await rows(connection, LISTED, **asked)
    return page([worded(row) for row in found], limit, "genset_alarm_id")


@router.get("/gensets/alarms/journal", response_model=Items[GensetAlarmStep], summary="Steps of genset alarms")
async def journal(
    caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None, start: Start = None, end: End = None,
    limit: Limit = 100, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Who did what and why, and what happened by itself; the newest first."""
    last = after(cursor, int) or [None]
    async with web.database.reading(caller) as connection:
        if site is not None:
            await site_of(connection, caller.site(site))
        asked = {"sites": caller.listed_sites, "site": site, "start": start, "end": end}
        found = await rows(connection, JOURNAL, **asked, last=last[0], limit=limit)
    return page(found, limit, "step_id")


@router.get("/gensets/out-of-service", response_model=Items[GensetRemoval], summary="Controllers out of service")
async def out_of_service(caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None) -> dict[str, Any]:
    """Whose alarms nobody is told of, and why."""
    async with web.database.reading(caller) as connection:
        if site is not None:
            await site_of(connection, caller.site(site))
        found = await rows(
            connection,
            f"""SELECT site_key AS site, device_key AS device, reason, removed_at, removed_by FROM ems.genset_removal
                WHERE restored_at IS NULL AND {VISIBLE} AND (%(site)s::text IS NULL OR site_key = %(site)s)
                ORDER BY site_key, device_key LIMIT 1000""",
            sites=caller.listed_sites, site=site,
        )  # fmt: skip
    return {"items": found}


@router.get("/gensets/alarms/{genset_alarm_id}", response_model=GensetAlarmWhole, summary="A genset alarm")
async def whole(genset_alarm_id: Number, caller: Annotated[Caller, READ], web: ThisWeb) -> Row:
    """With its steps, and of a shutdown the values of its controller around it."""
    alarm = await one(web, caller, genset_alarm_id)
    async with web.database.reading(caller) as connection:
        order = "WHERE e.genset_alarm_id = %(number)s ORDER BY e.genset_alarm_event_id LIMIT 1000"
        steps = await rows(connection, f"{STEPS} {order}", number=genset_alarm_id)
        kept = await first(
            connection, "SELECT around FROM ems.genset_alarm WHERE genset_alarm_id = %(number)s", number=genset_alarm_id
        )
    return alarm | {"steps": steps, "around": kept and kept["around"]}
