"""Heat and COP from what the heat pump and its meter say per quarter-hour.

``Q = flow * 69.8 * (T_flow - T_return)`` in W with the flow in l/min: 4186 J/(kg K) / 60 (water, 1 kg/l); valid only
while the pump runs steadily, so short, cold-started or defrosting quarters are left out.
"""

from __future__ import annotations

import polars as pl

WATER_W_PER_L_MIN_K = 69.8
RUNNING_W = 300.0
"""Below this mean power the compressor did not run through the quarter-hour."""
BELIEVABLE_COP = (1.0, 8.0)


def cop_rows(points: pl.DataFrame, device: str | None) -> pl.DataFrame:
    """Quarter-hours with a believable COP.

    Args:
        points: device_key, quantity, starts_at, mean_value of flow_temp_c, return_temp_c, flow_rate_l_min,
            outdoor_temp_c, heat_pump_power_w. Water values are those of ``device``; the meter and the outdoor sensor
            may belong to another device of the site.

    Returns:
        ``[starts_at, outdoor_c, flow_c, electric_w, heat_w, cop]``; no row where a value is missing.
    """
    water = points.filter(pl.col("device_key") == device) if device is not None else points
    flow_c, return_c, rate = (_mean(water, q) for q in ("flow_temp_c", "return_temp_c", "flow_rate_l_min"))
    rows = flow_c.join(return_c, on="starts_at").join(rate, on="starts_at")
    for shared in (_mean(points, "outdoor_temp_c"), _mean(points, "heat_pump_power_w")):
        rows = rows.join(shared, on="starts_at")
    heat_w = pl.col("flow_rate_l_min") * WATER_W_PER_L_MIN_K * (pl.col("flow_temp_c") - pl.col("return_temp_c"))
    return (
        rows.filter(pl.col("heat_pump_power_w") >= RUNNING_W)
        .select(
            "starts_at",
            outdoor_c=pl.col("outdoor_temp_c"),
            flow_c=pl.col("flow_temp_c"),
            electric_w=pl.col("heat_pump_power_w"),
            heat_w=heat_w,
            cop=heat_w / pl.col("heat_pump_power_w"),
        )
        .filter(pl.col("cop").is_between(*BELIEVABLE_COP))
        .sort("starts_at")
    )


def _mean(points: pl.DataFrame, quantity: str) -> pl.DataFrame:
    chosen = points.filter(pl.col("quantity") == quantity, pl.col("mean_value").is_not_null())
    return chosen.group_by("starts_at").agg(pl.col("mean_value").mean().alias(quantity))
