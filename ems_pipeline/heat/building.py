"""The building as one heat store: what it loses, what it keeps, and how that is learned from measurement.

``C dT_in/dt = Q_heat + G - UA (T_in - T_out)``: first-order model of EN ISO 13790 (5R1C reduced to 1R1C) with UA in
W/K, C in Wh/K and G the gains nobody pays for (people, appliances, sun through windows) in W. Add a law here when one
store is shown not to be enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ems_pipeline import time_grid, units
from ems_pipeline.sites import House

Array = NDArray[np.float64]

MODEL = "building-1r1c"
WINDOW = timedelta(hours=3)
"""Differences are taken over this: over one slot, a sensor step of 0.1 K would be 400 W/K of noise in a heavy house."""
MIN_WINDOWS = 56
"""A week of windows; with fewer the stated values stand."""


class UnidentifiableBuilding(ValueError):
    """The history cannot tell loss from storage; the text says what is missing."""


@dataclass(frozen=True)
class BuildingResponse:
    """UA, C and gains, stated or fitted; ``residual_w`` is the spread of the unexplained heat flow."""

    heat_loss_w_per_k: float
    heat_capacity_wh_per_k: float
    gains_w: float = 0.0
    residual_w: float | None = None
    windows: int = 0

    @classmethod
    def stated(cls, house: House, gains_w: float = 0.0) -> BuildingResponse:
        """What the site file says."""
        return cls(house.heat_loss_w_per_k, house.heat_capacity_wh_per_k, gains_w)

    def heat_demand_w(self, indoor_c: ArrayLike, outdoor_c: ArrayLike) -> Array:
        """Heat that keeps ``indoor_c``, W >= 0."""
        difference_k = np.asarray(indoor_c, dtype=float) - np.asarray(outdoor_c, dtype=float)
        return np.maximum(self.heat_loss_w_per_k * difference_k - self.gains_w, 0.0)

    def indoor_path_c(self, start_c: float, heat_w: Array, outdoor_c: Array) -> Array:
        """Indoor temperature at the end of each slot under ``heat_w``, exact for values constant within a slot."""
        time_constant_h = self.heat_capacity_wh_per_k / self.heat_loss_w_per_k
        keep = float(np.exp(-units.SLOT_HOURS / time_constant_h))
        path, indoor_c = np.empty(len(heat_w)), start_c
        for i, settled_c in enumerate(outdoor_c + (heat_w + self.gains_w) / self.heat_loss_w_per_k):
            indoor_c = settled_c + (indoor_c - settled_c) * keep
            path[i] = indoor_c
        return path


def heat_demand_forecast(response: BuildingResponse, indoor_c: float, weather: pl.DataFrame) -> pl.DataFrame:
    """Thermal power that holds ``indoor_c`` per slot of ``weather`` (needs starts_at, temperature_c).

    Returns:
        ``[starts_at, power_w, p10_w, p90_w, model]``, W of heat (not electricity); null where the temperature is null.
        The band is the fitted residual, or 20 % of the value plus 100 W while nothing is fitted.
    """
    outdoor_c = weather["temperature_c"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    demand = response.heat_demand_w(indoor_c, outdoor_c)
    spread = 0.2 * demand + 100.0 if response.residual_w is None else np.full_like(demand, 1.2816 * response.residual_w)
    return pl.DataFrame(
        {
            "starts_at": weather["starts_at"],
            "power_w": demand,
            "p10_w": np.maximum(demand - spread, 0.0),
            "p90_w": demand + spread,
            "model": pl.Series([MODEL] * len(demand), dtype=pl.String),
        },
        nan_to_null=True,
    )


def fit(history: pl.DataFrame, house: House) -> BuildingResponse:
    """UA, C and gains by least squares from measured quarter-hours.

    Over windows of 3 h without a gap, ``Q = UA (T_in - T_out) - G + C dT_in/dt``; UA, G and C are its coefficients.

    Args:
        history: ``[starts_at, indoor_c, outdoor_c, heat_w]`` per slot (heat delivered to the house, W), as known at the
            decision time; nulls are gaps.
        house: the stated values, kept while fewer than `MIN_WINDOWS` windows are measured.

    Raises:
        UnidentifiableBuilding: a coefficient is not positive, which happens when the house was never allowed to drift
            or the heat meter is on another circuit.
    """
    windows = _windows(history)
    if windows.height < MIN_WINDOWS:
        return BuildingResponse.stated(house)
    difference_k, rise_k_per_h, heat_w = (windows[c].to_numpy() for c in ("difference_k", "rise_k_per_h", "heat_w"))
    terms = np.column_stack([difference_k, rise_k_per_h, -np.ones_like(heat_w)])
    (loss, capacity, gains), *_ = np.linalg.lstsq(terms, heat_w, rcond=None)
    if loss <= 0 or capacity <= 0:
        raise UnidentifiableBuilding(
            f"fitted heat loss {loss:.0f} W/K and capacity {capacity:.0f} Wh/K must be positive; let the room "
            f"temperature vary by a kelvin or check that heat_w is of this house; the stated values remain usable"
        )
    residual_w = float(np.std(heat_w - terms @ np.array([loss, capacity, gains])))
    return BuildingResponse(float(loss), float(capacity), float(gains), residual_w, windows.height)


def _windows(history: pl.DataFrame) -> pl.DataFrame:
    """Complete windows: mean heat, mean indoor-outdoor difference, rise of the indoor temperature per hour.

    The rise goes from a window's first reading to the next one's, so that it spans the same time as the heat.
    """
    rows = history.sort("starts_at").drop_nulls(["indoor_c", "outdoor_c", "heat_w"])
    grouped = rows.group_by(pl.col("starts_at").dt.truncate(WINDOW), maintain_order=True).agg(
        count=pl.len(),
        heat_w=pl.col("heat_w").mean(),
        difference_k=(pl.col("indoor_c") - pl.col("outdoor_c")).mean(),
        first_c=pl.col("indoor_c").first(),
    )
    whole = grouped.filter(pl.col("count") == WINDOW // time_grid.SLOT)
    following = whole.select(pl.col("starts_at") - WINDOW, next_c="first_c")
    hours = WINDOW / timedelta(hours=1)
    return whole.join(following, on="starts_at", maintain_order="left").with_columns(
        rise_k_per_h=(pl.col("next_c") - pl.col("first_c")) / hours
    )
