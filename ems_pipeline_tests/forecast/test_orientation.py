"""Measured PV says where the modules look, clouds or not, and a wrong azimuth is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.forecast import orientation
from ems_pipeline.forecast.pv_geometry import plane_radiation

LATITUDE, LONGITUDE = 50.08, 14.42
START = datetime(2026, 4, 1, tzinfo=UTC)


def measured(azimuth_deg: float, tilt_deg: float = 40.0, days: int = 56) -> pl.DataFrame:
    """Power of a plane under clouds that come and go by the hour; two days of each fortnight stay clear."""
    generator = np.random.default_rng(2)
    starts = time_grid.slots(START, START + timedelta(days=days))
    sky = orientation.clear_sky(pl.Series(starts), LATITUDE, LONGITUDE)
    clouds = np.repeat(generator.uniform(0.1, 1.0, days * 24), 4)
    clouds[np.repeat(np.arange(days) % 7 == 3, 96)] = 1.0
    return sky.select(
        "starts_at", power_w=pl.Series(6 * clouds * plane_radiation(tilt_deg, azimuth_deg, LATITUDE, LONGITUDE, sky))
    )


@pytest.mark.parametrize("azimuth_deg", [90.0, 180.0, 260.0])
def test_the_fitted_azimuth_is_the_true_one(azimuth_deg: float) -> None:
    finding = orientation.check(measured(azimuth_deg), 40, 180, LATITUDE, LONGITUDE)
    assert finding is not None
    assert finding.fitted_azimuth_deg == pytest.approx(azimuth_deg, abs=20)
    assert finding.is_wrong is (azimuth_deg != 180)


def test_a_finding_names_both_sides_and_the_remedy() -> None:
    finding = orientation.check(measured(90), 40, 270, LATITUDE, LONGITUDE)
    assert finding is not None
    assert "stated azimuth is 270 degrees" in finding.words()
    assert "check azimuth_deg in the site file" in finding.words()


def test_the_smallest_angle_counts_across_north() -> None:
    assert orientation.Finding(350, 20, 0.5, 0.1).turned_deg == 30
    assert not orientation.Finding(180, 200, 0.5, 0.1).is_wrong, "twenty degrees are a rough compass"
    assert not orientation.Finding(180, 240, 0.5, 0.45).is_wrong, "a tree explains as much"


def test_a_month_says_nothing_yet() -> None:
    assert orientation.check(measured(180, days=28), 40, 180, LATITUDE, LONGITUDE) is None


@pytest.mark.parametrize(("system", "is_wrong"), [("1b", False), ("2a", True)])
def test_of_the_measured_balcony_systems_the_one_facing_west_is_noticed(
    measured_data: Path, system: str, is_wrong: bool
) -> None:
    """Both are stated south-east (58 degrees east of south); 2a peaks in the afternoon."""
    frame = pl.read_parquet(measured_data / "pv" / "de_mini_pv_15min_2024.parquet").filter(pl.col("system") == system)
    power = frame.select(
        starts_at=pl.col("ts_utc").cast(pl.Datetime("us", "UTC")), power_w=pl.col("pv_w").cast(pl.Float64)
    )
    finding = orientation.check(power, 70, 122, 49.0, 8.5)
    assert finding is not None
    assert finding.is_wrong is is_wrong
