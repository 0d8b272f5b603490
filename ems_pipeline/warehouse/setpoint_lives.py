"""Lives of set-points as people look at them: step by step, with what stood, what was wanted and what was found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import query


def newest(connection: Connection, since: datetime) -> pl.DataFrame:
    """Of each device of an active site the newest set-point that was written and is no release, a row per step.

    Columns: setpoint_id, site_key, device_key, timezone, slot, source, reason, plan_decided_at, wanted (JSON text:
    value by point that had to change), and of the step at, state, why, measured (JSON text).
    """
    return query(
        connection,
        """WITH newest AS (
               SELECT DISTINCT ON (site_key, device_key) p.*, s.timezone
               FROM ems.setpoint p JOIN ems.site s USING (site_key)
               WHERE s.is_active AND slot >= :since AND NOT is_shadow AND source <> 'release' AND sent_at IS NOT NULL
               ORDER BY site_key, device_key, setpoint_id DESC)
           SELECT n.setpoint_id, n.site_key, n.device_key, n.timezone, n.slot, n.source, n.reason, n.plan_decided_at,
                  (SELECT jsonb_object_agg(w ->> 0, w -> 1) FROM jsonb_array_elements(n.writes) w
                   WHERE w ->> 0 = ANY (n.changes))::text AS wanted,
                  e.at, e.state, e.reason AS why, e.measured::text AS measured
           FROM newest n JOIN ems.setpoint_event e USING (setpoint_id)
           ORDER BY n.site_key, n.device_key, e.setpoint_event_id""",
        since=since,
    )


def listing(connection: Connection, site_key: str, since: datetime) -> pl.DataFrame:
    """Set-points of a site for people (``vw_setpoint``), newest first."""
    return query(
        connection,
        "SELECT * FROM ems.vw_setpoint WHERE site_key = :site AND slot >= :since ORDER BY setpoint_id DESC",
        site=site_key,
        since=since,
    )


def life(connection: Connection, site_key: str, setpoint_id: int) -> tuple[dict[str, Any], pl.DataFrame]:
    """One set-point with its plan rows (``vw_setpoint``), and its steps: at, state, reason, measured (JSON text).

    Raises:
        LookupError: there is no such set-point.
    """
    head = query(
        connection,
        "SELECT * FROM ems.vw_setpoint WHERE site_key = :site AND setpoint_id = :id",
        site=site_key,
        id=setpoint_id,
    )
    if head.is_empty():
        raise LookupError(f"site {site_key} has no set-point {setpoint_id}; `ems control setpoints SITE` lists them")
    steps = query(
        connection,
        """SELECT at, state, reason, measured::text AS measured FROM ems.setpoint_event WHERE setpoint_id = :id
           ORDER BY setpoint_event_id""",
        id=setpoint_id,
    )
    return head.row(0, named=True), steps
