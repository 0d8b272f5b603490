"""Weather in the load, part of `forecast.py`: the same model with and without the weather-model values of its time.

Medium-voltage feeders, as no measured home with weather as forecast then is at hand: they heat, cook and hide PV as
their streets do. A feeder that feeds back more than now and then is generation and left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from ems_pipeline.forecast import score
from ems_pipeline.local_time import INSTANT

FEEDS_BACK = 0.02
"""Share of negative load from which on it is no load."""
J_PER_WH = 3600.0
W_PER_MW = 1e6

Walk = Callable[[str, pl.DataFrame, ZoneInfo, pl.DataFrame | None], pl.DataFrame]
"""Name, load ``[starts_at, power_w]``, clock and weather -> forecasts beside what came true."""


def scores_of(path: Path, zone: ZoneInfo, walk: Walk, ours: str) -> list[dict[str, Any]]:
    """Per feeder and horizon: mean load and MAE with and without the weather, W."""
    found = []
    frame = pl.read_parquet(path).with_columns(starts_at=pl.col("ts_utc").cast(INSTANT))
    for (feeder,), part in sorted(frame.partition_by("feeder", as_dict=True).items()):
        rows = part.filter(pl.col("starts_at").dt.truncate("15m") == pl.col("starts_at")).unique("starts_at")
        rows = rows.sort("starts_at")
        if (rows["load_mw"] < 0).mean() > FEEDS_BACK:
            print(f"{path.stem} {feeder}: feeds back, left out")
            continue
        load = rows.select("starts_at", power_w=(pl.col("load_mw").cast(pl.Float64) * W_PER_MW).clip(0))
        weather = rows.select(
            "starts_at",
            temperature_c=pl.col("temp_c").cast(pl.Float64),
            ghi_w_m2=(pl.col("radiation_j_m2_h").cast(pl.Float64) / J_PER_WH).clip(0),
        )
        name = f"{path.stem} {feeder}"
        with_it, without = (
            score.score(walk(name, load, zone, known).filter(model=ours), "horizon").sort("horizon")
            for known in (weather, None)
        )
        found += [
            {"feeder": name, "horizon": a["horizon"], "mean_w": a["mean_w"], "mae_w": a["mae_w"],
             "without_w": b["mae_w"], "coverage": a["coverage"]}
            for a, b in zip(with_it.to_dicts(), without.to_dicts(), strict=True)
        ]  # fmt: skip
    return found


def report(results: list[dict[str, Any]]) -> None:
    """The table people read."""
    print(f"\nLoad with the weather, MAE in MW\n{'feeder':<32}{'horizon':>11}{'mean':>7}{'with':>8}{'without':>9}"
          f"{'ratio':>7}{'in band':>9}")  # fmt: skip
    for row in results:
        mean, mae, without = (row[name] / W_PER_MW for name in ("mean_w", "mae_w", "without_w"))
        print(f"{row['feeder']:<32}{row['horizon']:>11}{mean:>7.2f}{mae:>8.3f}{without:>9.3f}{mae / without:>7.3f}"
              f"{row['coverage']:>9.1%}")  # fmt: skip
