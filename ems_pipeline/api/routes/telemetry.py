"""What was measured: the bus per quarter-hour, and single answers of devices with the reason of every gap."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Items
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.reading import rows, site_of
from ems_pipeline.api.values import Answer, SiteKey, instant, kilo, power_kw, said, share_pct
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import End, Start, window

router = APIRouter(tags=["telemetry"])
READ = Depends(needs("telemetry:read"))
USUAL, LONGEST = timedelta(days=1), timedelta(days=62)
LONGEST_RAW = timedelta(days=7)


class MeasuredSlot(Answer):
    """The bus in a quarter-hour. Null: a part that exists did not answer; 0: the site has no such part."""

    starts_at: datetime = instant("Begin of the quarter-hour.")
    grid_kw: float | None = power_kw("Grid; > 0 imports.", 1.25)
    pv_kw: float | None = power_kw("PV.", 3.1)
    battery_kw: float | None = power_kw("Batteries; > 0 discharge.", -2.0)
    genset_kw: float | None = power_kw("Generating sets.", 0.0)
    ev_kw: float | None = power_kw("Chargers.", 0.0)
    heat_pump_kw: float | None = power_kw("Heat pumps.", 1.75)
    load_kw: float | None = power_kw("The house without planned devices.", 0.6)
    soc_pct: float | None = share_pct("Charge of the batteries at the end.", 62.5)
    indoor_c: float | None = said("Room temperature.", 21.4, "°C", -50, 60)
    outdoor_c: float | None = said("Outdoor temperature.", 4.2, "°C", -60, 60)
    coverage_pct: float | None = share_pct("Share of the quarter-hour that was measured.", 100)


POWERS = ("grid", "pv", "battery", "genset", "ev", "heat_pump", "load")
BUS = f"""
    SELECT starts_at, {", ".join(f"{kilo(f'{name}_w')} AS {name}_kw" for name in POWERS)}, soc_pct, indoor_c,
           outdoor_c, coverage_pct
    FROM ems.vw_site_15m
    WHERE site_key = %(site)s AND starts_at >= %(start)s AND starts_at < %(end)s ORDER BY starts_at"""


@router.get("/sites/{site}/telemetry", response_model=Items[MeasuredSlot], summary="The bus per quarter-hour")
async def telemetry(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, start: Start = None, end: End = None
) -> dict[str, Any]:
    """Quarter-hours of ``[start, end)``, the last day unless told; one that nobody measured is left out."""
    asked = window(start, end, web.clock.now(), USUAL, LONGEST)
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        found = await rows(connection, BUS, site=key, start=asked.start, end=asked.end)
    return {"items": found, "next_cursor": None}


class Measurement(Answer):
    """One answer of a device."""

    device: str = said("Device.", "inverter")
    quantity: str = said("What was measured.", "grid_power_w")
    unit: str = said("Unit of the value.", "W")
    value: float | None = said("Null: nothing was delivered.", 1250.0, "as `unit` says")
    quality: int = said("0 good, 6 at rest (counts as measured); others are doubtful or missing.", 0, "code", 0, 7)
    reason: str | None = said("Why it is missing or doubtful.", "no usable answer in 2 s")
    reported_at: datetime = instant("When the device spoke.")


RAW = """
    SELECT p.point_id, p.device_key AS device, p.quantity, p.unit, t.value, t.quality, t.reason, t.reported_at
    FROM ems.point p JOIN ems.telemetry t USING (point_id)
    WHERE p.site_key = %(site)s AND (%(device)s::text IS NULL OR p.device_key = %(device)s)
      AND (%(quantity)s::text IS NULL OR p.quantity = %(quantity)s)
      AND t.reported_at >= %(start)s AND t.reported_at < %(end)s
      AND (%(at)s::timestamptz IS NULL OR (t.reported_at, p.point_id) > (%(at)s::timestamptz, %(point)s::integer))
    ORDER BY t.reported_at, p.point_id LIMIT %(limit)s + 1"""
Named = Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$", description="One of them only.")]


@router.get("/measurements", response_model=Items[Measurement], summary="Single answers of devices")
async def measurements(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, device: Named = None, quantity: Named = None,
    start: Start = None, end: End = None, limit: Limit = 1000, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Every answer of ``[start, end)``, the last hour unless told, oldest first; a gap is a row with its reason."""
    asked = window(start, end, web.clock.now(), timedelta(hours=1), LONGEST_RAW)
    last = after(cursor, datetime.fromisoformat, int) or [None, None]
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        found = await rows(
            connection, RAW, site=key, device=device, quantity=quantity, start=asked.start, end=asked.end,
            at=last[0], point=last[1], limit=limit,
        )  # fmt: skip
    return page(found, limit, "reported_at", "point_id")
