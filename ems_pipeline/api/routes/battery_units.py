"""Batteries as pieces of hardware: those that answered in this network, and what each has said of itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from ems_pipeline.api.battery_rows import batteries
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Items
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.parts_of_sites import PartId, split, unknown
from ems_pipeline.api.reading import rows
from ems_pipeline.api.values import Answer, energy_kwh, instant, kilo, power_kw, said, share_pct
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import End, Start, window

router = APIRouter(tags=["batteries"])
READ, FIND = Depends(needs("batteries:read")), Depends(needs("devices:write"))
USUAL, LONGEST = timedelta(hours=6), timedelta(days=7)


class FoundBattery(Answer):
    """A battery that answered a broadcast in the pipeline's network."""

    ble_mac: str = said("Bluetooth address; it keeps it wherever it answers.", "02ab4c5d6e71")
    name: str = said("Model and the last digits of that address.", "VenusE 3.0 6e71")
    model: str = said("What it says it is.", "VenusE 3.0")
    firmware: float | None = said("Its firmware.", 150, "number")
    address: str = said("Where it answered from.", "192.168.1.57")
    udp_port: int = said("And from which port.", 30000, "port", 1, 65535)
    wifi_mac: str | None = said("Address of its network card.", "04ab4c5d6e71")
    is_active: bool = said("It answered when it was looked for last.", True)
    first_seen_at: datetime = instant("It answered first.")
    last_seen_at: datetime = instant("It answered last.")
    site: str | None = said("The site whose file names it; null: none does.", "maison")
    gateway: str | None = said("As which gateway.", "venus-1")


FOUND = """
    SELECT ble_mac, name, model, firmware, address, udp_port, wifi_mac, is_active, first_seen_at, last_seen_at,
           site_key AS site, gateway
    FROM ems.vw_found_battery
    WHERE (%(sites)s::text[] IS NULL OR site_key = ANY (%(sites)s)) AND ble_mac > %(last)s
    ORDER BY ble_mac LIMIT %(limit)s + 1"""


@router.get("/batteries/found", response_model=Items[FoundBattery], summary="Batteries that answered a broadcast")
async def found_batteries(
    caller: Annotated[Caller, FIND], web: ThisWeb, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """All that have ever answered; of whoever has some sites only, those that their files name."""
    last = after(cursor, str) or [""]
    async with web.database.reading(caller) as connection:
        found = await rows(connection, FOUND, sites=caller.listed_sites, last=last[0], limit=limit)
    return page(found, limit, "ble_mac")


class BatteryStatus(Answer):
    """One answer of a battery; null: it did not say so then."""

    reported_at: datetime = instant("When it was asked.")
    soc_pct: float | None = share_pct("Charge.", 62)
    battery_kw: float | None = power_kw("Power at the bus; > 0 discharges.", -0.8)
    pv_kw: float | None = power_kw("Modules of its own.", 0.0)
    ongrid_kw: float | None = power_kw("At its grid port; > 0 feeds the house.", -0.8)
    offgrid_kw: float | None = power_kw("Given at its backup socket.", 0.0)
    mode: str | None = said("`auto`, `ai`, `manual`, `passive`, `ups`.", "passive")
    temperature_c: float | None = said("Cells.", 24.5, "°C", -40, 100)
    capacity_kwh: float | None = energy_kwh("What it can hold, as it says.", 5.12)
    remaining_kwh: float | None = energy_kwh("What is in it, as it says.", 3.2)


STATUS = f"""
    SELECT reported_at, soc_pct, {kilo("battery_w")} AS battery_kw, {kilo("pv_w")} AS pv_kw,
           {kilo("ongrid_w")} AS ongrid_kw, {kilo("offgrid_w")} AS offgrid_kw, mode, temperature_c,
           {kilo("capacity_wh")} AS capacity_kwh, {kilo("remaining_wh")} AS remaining_kwh
    FROM ems.vw_battery_status
    WHERE site_key = %(site)s AND device_key = %(device)s AND reported_at >= %(start)s AND reported_at < %(end)s
      AND (%(at)s::timestamptz IS NULL OR reported_at > %(at)s::timestamptz)
    ORDER BY reported_at LIMIT %(limit)s + 1"""


@router.get("/batteries/{battery}/status", response_model=Items[BatteryStatus], summary="What a battery has said")
async def status(
    battery: PartId, caller: Annotated[Caller, READ], web: ThisWeb, start: Start = None, end: End = None,
    limit: Limit = 1000, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Its answers of ``[start, end)``, the last six hours unless told, oldest first."""
    asked = window(start, end, web.clock.now(), USUAL, LONGEST)
    last = after(cursor, datetime.fromisoformat) or [None]
    site, asset = split(battery, caller)
    async with web.database.reading(caller) as connection:
        known = await batteries(connection, [site], web.clock.now(), 1, asset=asset)
        if not known:
            raise unknown("battery", battery)
        found = await rows(
            connection, STATUS, site=site, device=known[0]["device"], start=asked.start, end=asked.end, at=last[0],
            limit=limit,
        )  # fmt: skip
    return page(found, limit, "reported_at")
