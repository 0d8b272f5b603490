"""What clock work has left in the tables, and which quarter-hours control has decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline import time_grid
from ems_pipeline.sites import Site
from ems_pipeline.warehouse.plans import newest_executable

OVERDUE = timedelta(minutes=3)
"""Verification looks every two minutes and lets go what has ended."""
# A few points are enough: one COPY stores all of a minute.
LEFT = """
    SELECT (SELECT count(*) FROM ems.site WHERE is_active) AS sites,
           (SELECT max(last_attempt_at) FROM ems.device_health) AS asked_at,
           (SELECT max(t.received_at) FROM (SELECT point_id FROM ems.point ORDER BY point_id DESC LIMIT 200) p
            CROSS JOIN LATERAL (SELECT received_at FROM ems.telemetry WHERE point_id = p.point_id
                                ORDER BY reported_at DESC LIMIT 1) t) AS read_at,
           (SELECT max(r.decided_at) FROM ems.site s CROSS JOIN LATERAL (
                SELECT decided_at FROM ems.planning_run WHERE site_key = s.site_key AND kind = 'rolling'
                  AND NOT is_shadow ORDER BY decided_at DESC LIMIT 1) r) AS planned_at,
           (SELECT max(last_at) FROM ems.alarm WHERE kind = 'unplanned' AND cleared_at IS NULL) AS not_planned_at,
           (SELECT max(decided_at) FROM ems.control_decision) AS decided_at"""
OPEN_AND_OVER = """
    SELECT DISTINCT site_key FROM ems.setpoint
    WHERE state IN ('intended', 'sent', 'echoed', 'effective') AND NOT is_shadow AND valid_until < :ended
    ORDER BY 1"""


def left_behind(connection: Connection) -> dict[str, Any]:
    """What clock work left newest, to be compared with what it was before; ``sites``: how many there are to serve.

    Devices that were asked in vain and sites that could not be planned were served.
    """
    found = connection.exec_driver_sql(LEFT).one()
    return {
        "sites": found.sites,
        "telemetry-stopped": (found.asked_at, found.read_at),
        "plan-stopped": (found.planned_at, found.not_planned_at),
        "control-stopped": found.decided_at,
    }


def overdue(connection: Connection, now: datetime) -> list[str]:
    """Sites with a set-point in a device that ended `OVERDUE` ago and was not let go."""
    return list(connection.execute(sa.text(OPEN_AND_OVER), {"ended": now - OVERDUE}).scalars())


SITES = "unnest(CAST(:sites AS text[]), CAST(:oldest AS timestamptz[])) AS s(site_key, oldest)"
USABLE = f"""(SELECT r.decided_at FROM ems.planning_run r
              WHERE r.planning_run_id = ({newest_executable(":slot", ":at", "s.site_key")})
                AND r.decided_at >= s.oldest)"""
DECIDE = f"""
    INSERT INTO ems.control_decision (site_key, slot, decided_at, plan_decided_at)
    SELECT s.site_key, :slot, :at, {USABLE} FROM {SITES}
    ON CONFLICT (site_key) DO UPDATE SET slot = excluded.slot, decided_at = excluded.decided_at,
        plan_decided_at = excluded.plan_decided_at"""
# What stands is not told a second time: a quarter-hour is not served twice in contradiction.
UNDECIDED = f"""
    SELECT max(greatest(CASE WHEN d.plan_decided_at IS NULL THEN u.plan_decided_at END,
                        a.armed_at, v.started_at, v.reloaded_at))
    FROM {SITES} CROSS JOIN LATERAL (SELECT {USABLE} AS plan_decided_at) u
    JOIN ems.control_decision d ON d.site_key = s.site_key AND d.slot = :slot
    LEFT JOIN ems.control_arm a ON a.site_key = s.site_key AND a.disarmed_at IS NULL AND a.armed_at <= :at
    LEFT JOIN ems.supervisor v ON v.started_at <= :at
    WHERE u.plan_decided_at IS NOT NULL
      AND (d.plan_decided_at IS NULL OR d.decided_at < greatest(a.armed_at, v.started_at, v.reloaded_at))
      AND NOT EXISTS (SELECT FROM ems.setpoint p
                      WHERE p.site_key = s.site_key AND p.slot = :slot AND NOT p.is_shadow AND p.source <> 'release'
                        AND p.state IN ('intended', 'sent', 'echoed', 'effective'))"""


def decide(connection: Connection, sites: Iterable[Site], slot: datetime, now: datetime) -> None:
    """Note that control decides for a slot now, by the newest usable plan or without any.

    Noted before anything is written: a run that is killed has decided, and its quarter-hour is not begun again.
    """
    connection.execute(sa.text(DECIDE), _asked(sites, slot, now))


def undecided_since(connection: Connection, sites: Iterable[Site], slot: datetime, now: datetime) -> datetime | None:
    """What made a slot's decision out of date for any of the sites: the instant of the newest cause; None: nothing.

    A usable plan where there was none, an arm, a start or a reload after the decision, where nothing stands by now.
    """
    return connection.execute(sa.text(UNDECIDED), _asked(sites, slot, now)).scalar()


def _asked(sites: Iterable[Site], slot: datetime, now: datetime) -> dict[str, Any]:
    oldest = {site.key: now - time_grid.MINUTE * site.control.max_plan_age_minutes for site in sites}
    return {"sites": list(oldest), "oldest": list(oldest.values()), "slot": slot, "at": now}
