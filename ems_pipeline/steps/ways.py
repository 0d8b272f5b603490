"""In which ways things may go at a site, from what its forecasts missed lately. Pure: `known` has read all of it."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.local_time import INSTANT
from ems_pipeline.plan.assembly import courses
from ems_pipeline.plan.assembly.courses import DAY, DAYS, HOURS_AFTER, PER_HOUR, Missed
from ems_pipeline.plan.problem import Course
from ems_pipeline.steps.known import Known


def of(known: Known, starts: list[datetime], drawn_w: Array) -> tuple[Course, ...]:
    """Courses for a horizon of ``starts``; none where too little is known of the last days.

    Args:
        drawn_w: expected of what is left alone, in addition to the load forecast.
    """
    if known.missed.is_empty():
        return ()
    n, first = len(starts), starts[0]
    buy, sell = (
        _prices(known, first - DAYS.stop * time_grid.ONE_DAY, DAYS.stop * DAY + n, side) for side in ("buy", "sell")
    )
    if not (np.isfinite(buy).all() and np.isfinite(sell).all()):
        return ()
    missed = [
        Missed(back, *(_series(day, first - back * time_grid.ONE_DAY, DAY, name) for name in ("load_w", "pv_w")))
        for (back,), day in known.missed.partition_by("days_back", as_dict=True, maintain_order=True).items()
    ]
    sun = known.missed.group_by(
        (pl.col("starts_at") + pl.col("days_back") * pl.duration(days=1)).alias("starts_at")
    ).agg(pl.col("sun_w").max())
    later = n + HOURS_AFTER * PER_HOUR
    load_w = _reaching(_series(known.load, first, later, "power_w"))
    pv = known.pv.group_by("starts_at").agg(pl.col("power_w").sum()) if len(known.pv) else known.pv
    pv_w = _reaching(_series(pv, first, later, "power_w")) if len(pv) else np.zeros(len(load_w))
    load_w[:n] += drawn_w
    most_w = np.nan_to_num(_series(sun, first, DAY, "sun_w"))
    return courses.courses(load_w, pv_w, missed, most_w, n, buy, sell)


def _prices(known: Known, since: datetime, slots: int, side: str) -> Array:
    both = pl.concat([known.prices_before, known.prices], how="diagonal_relaxed").unique("starts_at", keep="last")
    return _series(both, since, slots, f"{side}_per_kwh")


def _series(frame: pl.DataFrame, first: datetime, slots: int, column: str) -> Array:
    """Values of consecutive slots, NaN where there is none."""
    wanted = pl.DataFrame(
        {"starts_at": [first + k * time_grid.SLOT for k in range(slots)]}, schema={"starts_at": INSTANT}
    )
    joined = wanted.join(frame.select("starts_at", column), on="starts_at", how="left", maintain_order="left")
    return joined[column].cast(pl.Float64).fill_null(float("nan")).to_numpy(writable=True)


def _reaching(values: Array) -> Array:
    """As far as there are values without a gap."""
    missing = np.flatnonzero(~np.isfinite(values))
    return values[: missing[0]] if len(missing) else values
