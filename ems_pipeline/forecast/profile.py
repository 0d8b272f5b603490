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

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.forecast import standard_load

MODEL = "profile"
STANDARD_MODEL = "standard-profile"
MIN_SAMPLES = 3
WEEKS = 8
MEASURED_ENOUGH = timedelta(days=7)
"""Until then the standard shape is used, around a mean that moves from the stated to the measured one."""
UNMEASURED_BAND = (0.4, 2.0)


def wall_clock(starts_at: pl.Expr, site_zone: ZoneInfo) -> dict[str, pl.Expr]:
    """``weekday`` (0 Monday .. 6 Sunday) and ``slot`` (0..95) of an instant by the site's clock."""
    local = starts_at.dt.convert_time_zone(site_zone.key)
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
    """Mean, 10 % and 90 % quantile of the load by weekday and wall-clock slot.

    Args:
        history: ``[starts_at, power_w]`` per slot; nulls are gaps and are left out.

    Returns:
        ``[weekday, slot, power_w, p10_w, p90_w, samples]``, one row for each of the 7 x 96 whose slot has any history.
    """
    rows = known_history(history, now, weeks).with_columns(**wall_clock(pl.col("starts_at"), site_zone))
    power = pl.col("power_w")
    figures = {
        "power_w": power.mean(),
        "p10_w": power.quantile(0.1, "linear"),
        "p90_w": power.quantile(0.9, "linear"),
        "samples": pl.len().cast(pl.Int32),
    }
    by_weekday = rows.group_by("weekday", "slot").agg(**figures).filter(pl.col("samples") >= MIN_SAMPLES)
    week = pl.DataFrame({"weekday": list(range(7))}, schema={"weekday": pl.Int32})
    any_day = rows.group_by("slot").agg(**figures).join(week, how="cross")
    sparse = any_day.join(by_weekday, on=["weekday", "slot"], how="anti").select(by_weekday.columns)
    return pl.concat([by_weekday, sparse]).sort("weekday", "slot")


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
    wanted = pl.DataFrame({"starts_at": list(slots)}, schema={"starts_at": pl.Datetime("us", "UTC")})
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
    """The standard shape around a mean between the stated and the measured one, in proportion to the days measured."""
    trust = min(1.0, known.height * time_grid.SLOT / MEASURED_ENOUGH)
    level_w = usual_load_w
    if known.height:
        relative = standard_load.shape(known["starts_at"].to_list(), site_zone).mean()
        level_w = (1 - trust) * usual_load_w + trust * float(known["power_w"].to_numpy().mean()) / relative
    power = pl.Series(level_w * standard_load.shape(slots, site_zone))
    frame = pl.DataFrame(
        {"starts_at": list(slots), "power_w": power}, schema_overrides={"starts_at": pl.Datetime("us", "UTC")}
    )
    low, high = UNMEASURED_BAND
    return frame.with_columns(
        p10_w=pl.col("power_w") * low, p90_w=pl.col("power_w") * high, model=pl.lit(STANDARD_MODEL)
    )
