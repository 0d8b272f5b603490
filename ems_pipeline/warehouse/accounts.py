"""What some days of a site came to, read for the summary and the report."""

from __future__ import annotations

from datetime import date

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline import time_grid
from ems_pipeline.report.account import Account
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import audits, baselines, regrets
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.inventory import table_sizes


def of_site(connection: Connection, site: Site, first: date, last: date, *, of_all: bool = True) -> Account:
    """Everything settled, planned and commanded on local days ``first`` to ``last``, both included.

    Args:
        of_all: also alarms and tables of the installation. They may name any site, and are for those who see all.
    """
    zone = time_grid.zone(site.timezone)
    start, end = time_grid.day_bounds(first, zone)[0], time_grid.day_bounds(last, zone)[1]
    window = {"site": site.key, "start": start, "end": end}
    return Account(
        site=site,
        first=first,
        last=last,
        days=audits.summary(connection, site.key, first, last),
        baselines=baselines.days(connection, site.key, first, last),
        regret=regrets.days(connection, site.key, first, last),
        slots=audits.slots(connection, site.key, start, end),
        setpoints=query(connection, SETPOINTS, **window),
        alarms=query(connection, ALARMS, **window, of_all=of_all),
        plans=query(connection, PLANS, **window),
        unmet=query(connection, UNMET, **window),
        tables=table_sizes(connection) if of_all else pl.DataFrame(),
    )


# A signal has no power of its own: whether it had an effect cannot be seen.
SETPOINTS = """
    SELECT device_key, count(*) AS total, count(*) FILTER (WHERE is_shadow) AS shadow, count(echoed_at) AS echoed,
           CASE WHEN bool_or(command ->> 'command' NOT IN ('SignalCommand', 'release', 'none'))
                THEN count(effective_at) END AS effective, count(*) FILTER (WHERE state = 'failed') AS failed,
           count(*) FILTER (WHERE state = 'reverted') AS reverted
    FROM ems.setpoint WHERE site_key = :site AND slot >= :start AND slot < :end
    GROUP BY device_key ORDER BY device_key"""
ALARMS = """
    SELECT raised_at, severity, coalesce(device_key, '') AS device_key, kind, text, times, cleared_at FROM ems.alarm
    WHERE (site_key = :site OR (:of_all AND site_key IS NULL))
      AND raised_at < :end AND last_at >= :start ORDER BY raised_at"""
PLANS = """
    SELECT kind, count(*) AS plans, count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE NOT is_verified) AS unverified,
           avg(solve_s) AS solve_s, max(solve_s) AS slowest_s
    FROM ems.planning_run
    WHERE site_key = :site AND NOT is_hindsight AND NOT is_shadow AND horizon_start >= :start AND horizon_start < :end
    GROUP BY kind ORDER BY kind"""
# One line per wish: the amount changes with every plan, what was wished does not.
UNMET = """
    SELECT (array_agg(item ORDER BY r.decided_at DESC))[1] AS text, count(*) AS plans,
           max(r.decided_at) AS last_decided_at
    FROM ems.planning_run r CROSS JOIN LATERAL jsonb_array_elements_text(r.unmet) AS item
    WHERE r.site_key = :site AND NOT r.is_hindsight AND NOT r.is_shadow AND r.kind = 'rolling'
      AND r.horizon_start >= :start AND r.horizon_start < :end
    GROUP BY regexp_replace(item, '[-0-9.]+', '#', 'g') ORDER BY last_decided_at DESC, text LIMIT 12"""
