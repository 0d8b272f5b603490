"""Scores of forecasts by hand: which issue counts, what skill compares, what is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from ems_pipeline.audit.scores import daily_scores

NOON = datetime(2026, 5, 4, 10, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")


def issues(*rows: tuple[float, float]) -> pl.DataFrame:
    """Forecasts of the noon slot: (hours before, power)."""
    frame = [(NOON, NOON - timedelta(hours=h), w, w - 100, w + 100, "m") for h, w in rows]
    names = {"starts_at": INSTANT, "known_at": INSTANT, "power_w": pl.Float64, "p10_w": pl.Float64, "p90_w": pl.Float64}
    return pl.DataFrame(frame, schema={**names, "model": pl.String}, orient="row")


def series(value: float | None, model: str | None = None) -> pl.DataFrame:
    frame = pl.DataFrame(
        {"starts_at": [NOON], "power_w": [value]}, schema={"starts_at": INSTANT, "power_w": pl.Float64}
    )
    edges = pl.lit(None, dtype=pl.Float64)
    return frame if model is None else frame.with_columns(p10_w=edges, p90_w=edges, model=pl.lit(model))


def test_the_newest_issue_of_each_horizon_counts_once() -> None:
    made = issues((20, 900), (13, 700), (3, 560), (1, 520))
    scores = daily_scores(made, series(500.0), series(450.0, "last-week"), "Europe/Prague")
    own = {r["horizon"]: r for r in scores.filter(pl.col("model") == "m").to_dicts()}
    assert {h: r["mae_w"] for h, r in own.items()} == {"12-36 h": 200, "0-4 h": 20}
    assert own["12-36 h"]["bias_w"] == 200, "positive: forecast too high"
    assert own["12-36 h"]["coverage_pct"] == 0
    assert own["0-4 h"]["coverage_pct"] == 100
    assert own["0-4 h"]["skill_naive"] == pytest.approx(1 - 20 / 50)
    assert own["12-36 h"]["skill_naive"] == pytest.approx(1 - 200 / 50)
    reference = scores.filter(pl.col("model") == "last-week")
    assert reference["mae_w"].to_list() == [50, 50]


def test_what_was_issued_after_the_slot_is_no_forecast() -> None:
    assert daily_scores(issues((-0.25, 500)), series(500.0), series(450.0, "x"), "Europe/Prague").is_empty()


def test_what_was_issued_within_the_slot_is_a_forecast_of_it() -> None:
    assert not daily_scores(issues((-0.2, 500)), series(500.0), series(450.0, "x"), "Europe/Prague").is_empty()


def test_without_a_measurement_nothing_is_scored() -> None:
    assert daily_scores(issues((1, 500)), series(None), series(450.0, "x"), "Europe/Prague").is_empty()


def test_without_a_reference_the_skill_is_unknown() -> None:
    (row,) = daily_scores(issues((1, 520)), series(500.0), series(None, "x"), "Europe/Prague").to_dicts()
    assert (row["mae_w"], row["skill_naive"]) == (20, None)
