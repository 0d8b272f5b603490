"""Heat and COP from what the heat pump, its meter and the room say per quarter-hour.

``Q = flow * 69.8 * (T_flow - T_return)`` in W with the flow in l/min: 4186 J/(kg K) / 60 (water, 1 kg/l); valid only
while the pump runs steadily, so short, cold-started or defrosting quarters are left out.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ems_pipeline.heat.cop import CopCurve
from ems_pipeline.sites import HeatPump

WATER_W_PER_L_MIN_K = 69.8
RUNNING_W = 300.0
"""Below this mean power the compressor did not run through the quarter-hour."""
STANDBY_W = 60.0
"""Up to this mean power the compressor stood still: electronics and the circulation pump."""
TANK_RISE_K = 0.2
"""A tank that warms by this within a quarter-hour is being heated: not the rooms."""
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


def house_rows(points: pl.DataFrame, pump: HeatPump, curve: CopCurve) -> pl.DataFrame:
    """Heat into the house beside the temperatures in and outside it, for `building.fit`.

    Heat is electric power times the COP of ``curve`` at the measured flow temperature, zero while the machine stands
    still. Unknown (null) while it heats the hot-water tank, and throughout where there is a tank nobody measures.

    Args:
        points: as for `cop_rows`, with indoor_temp_c and dhw_temp_c.

    Returns:
        ``[starts_at, indoor_c, outdoor_c, heat_w]``, W of heat.
    """
    own = points.filter(pl.col("device_key") == pump.device) if pump.device is not None else points
    rows = _mean(points, "heat_pump_power_w").join(_mean(points, "outdoor_temp_c"), on="starts_at")
    for quantity in ("indoor_temp_c", "flow_temp_c", "dhw_temp_c"):
        found = _mean(own, quantity)
        rows = rows.join(found if found.height else _mean(points, quantity), on="starts_at", how="left")
    # Of a quarter-hour partly at rest the mean flow temperature says little.
    steady = pl.when(pl.col("heat_pump_power_w") >= RUNNING_W).then("flow_temp_c").fill_null(pump.flow_temp_c)
    rows = rows.sort("starts_at").with_columns(flow_temp_c=steady)
    cop = curve.cop(rows["outdoor_temp_c"].to_numpy(), rows["flow_temp_c"].to_numpy())
    runs, heats_rooms = pl.col("heat_pump_power_w") > STANDBY_W, pl.lit(True)
    if pump.hot_water is not None:
        heats_rooms = pl.col("dhw_temp_c").diff().fill_null(np.inf) < TANK_RISE_K
    heat_w = pl.when(~runs).then(0.0).when(heats_rooms).then(pl.col("heat_pump_power_w") * pl.Series(cop))
    return rows.select("starts_at", indoor_c="indoor_temp_c", outdoor_c="outdoor_temp_c", heat_w=heat_w)


def _mean(points: pl.DataFrame, quantity: str) -> pl.DataFrame:
    chosen = points.filter(pl.col("quantity") == quantity, pl.col("mean_value").is_not_null())
    return chosen.group_by("starts_at").agg(pl.col("mean_value").mean().alias(quantity))
