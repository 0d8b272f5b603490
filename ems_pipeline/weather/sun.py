"""Where the sun stands and what a clear sky would give; pvlib behind plain arrays.

Powers and radiations here are means over a slot, so callers pass the **midpoint** of the interval: with the sun at its
start or end, ratios explode at sunrise and the day shifts by half a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array, Mask
from ems_pipeline.local_time import INSTANT


def midpoints(starts_at: Sequence[datetime] | pl.Series, step: timedelta = time_grid.SLOT) -> Any:
    """The middle of each interval as a pandas index, which is what pvlib speaks."""
    import pandas as pd

    series = pl.Series(starts_at).cast(INSTANT) + step / 2
    return pd.DatetimeIndex(series.to_numpy()).tz_localize("UTC")


def position(
    starts_at: Sequence[datetime] | pl.Series, latitude: float, longitude: float, step: timedelta = time_grid.SLOT
) -> tuple[Array, Array]:
    """Apparent zenith and azimuth in degrees (north = 0, clockwise) at the middle of each interval.

    NREL's solar position algorithm (Reda and Andreas 2004) as implemented by pvlib, with refraction.
    """
    from pvlib.solarposition import get_solarposition

    sun = get_solarposition(midpoints(starts_at, step), latitude, longitude)
    return sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy()


def is_down(
    instants: Sequence[datetime] | pl.Series, latitude_deg: Sequence[float], longitude_deg: Sequence[float]
) -> Mask:
    """Whether the sun stands below the horizon of a place, refraction counted, at each instant of its own place."""
    from pvlib.solarposition import get_solarposition

    places = np.asarray(latitude_deg, dtype=float), np.asarray(longitude_deg, dtype=float)
    sun = get_solarposition(midpoints(instants, timedelta(0)), *places)
    down: Mask = sun["apparent_elevation"].to_numpy() < 0.0
    return down


def clear_sky_ghi(zenith_deg: Array) -> Array:
    """Global horizontal radiation under a clear sky, W/m2 (Haurwitz 1945: needs nothing but the zenith)."""
    import pandas as pd
    from pvlib.clearsky import haurwitz

    return np.asarray(haurwitz(pd.Series(zenith_deg))["ghi"].to_numpy())


def decompose(ghi_w_m2: Array, zenith_deg: Array, mids: Any) -> tuple[Array, Array]:
    """Global radiation -> (direct normal, diffuse horizontal), W/m2, by the Erbs (1982) correlation.

    For sources that give only the global value, or whose direct column is empty.
    """
    from pvlib.irradiance import erbs

    parts = erbs(ghi_w_m2, zenith_deg, mids)
    return np.asarray(parts["dni"], dtype=float), np.asarray(parts["dhi"], dtype=float)


def direct_normal(ghi_w_m2: Array, dhi_w_m2: Array, zenith_deg: Array) -> Array:
    """Direct normal radiation from the closure GHI = DNI cos(zenith) + DHI, W/m2; zero near and below the horizon."""
    from pvlib.irradiance import dni

    found = np.asarray(dni(ghi_w_m2, dhi_w_m2, zenith_deg, zenith_threshold_for_zero_dni=88.0))
    return np.asarray(np.nan_to_num(found))
