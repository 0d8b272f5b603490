"""What forecasts of the last days missed, as they were issued at the same time of day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.known import issue_order


def missed(
    connection: Connection, site_keys: Sequence[str], first: datetime, at: datetime, days: tuple[int, int]
) -> pl.DataFrame:
    """What came less what was forecast, for a day from ``first`` on moved back by so many days.

    Returns:
        site_key, days_back, starts_at, load_w, pv_w (came less forecast), sun_w (what came of PV), W; of a
        slot that was not forecast by then, or not measured, there is no row. A quarter-hour more than a day's.
    """
    return query(
        connection,
        f"""
        WITH back AS (
            SELECT days_back, CAST(:at AS timestamptz) - days_back * interval '1 day' AS known_by,
                CAST(:first AS timestamptz) - days_back * interval '1 day' AS first
            FROM generate_series(CAST(:fewest AS integer), CAST(:most AS integer)) days_back
        ), bus AS MATERIALIZED (
            SELECT site_key, starts_at, load_w, pv_w FROM ems.vw_site_15m
            WHERE site_key = ANY(:sites) AND starts_at >= CAST(:first AS timestamptz) - :most * interval '1 day'
                AND starts_at < CAST(:first AS timestamptz) - (:fewest - 1) * interval '1 day' + interval '15 minutes'
        ), load AS (
            SELECT DISTINCT ON (f.site_key, b.days_back, f.starts_at) f.site_key, b.days_back, f.starts_at, f.power_w
            FROM back b JOIN ems.load_forecast f ON f.starts_at >= b.first
                AND f.starts_at < b.first + interval '1 day 15 minutes' AND f.known_at <= b.known_by
            WHERE f.site_key = ANY(:sites)
            ORDER BY f.site_key, b.days_back, f.starts_at, {issue_order("b.known_by", "f")}
        ), plane AS (
            SELECT DISTINCT ON (f.site_key, b.days_back, f.starts_at, f.asset_key)
                f.site_key, b.days_back, f.starts_at, f.power_w
            FROM back b JOIN ems.pv_forecast f ON f.starts_at >= b.first
                AND f.starts_at < b.first + interval '1 day 15 minutes' AND f.known_at <= b.known_by
            WHERE f.site_key = ANY(:sites)
            ORDER BY f.site_key, b.days_back, f.starts_at, f.asset_key, {issue_order("b.known_by", "f")}
        ), sun AS (
            SELECT site_key, days_back, starts_at, sum(power_w) AS power_w FROM plane
            GROUP BY site_key, days_back, starts_at
        )
        SELECT site_key, days_back, starts_at, bus.load_w - load.power_w AS load_w,
            bus.pv_w - coalesce(sun.power_w, 0) AS pv_w, bus.pv_w AS sun_w
        FROM load JOIN bus USING (site_key, starts_at) LEFT JOIN sun USING (site_key, days_back, starts_at)
        WHERE bus.load_w IS NOT NULL AND (sun.power_w IS NOT NULL OR bus.pv_w = 0)
        ORDER BY site_key, days_back, starts_at""",
        sites=list(site_keys),
        first=first,
        at=at,
        fewest=days[0],
        most=days[1],
    )
