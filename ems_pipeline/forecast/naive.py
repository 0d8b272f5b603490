"""Forecasts that cost nothing, as references: the same wall-clock slot of last week and of the last known day.

By the wall clock, not by a shift of 96 slots: over a clock change that would compare breakfast with the hour before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.local_time import INSTANT

LAST_WEEK = "last-week"
YESTERDAY = "yesterday"


def seasonal_naive(
    history: pl.DataFrame, slots: Sequence[datetime], site_zone: ZoneInfo, now: datetime, days: int = 7
) -> pl.DataFrame:
    """The value of the same wall-clock slot ``days`` days before, or the first multiple of it known at ``now``.

    Args:
        history: ``[starts_at, power_w]``; rows from ``now`` on are not looked at, gaps give null (an hour the spring
            change skipped, too).

    Returns:
        ``[starts_at, power_w, p10_w, p90_w, model]`` with null edges; model is "last-week" for 7 and "yesterday" for 1.
    """
    known_until = time_grid.floor_slot(now)
    sources = [_same_slot_before(at, site_zone, known_until, days) for at in slots]
    known = history.filter(pl.col("starts_at") < known_until).select(source="starts_at", power_w=pl.col("power_w"))
    wanted = pl.DataFrame(
        {"starts_at": list(slots), "source": sources}, schema={"starts_at": INSTANT, "source": INSTANT}
    )
    nothing = pl.lit(None, dtype=pl.Float64)
    return wanted.join(known.cast({"source": INSTANT}), on="source", how="left", maintain_order="left").select(
        "starts_at",
        "power_w",
        p10_w=nothing,
        p90_w=nothing,
        model=pl.lit({7: LAST_WEEK, 1: YESTERDAY}.get(days, f"{days}-days")),
    )


def _same_slot_before(at: datetime, site_zone: ZoneInfo, known_until: datetime, days: int) -> datetime:
    local = time_grid.utc(at).astimezone(site_zone)
    back = days
    while True:
        earlier = time_grid.local_instant(local.date() - timedelta(days=back), local.time(), site_zone)
        if earlier < known_until:
            return earlier
        back += days
