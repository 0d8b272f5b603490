"""Weather and forecasts: every issue is kept; a read takes, per slot, the newest issue known at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.local_time import INSTANT
from ems_pipeline.warehouse import known
from ems_pipeline.warehouse.frames import query, upsert

Table = Literal[
    "weather_forecast",
    "weather_observation",
    "pv_forecast",
    "load_forecast",
    "heat_demand_forecast",
    "ev_session_forecast",
    "baseline_consumption",
]

_KEYS: dict[str, tuple[str, ...]] = {
    "weather_forecast": ("starts_at",),
    "weather_observation": ("starts_at",),
    "pv_forecast": ("asset_key", "starts_at"),
    "load_forecast": ("starts_at",),
    "heat_demand_forecast": ("asset_key", "starts_at"),
    "ev_session_forecast": ("asset_key", "arrives_at"),
    "baseline_consumption": ("starts_at",),
}
_COLUMNS: dict[str, list[str]] = {
    "weather_forecast": ["temperature_c", "ghi_w_m2", "dni_w_m2", "dhi_w_m2", "cloud_pct", "wind_m_s", "source"],
    "weather_observation": ["temperature_c", "ghi_w_m2", "dni_w_m2", "dhi_w_m2", "cloud_pct", "wind_m_s", "source"],
    "pv_forecast": ["power_w", "p10_w", "p90_w", "model"],
    "load_forecast": ["power_w", "p10_w", "p90_w", "model"],
    "heat_demand_forecast": ["outdoor_c", "heat_w", "cop", "model"],
    "ev_session_forecast": ["departs_at", "energy_wh", "probability", "model"],
    "baseline_consumption": ["power_w", "samples"],
}


def issue(
    connection: Connection,
    table: Table,
    site_key: str,
    frame: pl.DataFrame,
    known_at: datetime | None = None,
    recorded_at: datetime | None = None,
) -> int:
    """Store one issue of a forecast for a site.

    Args:
        known_at: what instant it was made for; None when the frame has a ``known_at`` of its own per row.
        recorded_at: when it is made, by the clock that decides; None: at ``known_at``. Later: it is hindsight.
    """
    labels = [pl.lit(site_key).alias("site_key")]
    if known_at is not None:
        labels.append(pl.lit(known_at).alias("known_at"))
    labelled = frame.with_columns(labels).with_columns(pl.col("known_at").cast(INSTANT))
    if recorded_at is not None:
        labelled = labelled.with_columns(recorded_at=pl.lit(recorded_at).cast(INSTANT))
    whole = ("site_key", "asset_key") if table == "ev_session_forecast" else ()
    return known.issue(connection, f"ems.{table}", labelled, keys=("site_key", *_KEYS[table]), whole=whole)


def newest(
    connection: Connection,
    table: Table,
    site_keys: Sequence[str],
    start: datetime,
    end: datetime,
    as_known_at: datetime | None = None,
) -> pl.DataFrame:
    """Per site and slot of ``[start, end)`` the newest issue known at an instant: site_key first, ``known_at`` last.

    A slot of which nothing was recorded by then has what was made of it afterwards.
    """
    instant = _KEYS[table][-1]
    return known.as_known(
        connection,
        f"ems.{table}",
        ["site_key", *_KEYS[table], *_COLUMNS[table]],
        keys=("site_key", *_KEYS[table]),
        where=f"site_key = ANY(:sites) AND {instant} >= :start AND {instant} < :end",
        as_known_at=as_known_at,
        order=known.ISSUES,
        sites=list(site_keys),
        start=start,
        end=end,
    )


def young_weather(
    connection: Connection, site_keys: Sequence[str], start: datetime, end: datetime, since: datetime
) -> dict[str, int]:
    """For how many slots of ``[start, end)`` a site's newest issue is one of ``since`` on and knows the radiation."""
    counted = query(
        connection,
        """SELECT k.site_key, count(f.starts_at) AS slots FROM unnest(CAST(:sites AS text[])) k (site_key)
           LEFT JOIN (
               SELECT DISTINCT ON (site_key, starts_at) site_key, starts_at, known_at, ghi_w_m2
               FROM ems.weather_forecast
               WHERE site_key = ANY(:sites) AND starts_at >= :start AND starts_at < :end
               ORDER BY site_key, starts_at, known_at DESC, recorded_at DESC
           ) f ON f.site_key = k.site_key AND f.known_at >= :since AND f.ghi_w_m2 IS NOT NULL
           GROUP BY k.site_key""",
        sites=list(site_keys),
        start=start,
        end=end,
        since=since,
    )
    return dict(counted.iter_rows())


def issued_by(connection: Connection, table: Table, model: str, since: datetime) -> set[str]:
    """Sites with a forecast that a model has made at ``since`` or later."""
    found = query(
        connection,
        f"""SELECT DISTINCT site_key FROM ems.{table}
            WHERE model = :model AND known_at >= :since AND starts_at >= :since""",
        model=model,
        since=since,
    )
    return set(found["site_key"])


def newest_sessions(
    connection: Connection, site_keys: Sequence[str], start: datetime, end: datetime, as_known_at: datetime
) -> pl.DataFrame:
    """EV sessions of the newest issue known at an instant that touch ``[start, end)``, by site, charger and arrival.

    A newer issue may move a session, so issues are taken whole: the newest one per charger, not per session; one that
    expects nobody says so by a row of probability 0. One that was recorded by then comes before hindsight while it
    reaches, for two days.
    """
    return query(
        connection,
        f"""SELECT s.site_key, s.asset_key, s.arrives_at, s.departs_at, s.energy_wh, s.probability, s.model, s.known_at
           FROM ems.ev_session_forecast s
           JOIN (SELECT DISTINCT ON (site_key, asset_key) site_key, asset_key, known_at, recorded_at
                 FROM ems.ev_session_forecast
                 WHERE site_key = ANY(:sites) AND known_at <= :as_known_at
                 ORDER BY site_key, asset_key,
                          (known_at > CAST(:as_known_at AS timestamptz) - interval '2 days') DESC,
                          {known.ISSUES}) newest
             USING (site_key, asset_key, known_at, recorded_at)
           WHERE s.site_key = ANY(:sites) AND s.arrives_at < :end AND s.departs_at > :start AND s.probability > 0
           ORDER BY s.site_key, s.asset_key, s.arrives_at""",
        sites=list(site_keys),
        start=start,
        end=end,
        as_known_at=as_known_at,
    )


def measured_load(connection: Connection, site_key: str, start: datetime, end: datetime) -> pl.DataFrame:
    """House load that counts as measured, half of the slot at least: starts_at, power_w (``vw_actual_baseline``)."""
    return query(
        connection,
        """SELECT starts_at, power_w FROM ems.vw_actual_baseline
           WHERE site_key = :site AND starts_at >= :start AND starts_at < :end AND coverage_pct >= 50
           ORDER BY starts_at""",
        site=site_key,
        start=start,
        end=end,
    )


def cop_estimates(
    connection: Connection,
    site_key: str,
    asset_key: str,
    flow_c: float,
    start: datetime,
    end: datetime,
    as_known_at: datetime,
) -> pl.DataFrame:
    """Outdoor temperature and COP per slot: starts_at, outdoor_c, cop (``fn_cop_estimate``; null without a curve).

    The temperature is that of the newest weather forecast known at the instant.
    """
    return query(
        connection,
        f"""SELECT w.starts_at, w.temperature_c AS outdoor_c,
                  ems.fn_cop_estimate(:site, :asset, w.temperature_c, :flow, :as_known_at) AS cop
           FROM (SELECT DISTINCT ON (starts_at) starts_at, temperature_c FROM ems.weather_forecast
                 WHERE site_key = :site AND starts_at >= :start AND starts_at < :end AND known_at <= :as_known_at
                 ORDER BY starts_at, {known.ISSUES}) w
           WHERE w.temperature_c IS NOT NULL ORDER BY w.starts_at""",
        site=site_key,
        asset=asset_key,
        flow=flow_c,
        start=start,
        end=end,
        as_known_at=as_known_at,
    )


def cop_history(connection: Connection, site_key: str, asset_key: str, before: datetime, days: int) -> pl.DataFrame:
    """Measured COP of the ``days`` days before an instant: starts_at, outdoor_c, flow_c, electric_w, heat_w, cop."""
    return query(
        connection,
        """SELECT starts_at, outdoor_c, flow_c, electric_w, heat_w, cop FROM ems.cop_history
           WHERE site_key = :site AND asset_key = :asset AND starts_at < :before
             AND starts_at >= CAST(:before AS timestamptz) - make_interval(days => :days) ORDER BY starts_at""",
        site=site_key,
        asset=asset_key,
        before=before,
        days=days,
    )


def put_cop_curve(connection: Connection, frame: pl.DataFrame) -> int:
    """Write fitted COP curves, known from ``known_at``, made at ``recorded_at`` (absent: right then)."""
    return known.issue(connection, "ems.cop_curve", frame, keys=("site_key", "asset_key"))


def put_cop_history(connection: Connection, frame: pl.DataFrame) -> int:
    """Write measured COP per quarter-hour; the same quarter again replaces itself."""
    return upsert(connection, "ems.cop_history", frame, ["site_key", "asset_key", "starts_at"])


def put_scores(connection: Connection, frame: pl.DataFrame) -> int:
    """Write forecast scores; the same day again replaces itself. Without ``is_hindsight``: of forecasts made then."""
    if "is_hindsight" not in frame.columns:
        frame = frame.with_columns(is_hindsight=pl.lit(False))
    keys = ["site_key", "day", "target", "horizon", "model", "is_hindsight"]
    return upsert(connection, "ems.forecast_score", frame, keys)
