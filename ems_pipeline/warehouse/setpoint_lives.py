"""Lives of set-points as people look at them: step by step, with what stood, what was wanted and what was found."""

from __future__ import annotations

from datetime import datetime

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
