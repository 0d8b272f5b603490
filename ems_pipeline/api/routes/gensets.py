"""Controllers of generating sets and switchboards, as they were polled last; and any of their values as a metric."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.database import Connection
from ems_pipeline.api.fields import Items
from ems_pipeline.api.live.gensets import alarms_of
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.reading import absent, first, rows, site_of
from ems_pipeline.api.routes.stats import Stats, of_process
from ems_pipeline.api.values import Answer, OneSite, SiteKey, instant, said
from ems_pipeline.api.web import ThisWeb

router = APIRouter(tags=["gensets"])
READ = Depends(needs("telemetry:read"))
Names = Sequence[Annotated[str, Field(max_length=64)]]
Devices = Annotated[Names, Query(max_length=50, description="Of these devices only.")]
Named = Annotated[Names, Query(max_length=50, description="Of these names only.")]
MOST = 5000
"""Metrics of one answer."""


class SetAlarm(Answer):
    """An alarm that a controller shows."""

    group: str = said("What the controller does about it.", "shutdown")
    name: str = said("Which.", "low_oil_pressure")


class Controller(Answer):
    """A controller at its last poll; two seconds are usual."""

    id: str = said("`site.device`.", "hall.set-1")
    site: str = said("Site.", "hall")
    device: str = said("Key.", "set-1")
    model: str = said("Of its controller map.", "HGM9520N")
    quality: Literal["good", "stale", "down"] = said(
        "`stale`: the last poll, or a part of it, was not answered; `down`: three polls were not, nothing is known.",
        "good",
    )
    taken_at: datetime | None = instant("When its last answer came; null: there was none.")
    values: dict[str, float | str | None] = said(
        "By the names of the controller map; units are in the names, states are words. Null: no sensor, not believed.",
        {"power_w": 123200.0, "engine_state": "running", "fuel_pct": None},
    )
    bits: dict[str, bool] = said("Status bits.", {"mode_auto": True, "common_alarm": False})
    alarms: list[SetAlarm] | None = said("Alarms as they were read last; null: never read.", None)


class Metric(Answer):
    """One value of one controller."""

    site: str = said("Site.", "hall")
    device: str = said("Device.", "set-1")
    name: str = said("Name; the unit is its end.", "power_w")
    value: float | str | bool | None = said("Number, state or bit; null: not known.", 123200.0, "by name")
    quality: str = said("Of the controller it is of.", "good")
    taken_at: datetime | None = instant("When it was read.")


class Metrics(Answer):
    """Live values, and the figures of the web process for those who may see them."""

    at: datetime = instant("This moment.")
    values: list[Metric] = said("In the order of site, device and name.", [])
    process: Stats | None = said("Of this web process; null: not yours to see.", None)


SEEN = "(%(sites)s::text[] IS NULL OR l.site_key = ANY (%(sites)s::text[]))"
COLUMNS = """
    l.site_key || '.' || l.device_key AS id, l.site_key AS site, l.device_key AS device, l.model, l.link AS quality,
    l.taken_at, l.readings AS values, l.bits, l.alarms"""
LIST = f"""
    SELECT {COLUMNS} FROM ems.genset_live l
    WHERE {SEEN} AND l.site_key || '.' || l.device_key > %(last)s ORDER BY 1 LIMIT %(limit)s"""
ONE = f"SELECT {COLUMNS} FROM ems.genset_live l WHERE l.site_key = %(site)s AND l.device_key = %(device)s"
METRICS = f"""
    SELECT l.site_key AS site, l.device_key AS device, v.key AS name, v.value, l.link AS quality, l.taken_at
    FROM ems.genset_live l CROSS JOIN LATERAL jsonb_each(l.readings || l.bits) v
    WHERE {SEEN} AND (%(devices)s::text[] = '{{}}' OR l.device_key = ANY (%(devices)s::text[]))
      AND (%(names)s::text[] = '{{}}' OR v.key = ANY (%(names)s::text[]))
    ORDER BY 1, 2, 3 LIMIT {MOST}"""


@router.get("/gensets", response_model=Items[Controller], summary="Controllers of generating sets as they stand")
async def gensets(
    caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Of one site, or of all of whoever asks. As they change: topic `gensets` of `/ws`."""
    last = after(cursor, str) or [""]
    async with web.database.reading(caller) as connection:
        sites = await _asked(connection, caller, site)
        found = await rows(connection, LIST, sites=sites, last=last[0], limit=limit + 1)
    return page([row | {"alarms": alarms_of(row["alarms"])} for row in found], limit, "id")


@router.get("/gensets/{site}/{device}", response_model=Controller, summary="One controller as it stands")
async def genset(site: SiteKey, device: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """Its last poll."""
    async with web.database.reading(caller) as connection:
        found = await first(connection, ONE, site=caller.site(site), device=device)
    if found is None:
        raise absent(f"site {site} has no controller {device}", "GET /gensets lists them")
    return found | {"alarms": alarms_of(found["alarms"])}


@router.get("/metrics", response_model=Metrics, summary="Live values of controllers, one by one")
async def metrics(
    caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None, device: Devices = (), name: Named = ()
) -> dict[str, Any]:
    """Of some sites, devices and names, all that are not given: `?name=power_w&name=engine_state`."""
    async with web.database.reading(caller) as connection:
        sites = await _asked(connection, caller, site)
        found = await rows(connection, METRICS, sites=sites, devices=list(device), names=list(name))
    process = of_process(web) if caller.may("stats:read") else None
    return {"at": web.clock.now(), "values": found, "process": process}


async def _asked(connection: Connection, caller: Caller, site: str | None) -> list[str] | None:
    """The one site that is asked for, or all of whoever asks (None: every site); Problem 404: it is not there."""
    if site is None:
        return caller.listed_sites
    await site_of(connection, key := caller.site(site))
    return [key]
