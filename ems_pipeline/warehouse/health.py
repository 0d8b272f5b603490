"""How each device has behaved lately, kept between runs."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.devices.fleet import DeviceId
from ems_pipeline.devices.fleet.health import Health, HealthState
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.rest import MADE_BY_THE_SUN

COLUMNS = ["state", "last_attempt_at", "last_seen_at", "last_changed_at", "error_streak", "last_error"]
SAVE = f"""
    INSERT INTO ems.device_health (site_key, device_key, {", ".join(COLUMNS)})
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
                         %s::integer[], %s::text[])
    ON CONFLICT (site_key, device_key) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)}"""


def load(connection: Connection) -> dict[DeviceId, Health]:
    """Health of every device that was ever asked."""
    frame = query(connection, f"SELECT site_key, device_key, {', '.join(COLUMNS)} FROM ems.device_health")
    return {
        (row.pop("site_key"), row.pop("device_key")): Health(**(row | {"state": HealthState(row["state"])}))
        for row in frame.to_dicts()
    }


def save(connection: Connection, health: Mapping[DeviceId, Health]) -> int:
    """Write the health of devices, every minute and so without a temporary table; returns their number."""
    rows = [
        (*device, h.state.value, h.last_attempt_at, h.last_seen_at, h.last_changed_at, h.error_streak, h.last_error)
        for device, h in health.items()
        if h.last_attempt_at is not None
    ]
    if rows:
        connection.exec_driver_sql(SAVE, tuple(map(list, zip(*rows, strict=True))))
    return len(rows)


def overview(connection: Connection) -> pl.DataFrame:
    """Devices of active sites, worst first.

    Columns: site_key, device_key, state, last_seen_at, error_streak, last_error, at_rest.

    ``at_rest``: its PV is, by its newest answer, so its silence is no failure.
    """
    return query(
        connection,
        """SELECT h.site_key, h.device_key, h.state, h.last_seen_at, h.error_streak, h.last_error,
                  EXISTS (SELECT FROM ems.point p CROSS JOIN LATERAL (
                              SELECT quality FROM ems.telemetry WHERE point_id = p.point_id
                              ORDER BY reported_at DESC LIMIT 1) newest
                          WHERE p.site_key = h.site_key AND p.device_key = h.device_key AND p.quantity = :pv
                            AND newest.quality = :at_rest) AS at_rest
           FROM ems.device_health h JOIN ems.site s USING (site_key) WHERE s.is_active
           ORDER BY h.error_streak DESC, h.site_key, h.device_key""",
        pv=MADE_BY_THE_SUN,
        at_rest=int(Quality.AT_REST),
    )
