"""Load by weekday/slot profile: the forecast that any better one has to beat, and the one used until that happens.

One definition for Python and for ``fn_baseline_consumption`` in the database. For a slot with wall-clock number ``s``
(0..95) on weekday ``d`` (0 Monday .. 6 Sunday, both by the site's clock), as known at ``now``:

    rows     = measured slots with ``T - weeks * 7 * 24 h <= starts_at < T``, T = floor_slot(now), and a value
    baseline = mean of rows with weekday d and slot s, if there are at least `MIN_SAMPLES` of them
               else mean of rows with slot s on any day, else null (nothing measured)
    samples  = the number of rows averaged

The skipped hour of spring has fewer rows, the repeated hour of autumn more; both are averaged like any other. Classes
of weekdays (workday, Saturday, Sunday) are 2-4 % better on homes but 22 % worse on a small business closed on one
weekday (measured on the public homes), and the profile is the floor that must hold everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ems_pipeline import local_time, time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.forecast import habits, standard_load
from ems_pipeline.local_time import INSTANT

MODEL = "profile"
STANDARD_MODEL = "standard-profile"
MIN_SAMPLES = 3
WEEKS = 8
MEASURED_ENOUGH = timedelta(days=7)
"""Until then a standard household is mixed with what the first days measured."""
AROUND = 4
"""Slots to either side that tell what is usual at a time of day while few days are known."""
UNMEASURED_BAND = (0.25, 3.0)
"""Between a tenth and nine tenths of a single household's quarter-hours, as shares of what is expected of it."""


def wall_clock(starts_at: pl.Expr, site_zone: ZoneInfo) -> dict[str, pl.Expr]:
    """``weekday`` (0 Monday .. 6 Sunday) and ``slot`` (0..95) of an instant by the site's clock."""
    local = local_time.wall(starts_at, site_zone)
    return {
        "weekday": local.dt.weekday().cast(pl.Int32) - 1,
        "slot": local.dt.hour().cast(pl.Int32) * 4 + local.dt.minute().cast(pl.Int32) // 15,
    }


def known_history(history: pl.DataFrame, now: datetime, weeks: int = WEEKS) -> pl.DataFrame:
    """Measured slots that ended before ``now``, at most ``weeks`` old; later rows are never looked at."""
    end = time_grid.floor_slot(now)
    at = pl.col("starts_at")
    return history.filter(at < end, at >= end - timedelta(weeks=weeks), pl.col("power_w").is_not_null())


def baseline_profile(history: pl.DataFrame, site_zone: ZoneInfo, now: datetime, weeks: int = WEEKS) -> pl.DataFrame:
    """Mean of the load by weekday and wall-clock slot, 10 % and 90 % quantile by slot.

    Args:
        history: ``[starts_at, power_w]`` per slot; nulls are gaps and are left out.

    Returns:
        ``[weekday, slot, power_w, p10_w, p90_w, samples]``, one row for each of the 7 x 96 whose slot has any history.
    """
    rows = known_history(history, now, weeks).with_columns(**wall_clock(pl.col("starts_at"), site_zone))
    power = pl.col("power_w")
    mean = {"power_w": power.mean(), "samples": pl.len().cast(pl.Int32)}
    edges = {"p10_w": power.quantile(0.1, "linear"), "p90_w": power.quantile(0.9, "linear")}
    by_weekday = rows.group_by("weekday", "slot").agg(**mean).filter(pl.col("samples") >= MIN_SAMPLES)
    week = pl.DataFrame({"weekday": list(range(7))}, schema={"weekday": pl.Int32})
    any_day = rows.group_by("slot").agg(**mean).join(week, how="cross")
    sparse = any_day.join(by_weekday, on=["weekday", "slot"], how="anti").select(by_weekday.columns)
    # A weekday has eight values of a slot at most: too few to know what one in ten of them exceeds.
    of_slot = rows.group_by("slot").agg(**edges)
    table = pl.concat([by_weekday, sparse]).join(of_slot, on="slot", how="left").sort("weekday", "slot")
    between = pl.min_horizontal("p10_w", "power_w"), pl.max_horizontal("p90_w", "power_w")
    return table.select("weekday", "slot", "power_w", p10_w=between[0], p90_w=between[1], samples="samples")


def baseline(history: pl.DataFrame, slots: Sequence[datetime], site_zone: ZoneInfo, now: datetime) -> pl.DataFrame:
    """``[starts_at, power_w, samples]`` of the slots whose time of day was measured: ``fn_baseline_consumption``."""
    wanted = pl.DataFrame({"starts_at": list(slots)}, schema={"starts_at": INSTANT})
    return (
        wanted.with_columns(**wall_clock(pl.col("starts_at"), site_zone))
        .join(baseline_profile(history, site_zone, now), on=["weekday", "slot"], how="inner", maintain_order="left")
        .select("starts_at", "power_w", "samples")
    )


def load_forecast(
    history: pl.DataFrame, slots: Sequence[datetime], site_zone: ZoneInfo, now: datetime, usual_load_w: float
) -> pl.DataFrame:
    """Load of the coming slots from the profile, or from the standard shape while less than a week is measured.

    Args:
        history: ``[starts_at, power_w]`` per slot, as known at ``now``.
        slots: the slots wanted.
        usual_load_w: the site's stated mean load, W; used only until a week is measured.

    Returns:
        ``[starts_at, power_w, p10_w, p90_w, model]``; power_w is the mean, as in ``fn_baseline_consumption``.
    """
    known = known_history(history, now)
    if known.height * time_grid.SLOT < MEASURED_ENOUGH:
        return standard_forecast(known, slots, site_zone, usual_load_w)
    wanted = pl.DataFrame({"starts_at": list(slots)}, schema={"starts_at": INSTANT})
    profile = baseline_profile(known, site_zone, now)
    joined = wanted.with_columns(**wall_clock(pl.col("starts_at"), site_zone)).join(
        profile, on=["weekday", "slot"], how="left", maintain_order="left"
    )
    # A slot never measured in a week that is otherwise measured: its neighbours know more than a standard curve.
    filled = joined.with_columns(pl.col("power_w", "p10_w", "p90_w").interpolate().forward_fill().backward_fill())
    return filled.select("starts_at", "power_w", "p10_w", "p90_w", model=pl.lit(MODEL))


def standard_forecast(
    known: pl.DataFrame, slots: Sequence[datetime], site_zone: ZoneInfo, usual_load_w: float
) -> pl.DataFrame:
    """A standard household around the stated mean, giving way at each time of day to what the first days measured.

    The household counts for as much as one measured day. Means are of fourth roots (see `habits`), over an hour to
    either side: a single kettle is no habit.
    """
    roots = (usual_load_w * standard_load.median(slots, site_zone)) ** habits.ROOT
    measured, days = _first_days(known, site_zone)
    at = [time_grid.slot_of_day(slot, site_zone) for slot in slots]
    power = ((roots + measured[at] * days[at]) / (1 + days[at])) ** (1 / habits.ROOT)
    frame = pl.DataFrame({"starts_at": list(slots), "power_w": power}, schema_overrides={"starts_at": INSTANT})
    low, high = UNMEASURED_BAND
    return frame.with_columns(
        p10_w=pl.col("power_w") * low, p90_w=pl.col("power_w") * high, model=pl.lit(STANDARD_MODEL)
    )


def _first_days(known: pl.DataFrame, site_zone: ZoneInfo) -> tuple[Array, Array]:
    """Mean root of the load around each wall-clock slot (0 where nothing is measured), and on how many days it was."""
    root = pl.col("power_w").clip(0).pow(habits.ROOT)
    slots = known.with_columns(**wall_clock(pl.col("starts_at"), site_zone))
    of_slot = slots.group_by("slot").agg(total=root.sum(), samples=pl.len())
    figures = np.zeros((2, timedelta(days=1) // time_grid.SLOT))
    figures[:, of_slot["slot"].to_numpy()] = of_slot.select("total", "samples").to_numpy().T
    around = np.array([np.roll(figures, shift, axis=1) for shift in range(-AROUND, AROUND + 1)])
    total, samples = around.sum(axis=0)
    return total / np.maximum(samples, 1), samples / len(around)
