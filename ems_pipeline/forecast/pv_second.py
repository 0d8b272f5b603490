"""PV of a plane as another provider estimates it, completed by the sun: by day what it says, after dark nothing.

Used while our own weather is missing or old (`steps.second_source`); no history corrects it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from ems_pipeline.forecast import pv_geometry
from ems_pipeline.local_time import INSTANT
from ems_pipeline.sites import PvArray
from ems_pipeline.weather import sun

MODEL = "forecast-solar"
LOW_SUN_DEG = 87.0
"""Zenith beyond which a slot without an estimate counts as dark: a provider's sunrise is not ours to the minute, and
the sun climbs up to 3.75 degrees in a quarter-hour."""


def pv_forecast(
    array: PvArray, latitude: float, longitude: float, slots: Sequence[datetime], estimate: pl.DataFrame
) -> pl.DataFrame:
    """The plane's forecast with the wide band of one that nobody has measured yet.

    Args:
        estimate: ``[starts_at, power_w]`` of the provider, W; slots without power may be absent.

    Returns:
        ``[starts_at, power_w, p10_w, p90_w, model]``, W >= 0; slots by day of which the estimate says nothing are
        absent.
    """
    zenith, _ = sun.position(slots, latitude, longitude)
    wanted = pl.DataFrame(
        {"starts_at": list(slots), "dark": zenith > LOW_SUN_DEG},
        schema_overrides={"starts_at": INSTANT},
    )
    power = pl.coalesce(pl.col("power_w").clip(0), pl.when("dark").then(0.0))
    limit = array.inverter_limit_w
    joined = wanted.join(estimate, on="starts_at", how="left", maintain_order="left").with_columns(
        power_w=power if limit is None else power.clip(upper_bound=limit)
    )
    return pv_geometry.with_first_band(joined.drop("dark").drop_nulls("power_w")).with_columns(model=pl.lit(MODEL))
