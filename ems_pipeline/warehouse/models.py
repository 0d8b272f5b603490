"""Trained forecast models as text, one row per training: any forecast can be made again with what was known then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline import time_grid
from ems_pipeline.warehouse import known
from ems_pipeline.warehouse.frames import query

Target = Literal["load", "pv"]
Role = Literal["live", "shadow"]

HORIZON = "trial"
"""Marks rows of ``forecast_score`` that compare a model with the simple forecast it would replace, noon to next day."""


@dataclass(frozen=True)
class StoredModel:
    """One training. ``live`` makes the forecasts, ``shadow`` is only watched; known since ``known_at``."""

    target: Target
    model: str
    document: str
    trained_from: datetime
    trained_to: datetime
    role: Role
    known_at: datetime


def put(connection: Connection, site_key: str, stored: StoredModel, recorded_at: datetime | None = None) -> None:
    """Keep a training, made at ``recorded_at`` (None: when it counts as known)."""
    known.issue(
        connection,
        "ems.forecast_model",
        pl.DataFrame([{"site_key": site_key, **stored.__dict__, "recorded_at": recorded_at or stored.known_at}]),
        keys=("site_key", "target"),
    )


def newest(
    connection: Connection, site_key: str, target: Target, model: str, as_known_at: datetime
) -> StoredModel | None:
    """The newest training of ``model`` known at an instant; None when there is none.

    A version of the software that stores models of another make gives them another name and trains anew.
    """
    rows = query(
        connection,
        f"""SELECT target, model, document, trained_from, trained_to, role, known_at FROM ems.forecast_model
           WHERE site_key = :site AND target = :target AND model = :model AND known_at <= :at
           ORDER BY {known.issue_order(":at")} LIMIT 1""",
        site=site_key,
        model=model,
        target=target,
        at=as_known_at,
    )
    return StoredModel(**rows.row(0, named=True)) if rows.height else None


def trial_scores(connection: Connection, site_key: str, target: Target, before: date) -> pl.DataFrame:
    """Daily errors of model and simple forecast on the days before one: day, model, mae_w, samples."""
    return query(
        connection,
        """SELECT day, model, mae_w, samples FROM ems.forecast_score
           WHERE site_key = :site AND target = :target AND horizon = :horizon AND day < :before
           ORDER BY day""",
        site=site_key,
        target=target,
        horizon=HORIZON,
        before=before,
    )


NOON = time(12)


def weather_as_forecast(
    connection: Connection, site_key: str, start: datetime, end: datetime, noon_in: str | None = None
) -> pl.DataFrame:
    """Weather per slot of ``[start, end)`` as last forecast half a day ahead: what a model meets when it is used.

    The newest issue is nearly a measurement by then; a model trained on it would trust the forecast too much.

    Args:
        noon_in: time zone of the site: as known at noon of the day before, which is when a model on trial decides.
    """
    decided: list[tuple[datetime, datetime, datetime | None]] = [(start, end, None)]
    if noon_in is not None and start < end:
        decided = [*_noons(start, end, time_grid.zone(noon_in))]
    firsts, ends, noons = (list(column) for column in zip(*decided, strict=True))
    then = "coalesce(d.noon, starts_at - make_interval(hours => 12))"
    return query(
        connection,
        f"""SELECT DISTINCT ON (starts_at) starts_at, temperature_c, ghi_w_m2, dni_w_m2, dhi_w_m2, cloud_pct
           FROM ems.weather_forecast
           JOIN unnest(CAST(:firsts AS timestamptz[]), CAST(:ends AS timestamptz[]), CAST(:noons AS timestamptz[]))
                AS d (first, until, noon) ON starts_at >= d.first AND starts_at < d.until
           WHERE site_key = :site AND starts_at >= :start AND starts_at < :end
             AND known_at <= {then}
           ORDER BY starts_at, {known.issue_order(then)}""",
        site=site_key,
        start=start,
        end=end,
        firsts=firsts,
        ends=ends,
        noons=noons,
    )


def _noons(start: datetime, end: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime, datetime]]:
    """Bounds of the civil days that a window touches, and noon of the day before each."""
    return [
        (*time_grid.day_bounds(day, zone), time_grid.local_instant(day - time_grid.ONE_DAY, NOON, zone))
        for day in time_grid.days_of(start, end, zone)
    ]
