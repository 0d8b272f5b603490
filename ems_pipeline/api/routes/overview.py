"""Everything at a glance: sites, devices, power, alarms. What is not known is null, never 0."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.holding import ARM, DOCUMENT, ENABLED, STALE
from ems_pipeline.api.reading import first
from ems_pipeline.api.routes.now import FLOWS
from ems_pipeline.api.values import Answer, instant, kilo, power_kw, rounded, said, share_pct
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.time_grid import floor_slot

router = APIRouter(tags=["overview"])


class Devices(Answer):
    """Devices of active sites."""

    total: int = said("Devices that were ever asked.", 5, "devices", 0)
    online: int = said("Those that answered last time.", 5, "devices", 0)
    faulty: int = said("Those that did not.", 0, "devices", 0)


class Power(Answer):
    """The power of all sites together; null as soon as one of them is not known."""

    pv_kw: float | None = power_kw("PV.", 3.1)
    load_kw: float | None = power_kw("Houses without planned devices.", 0.6)
    grid_kw: float | None = power_kw("Grid; > 0 imports.", 1.25)
    battery_kw: float | None = power_kw("Batteries; > 0 discharge.", -2.0)
    as_of: datetime | None = instant("The oldest of these measurements.")


class Overview(Answer):
    """All sites of whoever asks."""

    at: datetime = instant("This moment.")
    sites: int = said("Sites in service.", 1, "sites", 0)
    armed: int = said("Those that are steered.", 1, "sites", 0)
    planned: int = said("Those with a plan that holds now.", 1, "sites", 0)
    devices: Devices = said("Their devices.", None)
    power: Power = said("Their power.", None)
    open_alarms: int = said("Open alarms.", 0, "alarms", 0)
    due_services: int = said("Services of gensets that are due or soon will be.", 0, "services", 0)
    coverage_pct: float | None = share_pct("Share of the last day that was measured; null: nothing was.", 99.8)


SITES = "SELECT site_key FROM ems.site WHERE is_active AND (%(sites)s::text[] IS NULL OR site_key = ANY (%(sites)s))"
COUNTS = f"""
    WITH mine AS ({SITES})
    SELECT (SELECT count(*) FROM mine) AS sites,
           (SELECT count(*) FROM mine s JOIN {ARM} JOIN {DOCUMENT} WHERE {ENABLED}) AS armed,
           (SELECT count(*) FROM mine WHERE EXISTS (
                SELECT FROM ems.fn_plan_in_force(mine.site_key, %(slot)s, %(now)s))) AS planned,
           (SELECT count(*) FROM ems.alarm WHERE cleared_at IS NULL
               AND (site_key IN (SELECT site_key FROM mine) OR (site_key IS NULL AND %(sites)s::text[] IS NULL)))
               AS open_alarms,
           (SELECT count(*) FROM ems.maintenance_alert JOIN mine USING (site_key) WHERE resolved_at IS NULL)
               AS due_services,
           h.total, h.online, h.total - h.online AS faulty,
           (SELECT {rounded("avg(b.coverage_pct)")} FROM ems.telemetry_15m b JOIN mine USING (site_key)
            WHERE b.quantity = 'grid_power_w' AND b.starts_at >= %(now)s::timestamptz - interval '1 day'
              AND b.starts_at < %(now)s) AS coverage_pct
    FROM (SELECT count(*) AS total, count(*) FILTER (WHERE error_streak = 0 AND last_seen_at IS NOT NULL) AS online
          FROM ems.device_health JOIN mine USING (site_key)) h"""
NAMES = ("pv", "load", "grid", "battery")
POWER = f"""
    WITH mine AS ({SITES}), flows AS ({FLOWS.format("v.site_key IN (SELECT site_key FROM mine)")})
    SELECT {
    ", ".join(
        f'''CASE WHEN count(f.{name}_w) = count(*) AND count(*) > 0 THEN {kilo(f"sum(f.{name}_w)")} END
                          AS {name}_kw'''
        for name in NAMES
    )
}, min(f.as_of) AS as_of
    FROM mine LEFT JOIN flows f USING (site_key)"""


@router.get("/overview", response_model=Overview, summary="Everything at a glance")
async def overview(caller: Annotated[Caller, Depends(needs("sites:read"))], web: ThisWeb) -> dict[str, Any]:
    """Sites in service of whoever asks, together."""
    now = web.clock.now()
    sites = caller.listed_sites
    async with web.database.reading(caller) as connection:
        counts = await first(connection, COUNTS, sites=sites, now=now, slot=floor_slot(now)) or {}
        power = await first(connection, POWER, sites=sites, now=now, stale=STALE)
    return {**counts, "at": now, "devices": counts, "power": power}
