"""Cold start, part of `forecast.py`: a home's first four weeks, forecast from nothing but a stated mean load.

The stated mean is that of the home's whole record, as a yearly bill would tell it. Each civil day is forecast as from
the noon before (the first one at its beginning), by what production uses until a trained model is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.forecast import profile, score, standard_load
from ems_pipeline.local_time import INSTANT

OURS, FLAT, STANDARD = "ours", "flat mean", "standard profile"
DAYS = 28
SPANS = {"day 1": 0, "days 2-3": 1, "days 4-8": 3, "days 9-15": 8, "days 16-28": 15}
"""By the first day of each, counted from the first whole day of the record."""


def scores_of(name: str, load: pl.DataFrame, zone: ZoneInfo, step: timedelta) -> dict[str, Any] | None:
    """Figures of `score.FIGURES` per span and model; None for a home without any load."""
    load = load.drop_nulls("power_w")
    at: list[datetime] = load["starts_at"].to_list()
    stated_w = float(load["power_w"].to_numpy().mean())
    if stated_w <= 0:
        return None
    first = time_grid.local_day(at[0] + timedelta(days=1) - step, zone)
    frames = []
    for number in range(DAYS):
        day = first + timedelta(days=number)
        start, end = time_grid.day_bounds(day, zone)
        now = time_grid.local_instant(day - timedelta(days=1), time(12), zone) if number else start
        slots = [start + i * step for i in range((end - start) // step)]
        span = max((label for label, since in SPANS.items() if since <= number), key=lambda label: SPANS[label])
        known = load.filter(pl.col("starts_at") < now)
        made = profile.load_forecast(known, slots, zone, now, stated_w).with_columns(model=pl.lit(OURS))
        frames += [frame.with_columns(span=pl.lit(span)) for frame in (made, *_references(slots, zone, stated_w))]
    return {"home": name, "scores": score.score(score.pairs(pl.concat(frames), load), "span", "model").to_dicts()}


def _references(slots: Sequence[datetime], zone: ZoneInfo, stated_w: float) -> list[pl.DataFrame]:
    nothing = pl.lit(None, dtype=pl.Float64)
    shapes = {FLAT: np.ones(len(slots)), STANDARD: standard_load.shape(slots, zone)}
    return [
        pl.DataFrame({"starts_at": list(slots), "power_w": stated_w * shape})
        .with_columns(p10_w=nothing, p90_w=nothing, model=pl.lit(name))
        .cast({"starts_at": INSTANT})
        for name, shape in shapes.items()
    ]


def report(results: list[dict[str, Any]]) -> None:
    """The table people read: the median home, and on how many homes ours is the better one."""
    print(
        f"\ncold start, {len(results)} homes: our MAE as a share of the reference's, median home (homes ours is better)"
    )
    print(f"{'':12}{FLAT:>20}{STANDARD:>20}{'in band':>9}")
    for span in SPANS:
        homes = [{row["model"]: row for row in result["scores"] if row["span"] == span} for result in results]
        homes = [home for home in homes if home and home[FLAT]["mae_w"] > 0]
        shares = {r: np.array([home[OURS]["mae_w"] / home[r]["mae_w"] for home in homes]) for r in (FLAT, STANDARD)}
        told = "".join(f"{np.median(s):>13.2f} ({np.mean(s < 1):4.0%})" for s in shares.values())
        print(f"{span:12}{told}{np.median([home[OURS]['coverage'] for home in homes]):>9.1%}")
