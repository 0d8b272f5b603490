"""PV power of one plane of modules from weather and geometry alone: no history needed, explainable to an installer.

Transposition after Hay and Davies (1980), cell temperature from NOCT (Ross 1976), linear power temperature coefficient,
stated losses, inverter limit. Add a law here only when it is physics of the plane; what history teaches goes to `gbm`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ems_pipeline.arrays import Array
from ems_pipeline.sites import PvArray
from ems_pipeline.weather import sun

MODEL = "pv-geometry"
NOCT_C = 45.0
"""Nominal operating cell temperature of an open-rack crystalline module (data sheets: 43-47)."""
POWER_PER_K = -0.0037
"""Relative power per kelvin above 25 degrees C, crystalline silicon (data sheets: -0.0030 .. -0.0045)."""
ALBEDO = 0.2
DARK_ZENITH_DEG = 95.0


def plane_radiation(
    tilt_deg: float, azimuth_deg: float, latitude: float, longitude: float, weather: pl.DataFrame
) -> Array:
    """Radiation on a tilted plane, W/m2, per row of ``weather`` (NaN where its radiation is null)."""
    from pvlib.irradiance import get_extra_radiation, get_total_irradiance

    zenith, azimuth = sun.position(weather["starts_at"], latitude, longitude)
    ghi, dni, dhi = (
        weather[c].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in ("ghi_w_m2", "dni_w_m2", "dhi_w_m2")
    )
    poa = get_total_irradiance(
        tilt_deg, azimuth_deg, zenith, azimuth, dni, ghi, dhi,
        dni_extra=get_extra_radiation(sun.midpoints(weather["starts_at"])).to_numpy(), albedo=ALBEDO, model="haydavies",
    )["poa_global"]  # fmt: skip
    return np.where(zenith > DARK_ZENITH_DEG, 0.0, np.maximum(poa, 0.0))


def pv_power_w(array: PvArray, latitude: float, longitude: float, weather: pl.DataFrame) -> pl.DataFrame:
    """AC power of one plane for each slot of ``weather``.

    Args:
        array: the plane: peak power, tilt, azimuth (180 = south), losses, inverter limit.
        latitude, longitude: of the site, degrees.
        weather: the frame of `ems_pipeline.weather`; needs starts_at, ghi/dni/dhi_w_m2 and temperature_c.

    Returns:
        ``[starts_at, power_w]``, W >= 0; null where the weather is null by day (after dark it is 0 in any weather).
    """
    poa = plane_radiation(array.tilt_deg, array.azimuth_deg, latitude, longitude, weather)
    air_c = weather["temperature_c"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    cell_c = air_c + poa * (NOCT_C - 20.0) / 800.0
    relative = poa / 1000.0 * (1.0 + POWER_PER_K * (cell_c - 25.0)) * (1.0 - array.loss_pct / 100.0)
    power = np.where(poa == 0.0, 0.0, array.peak_power_w * np.maximum(relative, 0.0))
    if array.inverter_limit_w is not None:
        power = np.minimum(power, array.inverter_limit_w)
    return pl.DataFrame({"starts_at": weather["starts_at"], "power_w": pl.Series(power, nan_to_null=True)})


def site_pv_power_w(
    arrays: tuple[PvArray, ...], latitude: float, longitude: float, weather: pl.DataFrame
) -> pl.DataFrame:
    """The planes of a site together, ``[starts_at, power_w]``; no plane gives an all-zero frame."""
    total = weather.select("starts_at", power_w=pl.lit(0.0))
    for array in arrays:
        plane = pv_power_w(array, latitude, longitude, weather)
        total = total.with_columns(power_w=pl.col("power_w") + plane["power_w"])
    return total


BAND_LOW, BAND_HIGH = 0.35, 1.3
"""Band of a forecast whose errors are not measured yet: clouds are missed more often than sun."""


def with_first_band(power: pl.DataFrame) -> pl.DataFrame:
    """``power`` ``[starts_at, power_w]`` with that wide band, ``p10_w`` and ``p90_w``."""
    return power.with_columns(p10_w=pl.col("power_w") * BAND_LOW, p90_w=pl.col("power_w") * BAND_HIGH)


def pv_forecast(arrays: tuple[PvArray, ...], latitude: float, longitude: float, weather: pl.DataFrame) -> pl.DataFrame:
    """The geometry forecast with its wide a-priori band, ``[starts_at, power_w, p10_w, p90_w, model]``."""
    power = site_pv_power_w(arrays, latitude, longitude, weather)
    return with_first_band(power).with_columns(model=pl.lit(MODEL))
