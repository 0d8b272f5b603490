"""How good each issue of a forecast was, by the time it looked ahead, against what costs nothing."""

from __future__ import annotations

import polars as pl

from ems_pipeline import local_time, time_grid
from ems_pipeline.forecast import score
from ems_pipeline.time_grid import SLOT


def daily_scores(issues: pl.DataFrame, actual: pl.DataFrame, reference: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Scores per local day, horizon class and model, the reference among the models.

    Of all issues of a class only the newest counts per slot: who forecasts more often is not scored more often. Skill
    compares forecast and reference on the slots both know.

    Args:
        issues: starts_at, known_at, power_w, p10_w, p90_w, model.
        actual: starts_at, power_w; null or absent where not measured or curtailed.
        reference: starts_at, power_w, p10_w, p90_w, model, one row per slot at most.

    Returns:
        ``[day, horizon, model, samples, mae_w, nrmse, bias_w, coverage_pct, skill_naive]``.
    """
    pairs = score.pairs(_by_horizon(issues, timezone), actual).drop_nulls("actual_w")
    keys = ["day", "horizon", "model"]
    if pairs.is_empty():
        return pl.DataFrame()
    naive = score.pairs(reference, actual).drop_nulls("actual_w")
    shared = ["starts_at", "power_w", "p10_w", "p90_w", "model", "actual_w"]
    classes = pairs.select("starts_at", "day", "horizon").unique()
    naive = naive.select(shared).join(classes, on="starts_at")
    common = pl.concat(
        [pairs.select(*shared, "day", "horizon").join(naive, on=["starts_at", "horizon"], how="semi"), naive]
    )
    scores = score.score(pl.concat([pairs.select(*shared, "day", "horizon"), naive]), *keys)
    for model in naive["model"].unique():
        compared = score.with_skill(score.score(common, *keys), model, "day", "horizon")
        skill = compared.select(*keys, skill_naive=f"skill_vs_{model}")
        return _columns(scores.join(skill, on=keys, how="left"), keys)
    return _columns(scores.with_columns(skill_naive=pl.lit(None, dtype=pl.Float64)), keys)


def _by_horizon(issues: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """The newest issue per slot and horizon class; what was issued after the slot is no forecast."""
    return (
        issues.filter(pl.col("known_at") < pl.col("starts_at") + SLOT)
        .with_columns(
            horizon=score.horizon(pl.col("starts_at"), pl.col("known_at")),
            day=local_time.day(pl.col("starts_at"), time_grid.zone(timezone)),
        )
        .sort("starts_at", "known_at")
        .unique(["starts_at", "horizon"], keep="last", maintain_order=True)
    )


def _columns(scores: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    figures = ["samples", "mae_w", "nrmse", "bias_w"]
    return scores.select(*keys, *figures, coverage_pct=pl.col("coverage") * 100, skill_naive="skill_naive").sort(*keys)
