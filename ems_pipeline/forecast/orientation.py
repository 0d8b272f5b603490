"""Does the measured PV fit the stated plane? A wrong azimuth shifts every forecast by hours and no error ever says so.

The brightest days of each fortnight are close to a clear sky, so no weather is needed: their course over the day tells
where the modules look. Azimuths all around are tried; size does not matter, only the shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.forecast.pv_geometry import plane_radiation
from ems_pipeline.weather import sun

FORTNIGHT = timedelta(days=14)
BRIGHT = 0.95
MIN_FORTNIGHTS = 3
AZIMUTHS = tuple(range(0, 360, 30))
TILTS = (10, 30, 50, 70, 90)
CLOSER = (-20, -10, 10, 20)
CLIPPED = 0.97
"""Above this share of the highest power an inverter may cut the peak; the flanks say enough."""
SUSPICIOUS_DEG = 30.0
SUSPICIOUS_GAIN = 0.25
"""The fitted plane must leave so much less error than the stated one; trees and chimneys bend a day, too."""


@dataclass(frozen=True)
class Finding:
    """Stated against fitted azimuth, with the relative error each leaves over the bright days."""

    stated_azimuth_deg: float
    fitted_azimuth_deg: float
    stated_error: float
    fitted_error: float

    @property
    def turned_deg(self) -> float:
        """Smallest angle between stated and fitted azimuth."""
        return abs((self.fitted_azimuth_deg - self.stated_azimuth_deg + 180) % 360 - 180)

    @property
    def is_wrong(self) -> bool:
        """Whether the stated azimuth is far off and the fitted one explains the measurements clearly better."""
        better = self.fitted_error <= (1 - SUSPICIOUS_GAIN) * self.stated_error
        return self.turned_deg >= SUSPICIOUS_DEG and better

    def words(self) -> str:
        """What to tell the owner."""
        if not self.is_wrong:
            return f"measured PV fits the stated azimuth of {self.stated_azimuth_deg:.0f} degrees"
        return (
            f"stated azimuth is {self.stated_azimuth_deg:.0f} degrees but measured PV looks like "
            f"{self.fitted_azimuth_deg:.0f} (error over bright days {self.fitted_error:.0%} instead of "
            f"{self.stated_error:.0%}); check azimuth_deg in the site file (90 east, 180 south, 270 west), "
            "the meter's clock, and shade"
        )


def check(
    power: pl.DataFrame, tilt_deg: float, azimuth_deg: float, latitude: float, longitude: float
) -> Finding | None:
    """Compare measured PV of one plane with what its stated position would give under a clear sky.

    Args:
        power: ``[starts_at, power_w]`` per slot, not curtailed; nulls are gaps.

    Returns:
        The finding, or None while fewer than `MIN_FORTNIGHTS` are measured.
    """
    bright = bright_days(power)
    if bright["fortnight"].n_unique() < MIN_FORTNIGHTS:
        return None
    sky = clear_sky(bright["starts_at"], latitude, longitude)
    measured = bright["power_w"].to_numpy()
    tried: dict[tuple[float, float], float] = {}

    def attempt(tilt: float, azimuth: float) -> None:
        tried[tilt, azimuth] = _misfit(measured, plane_radiation(tilt, azimuth, latitude, longitude, sky))

    for tilt in {*TILTS, tilt_deg}:
        for azimuth in {*AZIMUTHS, azimuth_deg}:
            attempt(tilt, azimuth)
    tilt, azimuth = min(tried, key=lambda plane: tried[plane])
    for turn in CLOSER:
        attempt(tilt, (azimuth + turn) % 360)
    tilt, azimuth = min(tried, key=lambda plane: tried[plane])
    # The stated azimuth may keep the tilt that suits it best: tilts on data sheets are guesses.
    stated = min(error for plane, error in tried.items() if plane[1] == azimuth_deg)
    return Finding(azimuth_deg, float(azimuth), stated, tried[tilt, azimuth])


def bright_days(power: pl.DataFrame) -> pl.DataFrame:
    """Near-clear course of the day per fortnight: ``[fortnight, starts_at, power_w]``, dated to its middle."""
    day = pl.col("starts_at").dt.truncate("1d")
    fortnight = (day - day.min()).dt.total_days() // FORTNIGHT.days
    clock = pl.col("starts_at") - day
    return (
        power.drop_nulls()
        .with_columns(fortnight=fortnight, clock=clock, first=day.min())
        .group_by("fortnight", "clock")
        .agg(pl.col("power_w").quantile(BRIGHT), pl.col("first").first(), days=pl.len())
        .filter(pl.col("days") >= FORTNIGHT.days // 2)
        .select("fortnight", "power_w", starts_at=pl.col("first") + pl.col("fortnight") * FORTNIGHT
                + FORTNIGHT / 2 + pl.col("clock"))
        .sort("starts_at")
    )  # fmt: skip


def clear_sky(starts_at: pl.Series, latitude: float, longitude: float) -> pl.DataFrame:
    """Radiation of a cloudless sky: ``[starts_at, ghi_w_m2, dni_w_m2, dhi_w_m2]``."""
    zenith, _ = sun.position(starts_at, latitude, longitude, time_grid.SLOT)
    ghi = sun.clear_sky_ghi(zenith)
    dni, dhi = sun.decompose(ghi, zenith, sun.midpoints(starts_at))
    return pl.DataFrame({"starts_at": starts_at, "ghi_w_m2": ghi, "dni_w_m2": dni, "dhi_w_m2": dhi})


def _misfit(measured: Array, radiation: Array) -> float:
    """Mean absolute error of the best multiple of ``radiation``, relative to the mean power, peaks left out."""
    kept = measured < CLIPPED * measured.max()
    one, other = measured[kept], radiation[kept]
    scale = float(one @ other) / max(float(other @ other), 1e-9)
    return float(np.abs(one - scale * other).mean() / one.mean())
