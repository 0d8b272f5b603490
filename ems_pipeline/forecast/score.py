"""How good a forecast was: errors, bands, and skill against what costs nothing.

Pairs without a measurement or without a forecast count nowhere: a gap is no error and no success. Curtailed PV slots
are left out by the caller. Add a figure to `FIGURES` and it appears per model, day and horizon.
"""

from __future__ import annotations

import polars as pl

ERROR = pl.col("power_w") - pl.col("actual_w")


def _pinball(quantile: float, column: str) -> pl.Expr:
    """Quantile loss, W (Koenker and Bassett 1978): ``q`` per W too low, ``1 - q`` per W too high."""
    missed = pl.col("actual_w") - pl.col(column)
    return pl.max_horizontal(quantile * missed, (quantile - 1) * missed).mean()


FIGURES = {
    "samples": pl.len(),
    "mean_w": pl.col("actual_w").mean(),
    "mae_w": ERROR.abs().mean(),
    "bias_w": ERROR.mean(),
    # RMSE over the mean actual value; of the three normalisations in use this one needs no rating of the site.
    "nrmse": (ERROR**2).mean().sqrt() / pl.when(pl.col("actual_w").mean() > 0).then(pl.col("actual_w").mean()),
    "pinball_w": (_pinball(0.1, "p10_w") + _pinball(0.5, "power_w") + _pinball(0.9, "p90_w")) / 3,
    "coverage": (
        pl.when(pl.col("p10_w").is_not_null() & pl.col("p90_w").is_not_null())
        .then(pl.col("actual_w").is_between("p10_w", "p90_w"))
        .mean()
    ),
}
"""Per group: pairs, mean actual, MAE, bias (positive: forecast too high), RMSE / mean, pinball loss, share in band."""


def pairs(forecast: pl.DataFrame, actual: pl.DataFrame) -> pl.DataFrame:
    """Forecast rows that have a measurement: ``forecast`` plus ``actual_w`` from ``[starts_at, power_w]``."""
    measured = actual.select("starts_at", actual_w="power_w").drop_nulls()
    return forecast.drop_nulls("power_w").join(measured, on="starts_at", maintain_order="left")


def score(scored_pairs: pl.DataFrame, *by: str) -> pl.DataFrame:
    """`FIGURES` of each group of ``by`` (columns of the pairs, e.g. "model", "day", "horizon"), sorted by it.

    Args:
        scored_pairs: ``[actual_w, power_w, p10_w, p90_w, ...by]``; null edges leave pinball and coverage null.
    """
    if not by:
        return scored_pairs.select(**FIGURES)
    return scored_pairs.group_by(*by).agg(**FIGURES).sort(*by)


def with_skill(scores: pl.DataFrame, reference: str, *by: str) -> pl.DataFrame:
    """Adds ``skill_vs_<reference>``: ``1 - MAE / MAE of the reference model`` within each group of ``by``.

    1 is perfect, 0 as good as the reference, negative worse; null where the reference was not scored. Compare models on
    the same pairs only: score forecasts of all of them for the same slots.
    """
    base = scores.filter(pl.col("model") == reference).select(*by, reference_mae_w="mae_w")
    joined = scores.join(base, on=list(by), how="left", maintain_order="left") if by else scores.join(base, how="cross")
    known = pl.col("reference_mae_w") > 0
    skill = pl.when(known).then(1 - pl.col("mae_w") / pl.col("reference_mae_w"))
    return joined.with_columns(skill.alias(f"skill_vs_{reference}")).drop("reference_mae_w")


def horizon(starts_at: pl.Expr, made_at: pl.Expr) -> pl.Expr:
    """The lead of a forecast as a class people read: ``0-4 h``, ``4-12 h``, ``12-36 h`` or ``36 h+``."""
    lead_h = (starts_at - made_at).dt.total_minutes() / 60
    classes = pl.when(lead_h < 4).then(pl.lit("0-4 h")).when(lead_h < 12).then(pl.lit("4-12 h"))
    return classes.when(lead_h < 36).then(pl.lit("12-36 h")).otherwise(pl.lit("36 h+"))
