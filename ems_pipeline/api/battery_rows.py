"""Batteries as registered, with what was measured and is wanted of them last."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ems_pipeline.api.database import Connection
from ems_pipeline.api.holding import ARM, AUTHORITY, DOCUMENT, STALE, USABLE, WISHED
from ems_pipeline.api.reading import rows
from ems_pipeline.api.values import kilo

BATTERIES = f"""
    SELECT s.site_key || '.' || (b.part ->> 'key') AS id, s.site_key AS site, b.part ->> 'key' AS asset,
           b.part ->> 'device' AS device, (b.part ->> 'capacity_wh')::float8 / 1000 AS capacity_kwh,
           jsonb_build_object(
               'charge_kw', (b.part ->> 'charge_limit_w')::float8 / 1000,
               'discharge_kw', (b.part ->> 'discharge_limit_w')::float8 / 1000,
               'min_soc_pct', (b.part ->> 'min_soc_pct')::float8,
               'max_soc_pct', (b.part ->> 'max_soc_pct')::float8) AS limits,
           m.soc_pct, {kilo("m.power_w")} AS power_kw, m.temperature_c, m.as_of,
           coalesce(h.state, 'unknown') AS status, o.mode AS wanted,
           t.command ->> 'mode' AS told, t.source AS authority,
           {AUTHORITY} AS steered
    FROM ems.site s
    JOIN {DOCUMENT}
    CROSS JOIN LATERAL jsonb_array_elements(c.config -> 'batteries') AS b (part)
    LEFT JOIN {ARM}
    LEFT JOIN ems.device_health h ON h.site_key = s.site_key AND h.device_key = b.part ->> 'device'
    LEFT JOIN LATERAL (
        SELECT max(value) FILTER (WHERE quantity = 'battery_soc_pct' AND {USABLE}) AS soc_pct,
               max(value) FILTER (WHERE quantity = 'battery_power_w' AND {USABLE}) AS power_w,
               max(value) FILTER (WHERE quantity = 'battery_temp_c' AND {USABLE}) AS temperature_c,
               min(reported_at) FILTER (WHERE quantity IN ('battery_soc_pct', 'battery_power_w')) AS as_of
        FROM ems.vw_latest_telemetry v
        WHERE v.site_key = s.site_key AND v.device_key = b.part ->> 'device' AND v.quantity LIKE 'battery%%') m ON true
    LEFT JOIN LATERAL (
        SELECT mode FROM ems.control_override o
        WHERE o.site_key = s.site_key AND o.asset_key = b.part ->> 'key' AND {WISHED}
        ORDER BY control_override_id DESC LIMIT 1) o ON true
    LEFT JOIN LATERAL (
        SELECT command, source FROM ems.setpoint p
        WHERE p.site_key = s.site_key AND p.device_key = b.part ->> 'device'
          AND p.state IN ('intended', 'sent', 'echoed', 'effective') ORDER BY setpoint_id DESC LIMIT 1) t ON true
    WHERE (%(sites)s::text[] IS NULL OR s.site_key = ANY (%(sites)s))
      AND (%(asset)s::text IS NULL OR b.part ->> 'key' = %(asset)s)
      AND s.site_key || '.' || (b.part ->> 'key') > %(last)s
    ORDER BY 1 LIMIT %(limit)s"""


async def batteries(
    connection: Connection, sites: list[str] | None, now: datetime, limit: int, last: str = "", asset: str | None = None
) -> list[dict[str, Any]]:
    """Batteries of sites (None: of all) in order of their ids, those after ``last``."""
    return await rows(connection, BATTERIES, sites=sites, now=now, stale=STALE, limit=limit, last=last, asset=asset)
