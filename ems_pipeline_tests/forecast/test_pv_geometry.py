"""PV from geometry: hand-computed power, and the laws every installer knows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.forecast import pv_geometry
from ems_pipeline.sites import PvArray
from ems_pipeline.weather import sun

LATITUDE, LONGITUDE = 50.08, 14.42
PRAGUE = ZoneInfo("Europe/Prague")


def clear_day(day: date, temperature_c: float = 20.0) -> pl.DataFrame:
    """A cloudless day: Haurwitz global radiation, decomposed."""
    starts = time_grid.day_slots(day, PRAGUE)
    zenith, _ = sun.position(starts, LATITUDE, LONGITUDE)
    ghi = sun.clear_sky_ghi(zenith)
    dni, dhi = sun.decompose(ghi, zenith, sun.midpoints(starts))
    frame = pl.DataFrame({"starts_at": starts, "ghi_w_m2": ghi, "dni_w_m2": dni, "dhi_w_m2": dhi})
    return frame.with_columns(temperature_c=pl.lit(temperature_c))


def plane(azimuth_deg: float = 180.0, tilt_deg: float = 35.0, **more: float) -> PvArray:
    return PvArray(key="roof", peak_power_w=6000, tilt_deg=tilt_deg, azimuth_deg=azimuth_deg, **more)


def power(array: PvArray, weather: pl.DataFrame) -> np.ndarray:
    return pv_geometry.pv_power_w(array, LATITUDE, LONGITUDE, weather)["power_w"].to_numpy()


def test_power_of_a_flat_plane_is_the_hand_computed_one() -> None:
    """GHI 800 all diffuse on a flat plane at 20 degrees: cell 20 + 800 * 25 / 800 = 45, factor 1 - 0.0037 * 20 = 0.926;
    6000 W * 0.8 * 0.926 * 0.9 = 4000.3 W."""
    noon = datetime(2026, 6, 21, 11, tzinfo=UTC)
    weather = pl.DataFrame({"starts_at": [noon], "ghi_w_m2": [800.0], "dni_w_m2": [0.0], "dhi_w_m2": [800.0]})
    got = power(plane(tilt_deg=0), weather.with_columns(temperature_c=pl.lit(20.0)))
    assert got[0] == pytest.approx(4000.32, rel=1e-6)


def test_an_east_roof_leads_a_west_roof_by_hours() -> None:
    weather = clear_day(date(2026, 6, 21))
    east, west = power(plane(90), weather), power(plane(270), weather)
    assert (np.argmax(west) - np.argmax(east)) * 0.25 > 4


def test_a_symmetric_day_gives_a_south_roof_its_peak_at_solar_noon() -> None:
    """Prague at 14.42 E has its solar noon about 11:04 UTC on 21 June (equation of time -1.8 min)."""
    weather = clear_day(date(2026, 6, 21))
    got = power(plane(180), weather)
    middle = np.average(np.arange(len(got)), weights=got) * 0.25 + 0.125 - 2.0  # local day starts at 22:00 UTC
    assert middle == pytest.approx(11 + 4 / 60, abs=0.1)


def test_heat_and_losses_cost_power_and_the_inverter_clips() -> None:
    cool, hot = clear_day(date(2026, 6, 21), 10.0), clear_day(date(2026, 6, 21), 35.0)
    assert power(plane(), hot).sum() < power(plane(), cool).sum()
    ratio = power(plane(loss_pct=20), cool).sum() / power(plane(loss_pct=0), cool).sum()
    assert ratio == pytest.approx(0.8)
    clipped = power(plane(inverter_limit_w=2500), cool)
    np.testing.assert_allclose(clipped, np.minimum(power(plane(), cool), 2500))


def test_missing_weather_is_missing_power_by_day_and_darkness_by_night() -> None:
    weather = clear_day(date(2026, 6, 21)).with_columns(
        pl.lit(None, dtype=pl.Float64).alias(c) for c in ("ghi_w_m2", "dni_w_m2", "dhi_w_m2", "temperature_c")
    )
    got = pv_geometry.pv_power_w(plane(), LATITUDE, LONGITUDE, weather)["power_w"]
    assert got[0] == 0.0
    assert got[52] is None


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 90), st.floats(0, 359), st.dates(date(2024, 1, 1), date(2026, 12, 31)))
def test_power_is_never_negative_nor_above_peak_in_usual_weather(tilt: float, azimuth: float, day: date) -> None:
    got = power(plane(azimuth, tilt), clear_day(day))
    assert ((got >= 0) & (got < 6600)).all()
    assert len(got) == len(time_grid.day_slots(day, PRAGUE))


def test_planes_add_up_and_the_band_holds_the_value() -> None:
    weather = clear_day(date(2026, 3, 21))
    both = pv_geometry.pv_forecast((plane(90), plane(270)), LATITUDE, LONGITUDE, weather)
    np.testing.assert_allclose(both["power_w"].to_numpy(), power(plane(90), weather) + power(plane(270), weather))
    assert both.filter((pl.col("p10_w") > pl.col("power_w")) | (pl.col("p90_w") < pl.col("power_w"))).is_empty()
    assert pv_geometry.pv_forecast((), LATITUDE, LONGITUDE, weather)["power_w"].sum() == 0
