"""What is in the database, for people, reports and checks: rows per table, the state of each site, its history."""

from __future__ import annotations

from datetime import datetime

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.warehouse.frames import query

HISTORY = "60 days"
"""Older measurements change no forecast and no finding."""


def table_sizes(connection: Connection) -> pl.DataFrame:
    """Every table of schema `ems`: name, rows (counted), bytes with indexes; partitions count as their parent.

    A parent has no bytes of its own, and a table without partitions no tree: the sum is right for both.
    """
    names = query(
        connection,
        """SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'ems' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname""",
    )["name"]
    counts = " UNION ALL ".join(
        f"""SELECT '{name}' AS name, (SELECT count(*) FROM ems."{name}") AS rows,
                   (SELECT pg_total_relation_size('ems."{name}"') + coalesce(sum(pg_total_relation_size(relid)), 0)
                    FROM pg_partition_tree('ems."{name}"'))::bigint AS bytes"""
        for name in names
    )
    return query(connection, f"{counts} ORDER BY name")


def site_status(connection: Connection) -> pl.DataFrame:
    """Active sites by key: site, telemetry (newest good reading), plan_decided_at, planned_until, setpoint_at,
    armed_until.

    Plans are executable ones only; a set-point in shadow counts; an arm may be over. Null: never.
    """
    return query(
        connection,
        """SELECT s.site_key AS site, t.reported_at AS telemetry, r.decided_at AS plan_decided_at,
                  r.horizon_end AS planned_until, p.intended_at AS setpoint_at, a.until_at AS armed_until
           FROM ems.site s
           LEFT JOIN LATERAL (
               SELECT max(newest.reported_at) AS reported_at FROM ems.point p CROSS JOIN LATERAL (
                   SELECT reported_at FROM ems.telemetry
                   WHERE point_id = p.point_id AND quality = :good AND value IS NOT NULL
                   ORDER BY reported_at DESC LIMIT 1) newest
               WHERE p.site_key = s.site_key) t ON true
           LEFT JOIN LATERAL (
               SELECT decided_at, horizon_end FROM ems.vw_executable_plan WHERE site_key = s.site_key
               ORDER BY decided_at DESC LIMIT 1) r ON true
           LEFT JOIN LATERAL (
               SELECT max(intended_at) AS intended_at FROM ems.setpoint WHERE site_key = s.site_key) p ON true
           LEFT JOIN ems.control_arm a ON a.site_key = s.site_key AND a.disarmed_at IS NULL
           WHERE s.is_active ORDER BY s.site_key""",
        good=int(Quality.GOOD),
    )


def measured_history(connection: Connection) -> pl.DataFrame:
    """What the last 60 days of each active site look like: site_key, days, night_pv_w, load_w.

    ``days`` counts local days with a measured house load, ``night_pv_w`` is the mean PV power of the hour after local
    midnight, ``load_w`` the mean house load; null when nothing was measured.
    """
    return query(
        connection,
        f"""SELECT s.site_key, count(DISTINCT v.local_time::date) FILTER (WHERE v.load_w IS NOT NULL) AS days,
                   avg(v.pv_w) FILTER (WHERE extract(hour FROM v.local_time) = 0) AS night_pv_w, avg(v.load_w) AS load_w
            FROM ems.site s
            LEFT JOIN (SELECT b.site_key, b.pv_w, b.load_w, b.starts_at AT TIME ZONE 'UTC' + o.utc_offset AS local_time
                       FROM ems.vw_site_15m b JOIN ems.site z USING (site_key)
                       JOIN ems.zone_offset o ON o.timezone = z.timezone
                        AND b.starts_at >= o.valid_from AND b.starts_at < o.valid_to
                       WHERE b.starts_at >= (SELECT max(starts_at) FROM ems.telemetry_15m) - interval '{HISTORY}') v
                   USING (site_key)
            WHERE s.is_active GROUP BY s.site_key ORDER BY s.site_key""",
    )


def balance(connection: Connection, start: datetime, end: datetime) -> pl.DataFrame:
    """Does the bus add up? Per active site: site_key, slots, negative_slots, load_w, device_load_w.

    The house load is what grid, PV and battery leave over, so it must not be negative (`negative_slots`: below
    -100 W), and its mean must be that of the meter that reports the load itself, where there is one.
    """
    return query(
        connection,
        """SELECT s.site_key, count(v.load_w) AS slots, count(*) FILTER (WHERE v.load_w < -100) AS negative_slots,
                  avg(v.load_w + v.ev_w + v.heat_pump_w) FILTER (WHERE d.mean_value IS NOT NULL) AS load_w,
                  avg(d.mean_value) FILTER (WHERE v.load_w IS NOT NULL) AS device_load_w
           FROM ems.site s
           LEFT JOIN ems.vw_site_15m v
                  ON v.site_key = s.site_key AND v.starts_at >= :start AND v.starts_at < :end
           LEFT JOIN (SELECT site_key, starts_at, sum(mean_value) AS mean_value FROM ems.telemetry_15m
                      WHERE quantity = 'load_power_w' AND starts_at >= :start AND starts_at < :end
                      GROUP BY site_key, starts_at) d ON d.site_key = v.site_key AND d.starts_at = v.starts_at
           WHERE s.is_active GROUP BY s.site_key ORDER BY s.site_key""",
        start=start,
        end=end,
    )


def setpoint_outcomes(connection: Connection, start: datetime, end: datetime) -> pl.DataFrame:
    """What became of the set-points of slots in ``[start, end)`` that were meant for hardware: site_key, number, state.

    ``state`` is ``confirmed`` as soon as the device echoed the values, whatever happened to the set-point later.
    """
    return query(
        connection,
        """SELECT site_key, count(*) AS number,
                  CASE WHEN echoed_at IS NOT NULL AND state <> 'reverted' THEN 'confirmed' ELSE state END AS state
           FROM ems.setpoint WHERE NOT is_shadow AND slot >= :start AND slot < :end GROUP BY 1, 3 ORDER BY 1, 3""",
        start=start,
        end=end,
    )


def measured_minutes(connection: Connection, start: datetime, end: datetime) -> list[datetime]:
    """Minutes in ``[start, end)`` in which any device of any site was read, with or without success."""
    return query(
        connection,
        """SELECT minute FROM generate_series(date_trunc('minute', CAST(:start AS timestamptz)),
                                            CAST(:end AS timestamptz) - interval '1 us', interval '1 minute') AS minute
           WHERE EXISTS (SELECT FROM ems.telemetry
                         WHERE reported_at >= minute AND reported_at < minute + interval '1 minute')""",
        start=start,
        end=end,
    )["minute"].to_list()


def steered_slots(connection: Connection, start: datetime, end: datetime) -> list[datetime]:
    """Quarter-hours in ``[start, end)`` for which any device was told anything, shadows included."""
    return query(
        connection,
        "SELECT DISTINCT slot FROM ems.setpoint WHERE slot >= :start AND slot < :end ORDER BY 1",
        start=start,
        end=end,
    )["slot"].to_list()


def doubled_setpoints(connection: Connection, start: datetime, end: datetime) -> list[str]:
    """Devices told twice by the plan for one slot in ``[start, end)`` although the first set-point stood, in words.

    After a failure, a reversion, an expiry or a release telling again is right; an override or a limit may always step
    in.
    """
    found = query(
        connection,
        """SELECT a.site_key, a.device_key, a.slot, a.setpoint_id AS first, b.setpoint_id AS second,
                  a.command = b.command AS is_same
           FROM ems.setpoint a JOIN ems.setpoint b USING (site_key, device_key, slot)
           WHERE a.setpoint_id < b.setpoint_id AND a.source = 'plan' AND b.source = 'plan'
             AND NOT a.is_shadow AND NOT b.is_shadow AND a.slot >= :start AND a.slot < :end
             AND a.state NOT IN ('failed', 'reverted', 'expired')
             AND NOT EXISTS (SELECT FROM ems.setpoint r
                             WHERE r.site_key = a.site_key AND r.device_key = a.device_key AND r.source = 'release'
                               AND r.setpoint_id BETWEEN a.setpoint_id AND b.setpoint_id)
           ORDER BY a.slot, a.site_key, a.device_key""",
        start=start,
        end=end,
    )
    return [
        f"{site}/{device} for {slot:%H:%M} UTC: set-points {first} and {second} "
        + ("say the same" if is_same else "contradict each other")
        for site, device, slot, first, second, is_same in found.iter_rows()
    ]
