"""Rows that must not be without others, as queries over the tables; each names what breaks it in a column `what`."""

from __future__ import annotations

import itertools
from datetime import datetime

from ems_pipeline.control.lifecycle import ENDS, NEXT
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.intents import State

OPEN = "('intended', 'sent', 'echoed', 'effective')"
FORECASTS = {
    "effective_price": "site_key",
    "pv_forecast": "site_key, asset_key",
    "load_forecast": "site_key",
    "heat_demand_forecast": "site_key, asset_key",
}
QUERIES = {
    "a plan has all quarter-hours of its horizon": """
        SELECT r.kind || ' plan of ' || r.decided_at || ': ' || count(i) || ' of '
               || extract(epoch FROM r.horizon_end - r.horizon_start) / 900 AS what
        FROM ems.planning_run r LEFT JOIN ems.planning_interval i USING (planning_run_id)
        WHERE r.status <> 'failed' GROUP BY r.planning_run_id
        HAVING count(i) <> extract(epoch FROM r.horizon_end - r.horizon_start) / 900""",
    "a plan has all assets in all its quarter-hours": """
        SELECT r.kind || ' plan of ' || r.decided_at AS what
        FROM ems.planning_run r LEFT JOIN ems.planning_device_interval d USING (planning_run_id)
        WHERE r.status <> 'failed' GROUP BY r.planning_run_id
        HAVING count(d) = 0 OR count(d) <> count(DISTINCT d.starts_at) * count(DISTINCT d.asset_key)
            OR count(DISTINCT d.starts_at) <> extract(epoch FROM r.horizon_end - r.horizon_start) / 900""",
    "a settled quarter-hour names a plan that exists": """
        SELECT a.site_key || ' ' || a.starts_at AS what FROM ems.audit_interval a
        WHERE a.planning_run_id IS NOT NULL
          AND NOT EXISTS (SELECT FROM ems.planning_run r WHERE r.planning_run_id = a.planning_run_id)""",
    "a settled quarter-hour has its plan's bus, or none": """
        SELECT a.site_key || ' ' || a.starts_at AS what FROM ems.audit_interval a
        WHERE (a.planning_run_id IS NULL) <> (a.planned_grid_w IS NULL)""",
    "a settled quarter-hour that was measured has its means": """
        SELECT a.site_key || ' ' || a.starts_at AS what FROM ems.audit_interval a
        WHERE a.coverage_pct > 0 AND NOT EXISTS (
            SELECT FROM ems.telemetry_15m t WHERE t.site_key = a.site_key AND t.starts_at = a.starts_at)""",
    "a settled day has its quarter-hours": """
        SELECT d.site_key || ' ' || d.day AS what FROM ems.audit_day d JOIN ems.site s USING (site_key)
        WHERE d.slots > (SELECT count(*) FROM ems.audit_interval a WHERE a.site_key = d.site_key
                         AND (a.starts_at AT TIME ZONE s.timezone)::date = d.day)""",
    "a set-point's last step is its state": """
        SELECT 'set-point ' || p.setpoint_id || ' is ' || p.state || ', its last step ' || coalesce(e.state, 'none')
               AS what
        FROM ems.setpoint p LEFT JOIN LATERAL (SELECT state FROM ems.setpoint_event e
            WHERE e.setpoint_id = p.setpoint_id ORDER BY setpoint_event_id DESC LIMIT 1) e ON true
        WHERE e.state IS DISTINCT FROM p.state""",
    "a set-point ended, or is open": f"""
        SELECT 'set-point ' || setpoint_id || ' is ' || state || ', ended ' || coalesce(ended_at::text, 'never') AS what
        FROM ems.setpoint WHERE (ended_at IS NULL) <> (state IN {OPEN})""",
    "a device has one open set-point at most": f"""
        SELECT site_key || '/' || device_key || ' has ' || string_agg(setpoint_id || ' ' || state, ', ') AS what
        FROM ems.setpoint WHERE state IN {OPEN} AND NOT is_shadow GROUP BY site_key, device_key HAVING count(*) > 1""",
    "no set-point is under way for more than five minutes": """
        SELECT 'set-point ' || setpoint_id || ' is ' || state || ' since ' || intended_at AS what FROM ems.setpoint
        WHERE state IN ('intended', 'sent') AND NOT is_shadow AND intended_at < now() - interval '5 minutes'""",
    "writes are counted as they were journalled": """
        SELECT site_key || '/' || device_key || '/' || point || ': ' || coalesce(c.writes, 0) || ' counted, '
               || coalesce(s.writes, 0) || ' journalled' AS what
        FROM ems.point_write_count c FULL JOIN (
            SELECT site_key, device_key, unnest(changes) AS point, (intended_at AT TIME ZONE 'UTC')::date AS day,
                   count(*) AS writes FROM ems.setpoint WHERE NOT is_shadow GROUP BY 1, 2, 3, 4) s
            USING (site_key, device_key, point, day) WHERE c.writes IS DISTINCT FROM s.writes""",
    "telemetry is of points that exist": """
        SELECT 'point ' || point_id AS what FROM ems.telemetry t
        WHERE NOT EXISTS (SELECT FROM ems.point p WHERE p.point_id = t.point_id) GROUP BY point_id""",
} | {
    f"an issue of {table} has no holes": f"""
        SELECT {keys.replace(", ", " || ' ' || ")} || ' known at ' || known_at AS what FROM ems.{table}
        GROUP BY {keys}, known_at, recorded_at
        HAVING count(*) <> extract(epoch FROM max(starts_at) - min(starts_at)) / 900 + 1"""
    for table, keys in FORECASTS.items()
}  # fmt: skip


def torn_sweeps(connection: Connection, since: datetime) -> list[str]:
    """Transactions that stored a sweep without all of the site's devices; rows of one have the same ``xmin``."""
    found = query(
        connection,
        """WITH sweeps AS (
               SELECT p.site_key, t.xmin::text AS number, min(t.received_at) AS at,
                      count(DISTINCT p.device_key) AS devices
               FROM ems.telemetry t JOIN ems.point p USING (point_id) WHERE t.received_at >= :since GROUP BY 1, 2)
           SELECT 'a sweep of ' || site_key || ' at ' || at || ' has ' || devices || ' devices of ' || known AS what
           FROM sweeps JOIN (SELECT site_key, count(*) AS known FROM ems.device_health GROUP BY 1) h USING (site_key)
           WHERE devices <> known""",
        since=since,
    )
    return found["what"].to_list()


def impossible_lives(connection: Connection) -> list[str]:
    """Set-points with a step that the life of a set-point does not have, or that do not begin as intended."""
    steps = query(
        connection, "SELECT setpoint_id, state FROM ems.setpoint_event ORDER BY setpoint_id, setpoint_event_id"
    )
    told = []
    for number, rows in itertools.groupby(steps.iter_rows(), lambda row: row[0]):
        states = [State(state) for _, state in rows]
        pairs = list(itertools.pairwise(states))
        if states[0] is not State.INTENDED or any(after not in NEXT[before] for before, after in pairs):
            told.append(f"set-point {number} lived {' > '.join(states)}")
        elif any(before in ENDS for before, _ in pairs):
            told.append(f"set-point {number} went on after its end: {' > '.join(states)}")
    return told
