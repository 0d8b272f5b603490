"""Settled quarter-hours and days, stored and read; what is computed of them: `steps.settling`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse.frames import query, stage


def fill(connection: Connection, site_key: str, start: datetime, end: datetime, as_known_at: datetime) -> int:
    """Settle the slots of ``[start, end)`` but for their baselines; how many are new or different."""
    changed = connection.execute(
        sa.text("SELECT ems.fn_fill_audit_interval(:site, :start, :end, :known)"),
        {"site": site_key, "start": start, "end": end, "known": as_known_at},
    ).scalar_one()
    return int(changed)


def self_use_charge(connection: Connection, site_key: str, start: datetime, memory: timedelta) -> float | None:
    """Charge of the self-use battery at ``start``, %: its own if not older than ``memory``, else the measured one."""
    own = connection.execute(
        sa.text("""SELECT self_use_soc_pct FROM ems.audit_interval
                   WHERE site_key = :site AND starts_at < :start AND starts_at >= :oldest
                     AND self_use_soc_pct IS NOT NULL ORDER BY starts_at DESC LIMIT 1"""),
        {"site": site_key, "start": start, "oldest": start - memory},
    ).scalar()
    if own is not None:
        return float(own)
    before = connection.execute(
        sa.text("SELECT soc_pct FROM ems.vw_site_15m WHERE site_key = :site AND starts_at = :before"),
        {"site": site_key, "before": start - SLOT},
    ).scalar()
    return None if before is None else float(before)


def put_baselines(connection: Connection, site_key: str, frame: pl.DataFrame) -> None:
    """Store what the baselines would have done, beside the slots they are of."""
    if frame.is_empty():
        return
    stage(connection, "ems.audit_interval", frame)
    connection.execute(
        sa.text("""UPDATE ems.audit_interval a
                   SET no_battery_grid_w = i.no_battery_grid_w, self_use_grid_w = i.self_use_grid_w,
                       self_use_battery_w = i.self_use_battery_w, self_use_soc_pct = i.self_use_soc_pct
                   FROM incoming i
                   WHERE a.site_key = :site AND i.starts_at = a.starts_at
                     AND (a.no_battery_grid_w, a.self_use_grid_w, a.self_use_battery_w, a.self_use_soc_pct)
                         IS DISTINCT FROM
                         (i.no_battery_grid_w, i.self_use_grid_w, i.self_use_battery_w, i.self_use_soc_pct)"""),
        {"site": site_key},
    )


def put_gensets(connection: Connection, site_key: str, frame: pl.DataFrame) -> None:
    """Store what generating sets cost, and the baseline without them, beside the slots they are of.

    A settled slot that says another cost now counts as corrected.
    """
    if frame.is_empty():
        return
    stage(connection, "ems.audit_interval", frame)
    costs = ("genset_fuel_cost", "genset_start_cost", "genset_service_cost")
    names = ("genset_sets", *costs, "genset_co2_kg", "no_genset_grid_w")

    def of(row: str, columns: tuple[str, ...]) -> str:
        return f"({', '.join(f'{row}.{column}' for column in columns)})"

    connection.execute(
        sa.text(f"""UPDATE ems.audit_interval a
                    SET ({", ".join(names)}) = {of("i", names)},
                        revision = a.revision + (a.genset_sets > 0 AND a.cost IS NOT NULL
                                                 AND {of("a", costs)} IS DISTINCT FROM {of("i", costs)})::int,
                        filled_at = now()
                    FROM incoming i
                    WHERE a.site_key = :site AND i.starts_at = a.starts_at
                      AND {of("a", names)} IS DISTINCT FROM {of("i", names)}"""),
        {"site": site_key},
    )


def put_days(connection: Connection, days: pl.DataFrame) -> None:
    """Store settled days, whole rows of ``ems.audit_day``.

    A day of which no more is settled than before and which has another cost or planned cost now is marked restated for
    ever; the cost may change unmarked while its prices are called provisional.
    """
    stage(connection, "ems.audit_day", days)
    names = ", ".join(days.columns)
    values = ", ".join(f"{n} = excluded.{n}" for n in days.columns if n not in ("site_key", "day"))
    connection.exec_driver_sql(f"""
        INSERT INTO ems.audit_day AS old ({names}) SELECT {names} FROM incoming
        ON CONFLICT (site_key, day) DO UPDATE SET {values}, filled_at = now(),
            is_restated = old.is_restated
                OR (old.settled_slots >= excluded.settled_slots
                    AND (NOT old.is_provisional AND coalesce(abs(old.cost - excluded.cost) > 0.005, false)
                         OR (old.planned_cost IS NULL) <> (excluded.planned_cost IS NULL)
                         OR coalesce(abs(old.planned_cost - excluded.planned_cost) > 0.005, false)))""")


def slots(connection: Connection, site_key: str, start: datetime, end: datetime) -> pl.DataFrame:
    """Settled quarter-hours of ``[start, end)`` in order, as ``ems.audit_interval``; ``commanded`` is JSON text."""
    frame = query(
        connection,
        """SELECT a.*, a.commanded::text AS commanded_text FROM ems.audit_interval a
           WHERE site_key = :site AND starts_at >= :start AND starts_at < :end ORDER BY starts_at""",
        site=site_key,
        start=start,
        end=end,
    )
    return frame.drop("commanded").rename({"commanded_text": "commanded"})


def summary(connection: Connection, site_key: str | None, first: date, last: date) -> pl.DataFrame:
    """Days ``first``..``last`` of a site, or of all, as in ``vw_audit_summary``, ordered by site and day."""
    return query(
        connection,
        """SELECT * FROM ems.vw_audit_summary
           WHERE (CAST(:site AS text) IS NULL OR site_key = :site) AND day BETWEEN :first AND :last
           ORDER BY site_key, day""",
        site=site_key,
        first=first,
        last=last,
    )


def forecast_issues(
    connection: Connection,
    table: Literal["load_forecast", "pv_forecast"],
    site_key: str,
    start: datetime,
    end: datetime,
) -> pl.DataFrame:
    """Every issue of a site's forecast for ``[start, end)``, its assets added up.

    A slot that was forecast before it was over has these issues alone. Any other has what was made of it afterwards,
    the last time it was.

    Returns:
        ``[starts_at, known_at, power_w, p10_w, p90_w, model, is_hindsight]``; the edges of a sum of bands are the sums
        of the edges, which is wider than the truth.
    """
    return query(
        connection,
        f"""SELECT DISTINCT ON (starts_at, known_at)
                   starts_at, known_at, power_w, p10_w, p90_w, model, is_hindsight
            FROM (SELECT starts_at, known_at, recorded_at, is_hindsight, sum(power_w) AS power_w, sum(p10_w) AS p10_w,
                         sum(p90_w) AS p90_w, min(model) AS model,
                         bool_and(is_hindsight) OVER (PARTITION BY starts_at) AS was_not_forecast
                  FROM ems.{table} WHERE site_key = :site AND starts_at >= :start AND starts_at < :end
                  GROUP BY starts_at, known_at, recorded_at, is_hindsight) issue
            WHERE was_not_forecast OR NOT is_hindsight
            ORDER BY starts_at, known_at, recorded_at DESC""",
        site=site_key,
        start=start,
        end=end,
    )


def measured_targets(connection: Connection, site_key: str, start: datetime, end: datetime) -> pl.DataFrame:
    """What forecasts are scored against: starts_at, load_w, pv_w; null where too little of the slot was measured.

    PV is null, too, where the plan in force curtailed it: the sky was better than the meter says.
    """
    return query(
        connection,
        """SELECT v.starts_at, v.load_w,
                  CASE WHEN coalesce(i.pv_w < i.pv_available_w - 1, false) THEN NULL ELSE v.pv_w END AS pv_w
           FROM ems.vw_site_15m v
           LEFT JOIN ems.audit_interval a USING (site_key, starts_at)
           LEFT JOIN ems.planning_interval i ON i.planning_run_id = a.planning_run_id AND i.starts_at = v.starts_at
           WHERE v.site_key = :site AND v.starts_at >= :start AND v.starts_at < :end AND v.coverage_pct >= 50
           ORDER BY v.starts_at""",
        site=site_key,
        start=start,
        end=end,
    )
