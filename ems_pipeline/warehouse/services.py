"""Services of gensets that are due: alerts, what people are told of them, and what the planner may still run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse import alarms
from ems_pipeline.warehouse.alarms import Trouble
from ems_pipeline.warehouse.frames import query

ALARMS = "maintenance-"
"""How the kinds of their alarms begin: ``maintenance-overdue:SET.LEVEL``, ``maintenance-meter:SET``."""
SEVERITY = {"warning": "warning", "critical": "critical", "overdue": "critical"}
STALE_AFTER = timedelta(hours=24)
"""Of a set from which no reading comes at all."""
STUCK_H = 3.0
"""A set that carried load for so long within a day, and whose meter counted less than half of it, has a stuck one."""
STANDING = """
    SELECT a.site_key, a.asset_key, a.level, a.severity, a.due_h,
           to_char(a.due_on AT TIME ZONE 'UTC' + z.utc_offset, 'YYYY-MM-DD'), a.done_id
    FROM ems.maintenance_alert a JOIN ems.site s USING (site_key)
    LEFT JOIN ems.zone_offset z ON z.timezone = s.timezone AND a.due_on >= z.valid_from AND a.due_on < z.valid_to
    WHERE a.resolved_at IS NULL ORDER BY a.site_key, a.asset_key, a.level"""
METERS = """
    SELECT * FROM (
        SELECT p.site_key, p.asset_key, m.doubt, m.site_key IS NULL AS has_none,
               greatest(h.taken_at, m.read_at) < :at - coalesce(h.stale_after, CAST(:stale AS interval)) AS is_stale,
               m.loaded_h >= :loaded AND m.loaded_h > 1 + 2 * coalesce((
                   SELECT sum(d.hours) FROM ems.genset_meter_day d
                   WHERE d.site_key = p.site_key AND d.asset_key = p.asset_key
                     AND d.day >= (CAST(:at AS timestamptz) - interval '2 days')::date), 0) AS is_stuck
        FROM ems.maintenance_plan p
        LEFT JOIN ems.genset_meter m USING (site_key, asset_key)
        LEFT JOIN ems.vw_genset_hours h USING (site_key, asset_key)
        WHERE p.until_at IS NULL) one
    WHERE one.doubt IS NOT NULL OR one.has_none OR one.is_stale OR one.is_stuck
    ORDER BY one.site_key, one.asset_key"""
LINKED = """
    UPDATE ems.maintenance_alert a SET alarm_id = l.alarm_id FROM ems.alarm l
    WHERE a.resolved_at IS NULL AND l.site_key = a.site_key AND l.cleared_at IS NULL AND l.device_key IS NULL
      AND l.kind = 'maintenance-' || a.severity || ':' || a.asset_key || '.' || a.level
      AND a.alarm_id IS DISTINCT FROM l.alarm_id"""


def has_news(connection: Connection, at: datetime) -> bool:
    """Whether an alert, or what people are told of one, is not what it should be. Changes nothing."""
    pending = sa.text("SELECT EXISTS (SELECT FROM ems.fn_maintenance_changes(:at))")
    if connection.execute(pending, {"at": at}).scalar_one():
        return True
    return not alarms.are_settled(connection, ALARMS, troubles(connection, at))


def settle(connection: Connection, at: datetime) -> int:
    """Make alerts say what is due, and alarms what alerts say; how many alerts have changed."""
    changed = connection.execute(sa.text("SELECT ems.fn_maintenance_settle(:at)"), {"at": at}).scalar_one()
    alarms.settle(connection, ALARMS, troubles(connection, at), at)
    connection.execute(sa.text(LINKED))
    return int(changed)


def troubles(connection: Connection, at: datetime) -> list[Trouble]:
    """What people should know: services that are due, and meters that nobody can go by. Texts stand while it does."""
    found = []
    for site, asset, level, severity, due_h, due_on, done_id in connection.execute(sa.text(STANDING)):
        limits = [f"at {due_h:.0f} h"] if due_h is not None else []
        limits += [f"on {due_on}"] if due_on is not None else []
        told = f"is due {' or '.join(limits)}{', whichever comes first' * (len(limits) > 1)}"
        remedy = "make an order on the page Maintenance"
        if done_id is None:
            told, remedy = "is due: nobody knows when it was done", "do it, or say when it was done"
        kind = f"{ALARMS}{severity}:{asset}.{level}"
        found.append(Trouble(site, kind, SEVERITY[severity], f"{level} of {asset} {told}; {remedy}"))
    given = {"at": at, "stale": STALE_AFTER, "loaded": STUCK_H}
    for site, asset, doubt, has_none, is_stale, is_stuck in connection.execute(sa.text(METERS), given):
        wrong = {
            f"is doubted, {doubt}": doubt,
            "was never read": has_none,
            "is not read any more": is_stale,
            "stands while the set gives power": is_stuck,
        }
        if what := next((words for words, is_so in wrong.items() if is_so), ""):
            text = f"the hour meter of {asset} {what}; look at it, and enter what it shows on the page Maintenance"
            found.append(Trouble(site, f"{ALARMS}meter:{asset}", "warning", text))
    return found


def service_holds(connection: Connection, site_keys: Sequence[str], at: datetime) -> pl.DataFrame:
    """What maintenance leaves the planner of each set that has a plan, by site and set.

    Columns: site_key, asset_key; ``hours_left`` to the next service that is due by hours (negative: past it) and
    ``run_hours_left`` to the end of its tolerance, past which the set is not started (null: no hours count);
    ``is_held``: past the tolerance, by hours or calendar; ``is_worked_on``: somebody has begun an order for which the
    engine has to stand. A blackout's supply goes before a hold, and nothing before work at the engine.

    Meters keep their newest state alone: of an instant before the last reading nothing is said, but for an hour in
    which one may have come in while somebody decided. What a plan was told stands with the plan.
    """
    return query(
        connection,
        """SELECT d.site_key, d.asset_key, min(d.hours_left) AS hours_left,
                  min(CASE WHEN d.hours_left + d.tolerance_h IS NOT NULL
                           THEN greatest(d.hours_left + d.tolerance_h, 0) END) AS run_hours_left,
                  bool_or(d.is_held) AS is_held,
                  EXISTS (SELECT FROM ems.maintenance_order o JOIN ems.maintenance_item i USING (order_id)
                          WHERE o.site_key = d.site_key AND o.asset_key = d.asset_key AND o.state = 'open'
                            AND o.started_at IS NOT NULL AND i.needs_standstill) AS is_worked_on
           FROM ems.fn_maintenance_due(:at) d
           LEFT JOIN ems.genset_meter m ON m.site_key = d.site_key AND m.asset_key = d.asset_key
           WHERE d.site_key = ANY(:sites) AND coalesce(m.read_at < CAST(:at AS timestamptz) + interval '1 hour', true)
           GROUP BY d.site_key, d.asset_key ORDER BY d.site_key, d.asset_key""",
        at=at,
        sites=list(site_keys),
    )
