"""What batteries have done and saved, and what stands in the way of one."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from ems_pipeline.api.battery_rows import batteries
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Items
from ems_pipeline.api.holding import DOCUMENT
from ems_pipeline.api.parts_of_sites import PartId, split, unknown
from ems_pipeline.api.reading import first, rows
from ems_pipeline.api.routes.alarms import COLUMNS, Alarm
from ems_pipeline.api.values import Answer, OneSite, decimal, energy_kwh, instant, money, said, share_pct
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import End, Start, window

router = APIRouter(tags=["batteries"])
READ = Depends(needs("batteries:read"))
USUAL, LONGEST = timedelta(days=30), timedelta(days=800)


class BatteriesOfSite(Answer):
    """The batteries of a site together, over settled days."""

    site: str = said("Site.", "home01")
    first_day: date | None = said("First settled day counted; null: none is.", "2026-02-01")
    last_day: date | None = said("Last of them.", "2026-03-01")
    days: int = said("Settled days.", 29, "days", 0, 800)
    coverage_pct: float | None = share_pct("Share of these days that was measured.", 99.6)
    capacity_kwh: float | None = energy_kwh("Capacity of all its batteries.", 15.0)
    throughput_kwh: float | None = energy_kwh("Charged plus discharged.", 420.0)
    cycles: float | None = said("Throughput over twice the capacity.", 14.0, "cycles", 0, 1e5)
    saved: str | None = money("Against no battery, the stored energy's value included.", "311.2000")
    saved_to_self_use: str | None = money("Against the device's own logic.", "120.5000")
    currency: str = said("Currency.", "CZK")


SUMMARY = f"""
    SELECT s.site_key AS site, min(d.day) AS first_day, max(d.day) AS last_day, count(d.day) AS days,
           avg(d.coverage_pct) AS coverage_pct, max(k.capacity_wh) / 1000 AS capacity_kwh,
           sum(d.throughput_wh) / 1000 AS throughput_kwh,
           sum(d.throughput_wh) / nullif(2 * max(k.capacity_wh), 0) AS cycles,
           {decimal("sum(d.no_battery_saving)")} AS saved, {decimal("sum(d.self_use_saving)")} AS saved_to_self_use,
           s.currency
    FROM ems.site s
    JOIN {DOCUMENT}
    JOIN LATERAL (SELECT sum((part ->> 'capacity_wh')::float8) AS capacity_wh
                  FROM jsonb_array_elements(c.config -> 'batteries') AS b (part)) k ON k.capacity_wh IS NOT NULL
    LEFT JOIN ems.audit_day d ON d.site_key = s.site_key AND d.day >= %(first)s AND d.day < %(end)s
    WHERE (%(sites)s::text[] IS NULL OR s.site_key = ANY (%(sites)s))
      AND (%(site)s::text IS NULL OR s.site_key = %(site)s)
    GROUP BY s.site_key, s.currency ORDER BY s.site_key LIMIT 1000"""


@router.get(
    "/batteries/analytics/summary", response_model=Items[BatteriesOfSite], summary="Cycles, throughput, savings"
)
async def summary(
    caller: Annotated[Caller, READ], web: ThisWeb, start: Start = None, end: End = None, site: OneSite = None
) -> dict[str, Any]:
    """Settled civil days that begin in ``[start, end)`` (UTC), the last thirty unless told. Days that lack a price or a
    measurement add nothing to what they lack."""
    asked = window(start, end, web.clock.now(), USUAL, LONGEST)
    sites = caller.listed_sites
    of = None if site is None else caller.site(site)
    async with web.database.reading(caller) as connection:
        found = await rows(connection, SUMMARY, first=asked.start.date(), end=asked.end.date(), sites=sites, site=of)
    return {"items": found, "next_cursor": None}


class BatteryHealth(Answer):
    """What stands in the way of a battery."""

    id: str = said("`site.asset`.", "home01.pack")
    device: str | None = said("The device that obeys for it.", "inverter")
    state: str = said("`ok`, `degraded`, `open` (left alone for a while), `half-open` (tried once), `unknown`.", "ok")
    last_seen_at: datetime | None = instant("Last good answer of its device; null: never.")
    error_streak: int = said("Errors since then.", 0, "errors", 0)
    last_error: str | None = said("Text of the last one.", "no usable answer in 2 s")
    temperature_c: float | None = said("Cells; null: not measured, or too long ago.", 24.5, "°C", -40, 100)
    alarms: list[Alarm] = said("Open alarms of its device.", [])


@router.get("/batteries/{battery}/health", response_model=BatteryHealth, summary="What stands in a battery's way")
async def health(battery: PartId, caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """Its device's behaviour and open alarms. Wear of cells is told where a device measures it, and never estimated."""
    site, asset = split(battery, caller)
    async with web.database.reading(caller) as connection:
        found = await batteries(connection, [site], web.clock.now(), 1, asset=asset)
        if not found:
            raise unknown("battery", battery)
        device = found[0]["device"]
        seen = await first(
            connection,
            """SELECT last_seen_at, error_streak, last_error FROM ems.device_health
               WHERE site_key = %(site)s AND device_key = %(device)s""",
            site=site, device=device,
        )  # fmt: skip
        standing = await rows(
            connection,
            f"""SELECT {COLUMNS} FROM ems.alarm WHERE site_key = %(site)s AND device_key = %(device)s
                  AND cleared_at IS NULL ORDER BY alarm_id DESC LIMIT 100""",
            site=site, device=device,
        )  # fmt: skip
    nothing = {"last_seen_at": None, "error_streak": 0, "last_error": None}
    return {
        **(seen or nothing), "id": battery, "device": device, "state": found[0]["status"],
        "temperature_c": found[0]["temperature_c"], "alarms": standing,
    }  # fmt: skip
