"""Devices: what a site file names, how each behaves, and having one read. Addresses are told to nobody."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Items
from ems_pipeline.api.filing import Filed, file
from ems_pipeline.api.holding import DOCUMENT
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.parts_of_sites import PartId, split, unknown
from ems_pipeline.api.reading import rows
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import KEY, Answer, OneSite, instant, said
from ems_pipeline.api.web import ThisWeb, Web

router = APIRouter(tags=["devices"])
READ, LOOK = Depends(needs("devices:read")), Depends(needs("requests:write"))
FIND = Depends(needs("devices:write"))


class Device(Answer):
    """A device of a site file, and how it behaves."""

    id: str = said("`site.device`.", "home01.inverter")
    site: str = said("Site.", "home01")
    device: str = said("Key.", "inverter")
    map: str = said("Point map that describes it.", "deye-sun-20k-hp3")
    gateway: str = said("Gateway it answers behind.", "rs485")
    unit_id: int = said("Its unit id there.", 1, "id", 1, 247)
    state: str = said("`ok`, `degraded`, `open` (left alone for a while), `half-open` (tried once), `unknown`.", "ok")
    last_attempt_at: datetime | None = instant("When it was asked last; null: never.")
    last_seen_at: datetime | None = instant("Last good answer; null: never.")
    error_streak: int = said("Errors since then.", 0, "errors", 0)
    last_error: str | None = said("Text of the last error.", "no usable answer in 2 s")
    open_alarms: int = said("Open alarms of the device.", 0, "alarms", 0)


DEVICES = f"""
    SELECT s.site_key || '.' || (d.part ->> 'key') AS id, s.site_key AS site, d.part ->> 'key' AS device,
           d.part ->> 'map' AS map, d.part ->> 'gateway' AS gateway, (d.part ->> 'unit_id')::integer AS unit_id,
           coalesce(h.state, 'unknown') AS state, h.last_attempt_at, h.last_seen_at,
           coalesce(h.error_streak, 0) AS error_streak, h.last_error,
           (SELECT count(*) FROM ems.alarm a WHERE a.site_key = s.site_key AND a.device_key = d.part ->> 'key'
               AND a.cleared_at IS NULL) AS open_alarms
    FROM ems.site s
    JOIN {DOCUMENT}
    CROSS JOIN LATERAL jsonb_array_elements(c.config -> 'devices') AS d (part)
    LEFT JOIN ems.device_health h ON h.site_key = s.site_key AND h.device_key = d.part ->> 'key'
    WHERE (%(sites)s::text[] IS NULL OR s.site_key = ANY (%(sites)s))
      AND (%(device)s::text IS NULL OR d.part ->> 'key' = %(device)s)
      AND s.site_key || '.' || (d.part ->> 'key') > %(last)s
    ORDER BY 1 LIMIT %(limit)s"""


@router.get("/devices", response_model=Items[Device], summary="Devices and how they behave")
async def devices(
    caller: Annotated[Caller, READ],
    web: ThisWeb,
    site: OneSite = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Devices of one site, or of all of whoever asks."""
    last = after(cursor, str) or [""]
    sites = [caller.site(site)] if site is not None else caller.listed_sites
    async with web.database.reading(caller) as connection:
        found = await rows(connection, DEVICES, sites=sites, device=None, last=last[0], limit=limit + 1)
    return page(found, limit, "id")


@router.get("/devices/{device}", response_model=Device, summary="One device and how it behaves")
async def device(device: PartId, caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """Its health. What it measured stands under `/measurements`."""
    return await _found(web, caller, device)


class ReadWish(Body):
    """How much is read."""

    everything: bool = Field(False, description="Counters and settings, too.", examples=[False])


@router.post("/devices/{device}/read", status_code=202, summary="Have a device read now", dependencies=REHEARSED)
async def read(device: PartId, caller: Annotated[Caller, LOOK], web: ThisWeb, wish: ReadWish | None = None) -> Filed:
    """In turn with everybody else who talks to its gateway. What it said stands in the request's result."""
    found = await _found(web, caller, device)
    wanted = {"device": found["device"], "all": wish is not None and wish.everything}
    return await file(web.database, caller, "telemetry-read", found["site"], wanted)


class ScanWish(Body):
    """Where to look."""

    site: str = Field(pattern=KEY, max_length=64, description="Site.", examples=["home01"])
    gateway: str = Field(pattern=KEY, max_length=64, description="Gateway of its file.", examples=["rs485"])
    first: int = Field(1, ge=1, le=247, description="First unit id.", examples=[1])
    last: int = Field(32, ge=1, le=247, description="Last unit id.", examples=[32])


@router.post("/devices/scan", status_code=202, summary="Look who answers behind a gateway", dependencies=REHEARSED)
async def scan(wish: ScanWish, caller: Annotated[Caller, FIND], web: ThisWeb) -> Filed:
    """Every unit id is asked, one after the other; nothing is written. Only gateways of the site's file are asked."""
    wanted = {"gateway": wish.gateway, "first": wish.first, "last": wish.last}
    return await file(web.database, caller, "device-scan", caller.site(wish.site), wanted)


async def _found(web: Web, caller: Caller, device: str) -> dict[str, Any]:
    site, key = split(device, caller)
    async with web.database.reading(caller) as connection:
        found = await rows(connection, DEVICES, sites=[site], device=key, last="", limit=1)
    if not found:
        raise unknown("device", device)
    return found[0]
