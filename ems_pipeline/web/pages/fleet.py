"""All sites of the reader, one row each, those in trouble first: an operator's day on one page."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from ems_pipeline.api.holding import ARM, AUTHORITY, DOCUMENT, STALE
from ems_pipeline.api.reading import rows
from ems_pipeline.api.routes import alarms
from ems_pipeline.api.routes.now import FLOWS
from ems_pipeline.api.values import decimal, kilo
from ems_pipeline.web.controllers import UNHEARD
from ems_pipeline.web.reader import Page, Reader, reads

router = APIRouter(route_class=Page)
AT_ONCE = 100
"""Rows of a page; what is counted and sorted is all of them."""
MATCHES = "(%(q)s = '' OR position(lower(%(q)s) IN lower(s.site_key || ' ' || s.name)) > 0)"
FLEET = f"""
    WITH listed AS (
        SELECT s.site_key, s.name, s.timezone, s.currency, s.is_active, {AUTHORITY} AS authority,
               a.until_at AS armed_until, coalesce(l.open_alarms, 0) AS open_alarms, l.worst, h.heard_at,
               coalesce(t.due_services, 0) AS due_services,
               g.controllers, g.sets, g.sets_running, g.unheard,
               (%(now)s::timestamptz AT TIME ZONE 'UTC' + z.utc_offset)::date AS today,
               count(*) OVER () AS found, count(*) FILTER (WHERE l.open_alarms > 0) OVER () AS troubled
        FROM ems.site s
        LEFT JOIN ems.zone_offset z
               ON z.timezone = s.timezone AND %(now)s::timestamptz >= z.valid_from AND %(now)s::timestamptz < z.valid_to
        LEFT JOIN {DOCUMENT}
        LEFT JOIN {ARM}
        LEFT JOIN (SELECT site_key, count(*) AS open_alarms,
                          max(array_position(ARRAY['info', 'warning', 'critical'], severity)) AS worst
                   FROM ems.alarm WHERE cleared_at IS NULL GROUP BY site_key) l ON l.site_key = s.site_key
        LEFT JOIN (SELECT site_key, count(*) AS due_services FROM ems.maintenance_alert WHERE resolved_at IS NULL
                   GROUP BY site_key) t ON t.site_key = s.site_key
        LEFT JOIN (SELECT site_key, count(*) AS controllers, count(*) FILTER (WHERE NOT is_heard) AS unheard,
                          count(*) FILTER (WHERE is_heard AND engine IS NOT NULL) AS sets,
                          count(*) FILTER (WHERE is_heard AND engine = 'running') AS sets_running
                   FROM (SELECT site_key, readings ->> 'engine_state' AS engine,
                                link <> 'down' AND seen_at > %(now)s::timestamptz - %(unheard)s::interval AS is_heard
                         FROM ems.genset_live) e GROUP BY site_key) g ON g.site_key = s.site_key
        LEFT JOIN (SELECT site_key, max(last_seen_at) AS heard_at FROM ems.device_health GROUP BY site_key) h
               ON h.site_key = s.site_key
        WHERE (%(sites)s::text[] IS NULL OR s.site_key = ANY (%(sites)s)) AND {MATCHES}
        ORDER BY s.is_active DESC, l.worst DESC NULLS LAST, s.site_key LIMIT {AT_ONCE} OFFSET %(past)s),
    flows AS ({FLOWS.format("v.site_key IN (SELECT site_key FROM listed)")})
    SELECT i.*, i.heard_at <= %(now)s - %(stale)s::interval AS is_old, {kilo("f.grid_w")} AS grid_kw, f.soc_pct,
           {decimal("y.cost")} AS yesterday_cost, {decimal("y.no_battery_saving")} AS yesterday_saving,
           m.cost AS month_cost, m.saving AS month_saving, m.known AS month_known, m.days AS month_days
    FROM listed i
    LEFT JOIN flows f USING (site_key)
    LEFT JOIN ems.audit_day y ON y.site_key = i.site_key AND y.day = i.today - 1
    LEFT JOIN LATERAL (
        SELECT {decimal("sum(d.cost)")} AS cost, {decimal("sum(d.no_battery_saving)")} AS saving,
               count(d.cost) AS known, count(*) AS days
        FROM ems.audit_day d
        WHERE d.site_key = i.site_key AND d.day < i.today
          AND d.day > i.today - extract(day FROM i.today)::integer) m ON true
    ORDER BY i.is_active DESC, i.worst DESC NULLS LAST, i.site_key"""
Filter = Annotated[str, Query(max_length=64)]
Number = Annotated[int, Query(ge=1, le=1000)]


@router.get("/ui/sites")
async def page(reader: Annotated[Reader, reads("sites:read")], q: Filter = "", page: Number = 1) -> Response:
    """Those whose key or name holds ``q``."""
    caller, now = reader.known, reader.web.clock.now()
    asked: dict[str, Any] = {"sites": caller.listed_sites, "now": now, "stale": STALE, "unheard": UNHEARD}
    async with reader.web.database.reading(caller) as connection:
        found = await rows(connection, FLEET, q=q.strip(), past=(page - 1) * AT_ONCE, **asked)
    own = await alarms.of_installation(caller, reader.web) if reader.may("alarms:read") else []
    clocks = {of: reader.said(*of) for of in {(row["timezone"], row["currency"]) for row in found}}
    counted = {name: found[0][name] if found else 0 for name in ("found", "troubled")}
    listed = [row | {"said": clocks[row["timezone"], row["currency"]]} for row in found]
    return reader.show(
        "fleet", sites=listed, q=q, page=page, alarms=own, at_once=AT_ONCE, say=reader.said("UTC"), **counted
    )
