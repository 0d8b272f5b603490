"""Baselines of days, a row each, and the plans that some of them execute; computed by `steps.comparing`."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import versions
from ems_pipeline.warehouse.frames import query

SAID = (
    "energy_cost", "fuel_cost", "wear_cost", "stored_change_wh", "stored_value", "end_soc_pct", "settled_slots",
    "slots", "is_modelled", "missing",
)  # fmt: skip


def put(connection: Connection, rows: pl.DataFrame) -> int:
    """Store rows of ``ems.baseline_day`` that say something else than their newest version; how many those are."""
    return versions.put(connection, "ems.baseline_day", rows, ("site_key", "day", "baseline"), SAID)


def days(
    connection: Connection, site_key: str, first: date, last: date, as_known_at: datetime | None = None
) -> pl.DataFrame:
    """Days ``first``..``last`` as in ``ems.fn_baseline_day``: as known at an instant, else now."""
    return query(
        connection,
        "SELECT * FROM ems.fn_baseline_day(:site, :first, :last, coalesce(:known, 'infinity'::timestamptz))",
        site=site_key,
        first=first,
        last=last,
        known=as_known_at,
    )


def own_charge(connection: Connection, site_key: str, baseline: str, day: date) -> float | None:
    """Charge with which the battery of a baseline left ``day``, %; None where it was not played."""
    return connection.execute(
        sa.text("""SELECT end_soc_pct FROM ems.baseline_day
                   WHERE site_key = :site AND day = :day AND baseline = :baseline ORDER BY version DESC LIMIT 1"""),
        {"site": site_key, "day": day, "baseline": baseline},
    ).scalar()


def charge_before(connection: Connection, site_key: str, start: datetime) -> float | None:
    """Measured charge at ``start``, %."""
    return connection.execute(
        sa.text("SELECT soc_pct FROM ems.vw_site_15m WHERE site_key = :site AND starts_at = :before"),
        {"site": site_key, "before": start - SLOT},
    ).scalar()


def plan_in_force(connection: Connection, site_key: str, start: datetime) -> str | None:
    """The plan that held when the day began."""
    return connection.execute(
        sa.text("SELECT planning_run_id::text FROM ems.fn_plan_in_force(:site, :start, :start)"),
        {"site": site_key, "start": start},
    ).scalar()


def day_ahead_plan(connection: Connection, site_key: str, start: datetime) -> str | None:
    """The newest daily plan that was known when the day began and reaches into it."""
    return connection.execute(
        sa.text("""SELECT planning_run_id::text FROM ems.vw_executable_plan
                   WHERE site_key = :site AND kind = 'daily' AND decided_at <= :start AND recorded_at <= :start
                     AND decided_at > :start - interval '8 days' AND horizon_start <= :start AND horizon_end > :start
                   ORDER BY decided_at DESC LIMIT 1"""),
        {"site": site_key, "start": start},
    ).scalar()


def battery_w(connection: Connection, plan_id: str, start: datetime, end: datetime) -> pl.DataFrame:
    """Battery power that a plan has for the slots of ``[start, end)``: starts_at, battery_w (> 0 discharges)."""
    return query(
        connection,
        """SELECT starts_at, battery_w FROM ems.planning_interval
           WHERE planning_run_id = CAST(:plan AS uuid) AND starts_at >= :start AND starts_at < :end
           ORDER BY starts_at""",
        plan=plan_id,
        start=start,
        end=end,
    )
