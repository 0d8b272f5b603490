"""Minutes of telemetry stay for a while, quarter-hours for ever: no minute goes before its quarter-hour is there."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline import settings, time_grid
from ems_pipeline.warehouse import telemetry
from ems_pipeline.warehouse.frames import query

OLDEST = """
    SELECT min(first.reported_at) FROM ems.point p CROSS JOIN LATERAL (
        SELECT reported_at FROM ems.telemetry WHERE point_id = p.point_id ORDER BY reported_at LIMIT 1) first"""
# Looked up point by point in both indexes: a month of many sites is too much to sort.
UNKEPT = """
    SELECT slot FROM generate_series(CAST(:start AS timestamptz), CAST(:end AS timestamptz) - interval '15 minutes',
                                     interval '15 minutes') AS slot
    WHERE EXISTS (SELECT FROM ems.point p JOIN ems.telemetry t USING (point_id)
                  WHERE p.site_key = :site AND t.reported_at >= slot AND t.reported_at < slot + interval '15 minutes')
      AND NOT EXISTS (SELECT FROM ems.telemetry_15m q WHERE q.site_key = :site AND q.starts_at = slot)"""


def kept_for() -> timedelta:
    """How long minutes are kept; WrongSetting: ``EMS_KEEP_MINUTES_DAYS`` is no such number of days."""
    return timedelta(days=settings.KEEP_MINUTES_DAYS.read())


def keep_quarter_hours(connection: Connection, before: datetime) -> int:
    """Compute the missing quarter-hours of what `drop_minutes` would drop; returns the rows written."""
    oldest = connection.execute(sa.text(OLDEST)).scalar()
    end = _end_of_what_goes(connection, before)
    if oldest is None or oldest >= end:
        return 0
    start, written = time_grid.floor_slot(oldest), 0
    for site in query(connection, "SELECT DISTINCT site_key FROM ems.point ORDER BY 1")["site_key"]:
        missing = query(connection, UNKEPT, site=site, start=start, end=end)["slot"]
        for first, last in time_grid.contiguous(missing):
            written += telemetry.fill_15m(connection, site, first, last)
    return written


def _end_of_what_goes(connection: Connection, before: datetime) -> datetime:
    """Only whole months go, or chunks of a hypertable, which begin on any day."""
    kind = connection.exec_driver_sql("SELECT relkind FROM pg_class WHERE oid = 'ems.telemetry'::regclass").scalar_one()
    if kind == "p":
        return before.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return time_grid.floor_slot(before)


def drop_asked(connection: Connection, before: datetime) -> int:
    """Drop requests that ended, and rows of the log of writes, before an instant; how many. Never the last 90 days."""
    return int(connection.execute(sa.text("SELECT ems.fn_drop_asked(:before)"), {"before": before}).scalar_one())


def drop_minutes(connection: Connection, before: datetime) -> list[str]:
    """Drop what ended before an instant: whole months, or chunks where TimescaleDB keeps them; their names.

    Nobody who reads meanwhile is waited for longer than a second: begin by `holders.begin_without_waiting`.
    """
    return list(connection.execute(sa.text("SELECT ems.fn_drop_telemetry(:before)"), {"before": before}).scalars())
