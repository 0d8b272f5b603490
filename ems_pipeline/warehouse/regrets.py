"""What days cost more than they had to, and what the plans of a day believed; computed by `steps.regretting`."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse import versions
from ems_pipeline.warehouse.frames import query

BELIEVED = (
    "load_w", "pv_available_w", "ev_w", "heat_pump_w", "genset_w", "buy_per_kwh", "sell_per_kwh",
)  # fmt: skip


def put(connection: Connection, rows: pl.DataFrame) -> int:
    """Store rows of ``ems.regret_day`` that say something else than their newest version; how many those are."""
    return versions.put(connection, "ems.regret_day", rows, ("site_key", "day", "part"), ("amount", "missing"))


def days(
    connection: Connection, site_key: str, first: date, last: date, as_known_at: datetime | None = None
) -> pl.DataFrame:
    """Days ``first``..``last`` as in ``ems.fn_regret_day``: as known at an instant, else now."""
    return query(
        connection,
        "SELECT * FROM ems.fn_regret_day(:site, :first, :last, coalesce(:known, 'infinity'::timestamptz))",
        site=site_key,
        first=first,
        last=last,
        known=as_known_at,
    )


def decisions(connection: Connection, site_key: str, battery: str, start: datetime, end: datetime) -> pl.DataFrame:
    """The plan that held in each settled slot of ``[start, end)``, and what it told a battery there.

    Returns:
        ``[starts_at, horizon_start, initial_wh, options, mode, limits]``; documents as JSON text. Slots without a plan
        are absent, and null is what was not recorded.
    """
    return query(
        connection,
        """SELECT a.starts_at, r.horizon_start,
                  CAST(r.problem #>> '{batteries,0,initial_wh}' AS double precision) AS initial_wh,
                  (r.made_with -> 'options')::text AS options, d.mode, d.limits::text AS limits
           FROM ems.audit_interval a JOIN ems.planning_run r USING (planning_run_id)
           LEFT JOIN ems.planning_device_interval d ON d.planning_run_id = a.planning_run_id
                AND d.starts_at = a.starts_at AND d.asset_key = :battery
           WHERE a.site_key = :site AND a.starts_at >= :start AND a.starts_at < :end
           ORDER BY a.starts_at""",
        site=site_key,
        battery=battery,
        start=start,
        end=end,
    )


def believed(connection: Connection, site_key: str, start: datetime, end: datetime) -> pl.DataFrame:
    """What the plan that held in each settled slot of ``[start, end)`` expected from there on until ``end``.

    Returns:
        ``held_at`` (the slot), ``starts_at`` (what is expected of), and the columns `BELIEVED`.
    """
    return query(
        connection,
        f"""SELECT a.starts_at AS held_at, i.starts_at, {", ".join(f"i.{name}" for name in BELIEVED)}
            FROM ems.audit_interval a JOIN ems.planning_interval i ON i.planning_run_id = a.planning_run_id
                 AND i.starts_at >= a.starts_at AND i.starts_at < :end
            WHERE a.site_key = :site AND a.starts_at >= :start AND a.starts_at < :end
            ORDER BY a.starts_at, i.starts_at""",
        site=site_key,
        start=start,
        end=end,
    )
