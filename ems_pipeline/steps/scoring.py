"""Forecasts scored: errors per day and horizon, and their skill against the same slot of days before."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.audit.scores import daily_scores
from ems_pipeline.forecast.naive import seasonal_naive
from ems_pipeline.steps.windows import DECISION_OF_THE_DAY, SiteWindow
from ems_pipeline.warehouse import audits, forecasts
from ems_pipeline.warehouse.engine import Connection

TARGETS: dict[str, tuple[Any, int]] = {"load": ("load_forecast", 7), "pv": ("pv_forecast", 1)}
"""What is scored: its forecasts, and how many days back the reference takes the same slot from."""
REFERENCES = ("last-week", "yesterday")
"""Models that are what forecasts are compared with, and no forecasts."""
REFERENCE_HISTORY = timedelta(days=15)


def score(connection: Connection, window: SiteWindow, now: datetime) -> dict[str, pl.DataFrame]:
    """Score the forecasts of a window as far as it is over, and keep the scores: by target, as of `daily_scores`."""
    scores = {target: _scores(connection, window, target, now) for target in TARGETS}
    for target, found in scores.items():
        if found.height:
            labelled = found.with_columns(site_key=pl.lit(window.site.key), target=pl.lit(target))
            forecasts.put_scores(connection, labelled)
    return scores


def _scores(connection: Connection, window: SiteWindow, target: str, now: datetime) -> pl.DataFrame:
    table, days = TARGETS[target]
    end = min(window.end, now)
    measured = audits.measured_targets(connection, window.site.key, window.start - REFERENCE_HISTORY, end)
    actual = measured.select("starts_at", power_w=f"{target}_w")
    reference = [
        seasonal_naive(actual, time_grid.day_slots(day, window.zone), window.zone, _day_before(day, window), days)
        for day in window.days
    ]
    issues = audits.forecast_issues(connection, table, window.site.key, window.start, end)
    scored = [
        found.with_columns(is_hindsight=pl.lit(late[0]))
        for late, part in issues.group_by("is_hindsight", maintain_order=True)
        if (found := daily_scores(part, actual, pl.concat(reference), window.site.timezone)).height
    ]
    return pl.concat(scored) if scored else pl.DataFrame()


def _day_before(day: date, window: SiteWindow) -> datetime:
    """The reference is made when the daily plan is: nothing later than the afternoon before."""
    return time_grid.local_instant(day - timedelta(days=1), DECISION_OF_THE_DAY, window.zone)
