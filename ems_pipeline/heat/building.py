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
from numpy.typing import ArrayLike

from ems_pipeline import time_grid, units
from ems_pipeline.arrays import Array
from ems_pipeline.errors import EmsError
from ems_pipeline.sites import House

WINDOW = timedelta(hours=3)
"""Differences are taken over this: over one slot, a sensor step of 0.1 K would be 400 W/K of noise in a heavy house."""
MIN_WINDOWS = 100
"""Some two weeks; fewer days have too much the same weather to tell losses from gains."""
COLD_K = 5.0
"""Windows with less between inside and outside are left out: on mild days sun and open windows decide, not walls."""
MOST_APART = 2.0
"""A fitted loss or capacity further from the stated one than by this factor says that one of them is wrong."""
GAINS_K = (-1.0, 10.0)
"""Believable gains, as the temperature difference they hold: people and sun 1 to 8 K, and errors of the COP."""


class UnidentifiableBuilding(EmsError, ValueError):
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
    def stated(cls, house: House) -> BuildingResponse:
        """What the site file says."""
        return cls(house.heat_loss_w_per_k, house.heat_capacity_wh_per_k)

    def heat_demand_w(self, indoor_c: ArrayLike, outdoor_c: ArrayLike) -> Array:
        """Heat that keeps ``indoor_c``, W >= 0."""
        difference_k = np.asarray(indoor_c, dtype=float) - np.asarray(outdoor_c, dtype=float)
        return np.asarray(np.maximum(self.heat_loss_w_per_k * difference_k - self.gains_w, 0.0))

    def indoor_path_c(self, start_c: float, heat_w: Array, outdoor_c: Array) -> Array:
        """Indoor temperature at the end of each slot under ``heat_w``, exact for values constant within a slot."""
        time_constant_h = self.heat_capacity_wh_per_k / self.heat_loss_w_per_k
        keep = float(np.exp(-units.SLOT_HOURS / time_constant_h))
        path, indoor_c = np.empty(len(heat_w)), start_c
        for i, settled_c in enumerate(outdoor_c + (heat_w + self.gains_w) / self.heat_loss_w_per_k):
            indoor_c = settled_c + (indoor_c - settled_c) * keep
            path[i] = indoor_c
        return path


def chosen(fitted: BuildingResponse | None, house: House) -> tuple[BuildingResponse, str]:
    """The response to reckon with, and why, in words: the fitted one where it is believable, else the stated one."""
    stated = BuildingResponse.stated(house)
    if fitted is None:
        return stated, "stated house: nothing fitted yet"
    look = "correct the site file, or see whether heat and temperatures are of this house"
    pairs = {
        "heat loss": (fitted.heat_loss_w_per_k, stated.heat_loss_w_per_k, "W/K"),
        "heat capacity": (fitted.heat_capacity_wh_per_k, stated.heat_capacity_wh_per_k, "Wh/K"),
    }
    for name, (learnt, told, unit) in pairs.items():
        if not told / MOST_APART <= learnt <= told * MOST_APART:
            return stated, (
                f"stated house: the fitted {name} of {learnt:.0f} {unit} is not within a factor of {MOST_APART:g} "
                f"of the stated {told:.0f}; {look}"
            )
    low, high = (fitted.heat_loss_w_per_k * k for k in GAINS_K)
    if not low <= fitted.gains_w <= high:
        return (
            stated,
            f"stated house: fitted gains of {fitted.gains_w:.0f} W are not in {low:.0f}..{high:.0f} W; {look}",
        )
    return fitted, f"fitted house: {fitted.windows} windows"


def fit(history: pl.DataFrame) -> BuildingResponse | None:
    """UA, C and gains by least squares from measured quarter-hours; None while fewer than `MIN_WINDOWS` are measured.

    Over cold windows of 3 h without a gap, ``Q = UA (T_in - T_out) - G + C dT_in/dt``; UA, G and C are its
    coefficients. In summer there are none, so the fit of the winter stays.

    Args:
        history: ``[starts_at, indoor_c, outdoor_c, heat_w]``, means per slot (heat delivered to the house, W), as known
            at the decision time; nulls are gaps.

    Raises:
        UnidentifiableBuilding: a coefficient is not positive, which happens when the house was never allowed to drift
            or the heat meter is on another circuit.
    """
    windows = _windows(history)
    if windows.height < MIN_WINDOWS:
        return None
    difference_k, rise_k_per_h, heat_w = (windows[c].to_numpy() for c in ("difference_k", "rise_k_per_h", "heat_w"))
    terms = np.column_stack([difference_k, rise_k_per_h, -np.ones_like(heat_w)])
    (loss, capacity, gains), *_ = np.linalg.lstsq(terms, heat_w, rcond=None)
    if loss <= 0 or capacity <= 0:
        raise UnidentifiableBuilding(
            f"fitted heat loss {loss:.0f} W/K and capacity {capacity:.0f} Wh/K must be positive",
            "let the room temperature vary by a kelvin or check that heat_w is of this house; the stated values remain "
            "usable",
        )
    residual_w = float(np.std(heat_w - terms @ np.array([loss, capacity, gains])))
    return BuildingResponse(float(loss), float(capacity), float(gains), residual_w, windows.height)


def _windows(history: pl.DataFrame) -> pl.DataFrame:
    """Complete cold windows: mean heat, mean indoor-outdoor difference, rise of the indoor temperature per hour.

    A mean over a slot stands for its middle, so the rise from one slot to another belongs to the heat between their
    middles: half of the first slot, half of the last.
    """
    rows = (
        history.sort("starts_at")
        .drop_nulls(["indoor_c", "outdoor_c", "heat_w"])
        .with_columns(difference_k=pl.col("indoor_c") - pl.col("outdoor_c"))
    )
    follows = pl.col("starts_at").shift(-1) == pl.col("starts_at") + time_grid.SLOT
    half = [((pl.col(name) + pl.col(name).shift(-1)) / 2).alias(name) for name in ("heat_w", "difference_k")]
    rise = (pl.col("indoor_c").shift(-1) - pl.col("indoor_c")).alias("rise_k")
    steps = rows.select("starts_at", *half, rise, follows=follows).filter("follows")
    grouped = steps.group_by(pl.col("starts_at").dt.truncate(WINDOW), maintain_order=True).agg(
        count=pl.len(),
        heat_w=pl.col("heat_w").mean(),
        difference_k=pl.col("difference_k").mean(),
        rise_k_per_h=pl.col("rise_k").sum() / (WINDOW / timedelta(hours=1)),
    )
    return grouped.filter(pl.col("count") == WINDOW // time_grid.SLOT, pl.col("difference_k") >= COLD_K)
