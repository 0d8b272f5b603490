"""Who forecasts: a shadow model runs beside the one in charge and replaces it only after winning for a stated time.

The same rule the other way demotes a model that a simpler one beats. One good day proves nothing, one bad day neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

DAYS = 14
MARGIN = 0.02
"""The shadow's error must be lower by this share: a change of model for nothing makes plans jumpy."""


@dataclass(frozen=True)
class Verdict:
    """``model`` forecasts from now on; ``reason`` says why in words."""

    model: str
    reason: str
    days: tuple[date, ...] = ()


def decide(daily: pl.DataFrame, in_charge: str, shadow: str, days: int = DAYS, margin: float = MARGIN) -> Verdict:
    """Whether ``shadow`` takes over from ``in_charge``.

    It does when, over the last ``days`` days on which both were scored, its total absolute error is lower by ``margin``
    and it was better on more than half of them.

    Args:
        daily: ``[day, model, mae_w, samples]``, one row per day and model; days missing for one of them are left out.
    """
    both = (
        daily.filter(pl.col("model").is_in([in_charge, shadow]), pl.col("mae_w").is_not_null())
        .with_columns(error=pl.col("mae_w") * pl.col("samples"))
        .pivot("model", index="day", values="error")
        .sort("day")
    )
    if in_charge not in both.columns or shadow not in both.columns:
        return Verdict(in_charge, f"{shadow} and {in_charge} have no scored day in common")
    last = both.drop_nulls().tail(days)
    compared = tuple(last["day"])
    if len(compared) < days:
        return Verdict(in_charge, f"{len(compared)} of {days} days compared; {in_charge} stays", compared)
    lower = 1 - float(last[shadow].sum()) / max(float(last[in_charge].sum()), 1e-9)
    wins = int((last[shadow] < last[in_charge]).sum())
    told = f"{shadow} erred {lower:+.1%} less than {in_charge} over {days} days and won {wins} of them"
    if lower >= margin and wins * 2 > days:
        return Verdict(shadow, f"{told}: promoted", compared)
    return Verdict(in_charge, f"{told}: {in_charge} stays (needs {margin:.0%} and more than half)", compared)
