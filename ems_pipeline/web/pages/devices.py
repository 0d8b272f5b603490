"""Devices: how each behaves, what it said last and how long ago, and what became of what it was told."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response

from ems_pipeline.api.holding import STALE
from ems_pipeline.api.reading import Row, rows
from ems_pipeline.api.routes import alarms, devices
from ems_pipeline.api.values import SiteKey
from ems_pipeline.web import site as sites
from ems_pipeline.web.reader import Page, Reader, away, reads
from ems_pipeline.web.site import Head

router = APIRouter(route_class=Page)
READ = reads("devices:read")
MOST = 1000
LIVES = 6
"""Set-points of a device that its page shows."""
SHOWN = (
    "grid_power_w", "pv_power_w", "battery_power_w", "battery_soc_pct", "battery_temp_c", "load_power_w", "ev_power_w",
    "ev_current_limit_a", "heat_pump_power_w", "flow_temp_c", "flow_setpoint_c", "indoor_temp_c", "outdoor_temp_c",
    "dhw_temp_c", "genset_power_w", "house_power_w", "fault",
)  # fmt: skip
"""Quantities that the page of all devices shows, in this order; a device's own page shows everything it says."""
VALUES = """
    SELECT v.device_key AS device, v.quantity, v.unit, v.value, v.quality, v.reason, v.reported_at,
           v.reported_at <= %(now)s - %(stale)s::interval AS is_old
    FROM ems.vw_latest_telemetry v
    WHERE v.site_key = %(site)s AND v.device_key = ANY (%(devices)s)
      AND (%(quantities)s::text[] IS NULL OR v.quantity = ANY (%(quantities)s))
    ORDER BY v.device_key, array_position(%(quantities)s::text[], v.quantity), v.quantity"""
TOLD = """
    SELECT d.device, t.*, t.state IN ('intended', 'sent', 'echoed', 'effective') AND t.valid_until > %(now)s AS is_open
    FROM unnest(%(devices)s::text[]) AS d (device)
    CROSS JOIN LATERAL (
        SELECT setpoint_id, slot, source, command, reason, is_shadow, state, state_reason, valid_until, intended_at,
               sent_at, echoed_at, effective_at, ended_at
        FROM ems.setpoint p
        WHERE p.site_key = %(site)s AND p.device_key = d.device AND p.intended_at <= %(now)s
        ORDER BY p.setpoint_id DESC LIMIT %(limit)s) t"""
"""What was told by now: after the end of a demonstration its devices were let go."""
WRITES = """
    SELECT DISTINCT ON (d.device) d.device, w.point, w.writes, (p.part ->> 'writes_per_day')::integer AS most
    FROM unnest(%(devices)s::text[]) AS d (device)
    CROSS JOIN LATERAL (
        SELECT split_part(wire, '@', 2) AS map_hash FROM ems.setpoint p
        WHERE p.site_key = %(site)s AND p.device_key = d.device ORDER BY p.setpoint_id DESC LIMIT 1) t
    JOIN ems.point_map m USING (map_hash)
    CROSS JOIN LATERAL jsonb_array_elements(m.content -> 'points') AS p (part)
    JOIN ems.point_write_count w ON w.site_key = %(site)s AND w.device_key = d.device
        AND w.day = (%(now)s::timestamptz AT TIME ZONE 'UTC')::date AND w.point = p.part ->> 'name'
    WHERE p.part ? 'writes_per_day' AND p.part ->> 'writes_per_day' IS NOT NULL
    ORDER BY d.device, w.writes::float8 / (p.part ->> 'writes_per_day')::float8 DESC, w.point"""
"""Of each device the setting that is nearest to the end of its budget of this UTC day."""


@router.get("/ui/{site}/devices")
async def page(site: SiteKey, reader: Annotated[Reader, READ]) -> Response:
    """All devices of a site."""
    head = await sites.head(reader, site)
    found = await devices.devices(reader.known, reader.web, site=head.key, limit=MOST)
    troubles = await alarms.of_site(head.key, reader.known, reader.web, limit=MOST)
    items = found["items"]
    said = await _said(reader, head, [item["device"] for item in items], SHOWN, 1)
    return reader.show("devices", head=head, devices=items, alarms=troubles["items"], **said)


@router.get("/ui/{site}/devices/{device}")
async def one(site: SiteKey, device: SiteKey, reader: Annotated[Reader, READ]) -> Response:
    """Everything of one device, and its last set-points."""
    head = await sites.head(reader, site)
    found = await devices.device(f"{head.key}.{device}", reader.known, reader.web)
    troubles = await alarms.of_site(head.key, reader.known, reader.web, limit=MOST)
    said = await _said(reader, head, [device], None, LIVES)
    return reader.show("device", head=head, device=found, alarms=troubles["items"], **said)


@router.post("/ui/{site}/devices/{device}/read")
async def read(site: SiteKey, device: SiteKey, reader: Annotated[Reader, reads("requests:write")]) -> Response:
    """Have it read now: a request, which the next page follows."""
    filed = await devices.read(f"{reader.known.site(site)}.{device}", reader.known, reader.web)
    return away(f"/ui/requests/{filed.request_id}")


async def _said(
    reader: Reader, head: Head, found: list[str], quantities: tuple[str, ...] | None, lives: int
) -> dict[str, Any]:
    """What devices said and were told, by device."""
    asked = {"site": head.key, "devices": found, "now": head.said.now}
    wanted = None if quantities is None else list(quantities)
    async with reader.web.database.reading(reader.known) as connection:
        values = await rows(connection, VALUES, quantities=wanted, stale=STALE, **asked)
        told = await rows(connection, TOLD, limit=lives, **asked)
        writes = await rows(connection, WRITES, **asked)
    return {"values": _by_device(values), "told": _by_device(told), "writes": _by_device(writes)}


def _by_device(found: list[Row]) -> dict[str, list[Row]]:
    kept: dict[str, list[Row]] = {}
    for row in found:
        kept.setdefault(row["device"], []).append(row)
    return kept
