"""A stated azimuth the measurements contradict is told: by `ems doctor`, and by an alarm that ends when it fits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import yaml

from ems_pipeline import time_grid
from ems_pipeline.cli import checkup
from ems_pipeline.forecast import orientation
from ems_pipeline.forecast.pv_geometry import plane_radiation
from ems_pipeline.sites import PvArray, Site
from ems_pipeline.steps import azimuth
from ems_pipeline.warehouse import Warehouse, alarms, sites, telemetry
from ems_pipeline_tests.copies import copy_of

LATITUDE, LONGITUDE = 49.0, 8.5
END = datetime(2026, 6, 1, tzinfo=UTC)


def one_plane(site: Site, key: str, tilt_deg: float, azimuth_deg: float) -> Site:
    plane = PvArray(key="roof", peak_power_w=800, tilt_deg=tilt_deg, azimuth_deg=azimuth_deg)
    return copy_of(site, key, pv=(plane,), latitude=LATITUDE, longitude=LONGITUDE)


def keep(warehouse: Warehouse, site: Site, power: pl.DataFrame) -> None:
    """Register the site with ``power`` [starts_at, power_w] as the PV its inverter measured."""
    rows = power.drop_nulls().rename({"power_w": "value"}).with_columns(
        device_key=pl.lit("inverter"), quantity=pl.lit("pv_power_w"), unit=pl.lit("W")
    )  # fmt: skip
    with warehouse.begin() as connection:
        sites.register(connection, [site], END)
        telemetry.import_15m(connection, site.key, rows)


def clear_days(azimuth_deg: float, days: int = 60) -> pl.DataFrame:
    sky = orientation.clear_sky(
        pl.Series(time_grid.slots(END - timedelta(days=days), END)), LATITUDE, LONGITUDE
    )  # fmt: skip
    radiation = plane_radiation(35, azimuth_deg, LATITUDE, LONGITUDE, sky)
    return sky.select("starts_at", power_w=pl.Series(0.7 * radiation))


def watched(warehouse: Warehouse, site: Site, at: datetime) -> list[str]:
    with warehouse.begin() as connection:
        azimuth.watch(connection, site, at)
        found = alarms.open_alarms(connection).filter(site_key=site.key, kind=azimuth.KIND)
    return found["text"].to_list()


def test_a_wrong_azimuth_is_an_alarm_until_the_site_file_is_corrected(warehouse: Warehouse, home01: Site) -> None:
    wrong = one_plane(home01, "west", 35, 90)
    keep(warehouse, wrong, clear_days(270))
    (told,) = watched(warehouse, wrong, END)
    assert "stated azimuth is 90 degrees but measured PV looks like 270" in told
    assert "check azimuth_deg in the site file" in told
    assert watched(warehouse, one_plane(home01, "west", 35, 270), END) == []


def test_little_history_neither_raises_nor_ends_an_alarm(warehouse: Warehouse, home01: Site) -> None:
    wrong = one_plane(home01, "north", 35, 90)
    keep(warehouse, wrong, clear_days(270))
    assert watched(warehouse, wrong, END)
    assert watched(warehouse, wrong, END - timedelta(days=40)), "of the first weeks alone nothing can be said"


def test_planes_that_share_a_meter_are_not_judged(warehouse: Warehouse, home01: Site) -> None:
    assert len(home01.pv) == 2
    with warehouse.begin() as connection:
        assert azimuth.finding(connection, home01, END) is None


@pytest.mark.parametrize(("system", "is_wrong"), [("1b", False), ("2a", True)])
def test_doctor_names_the_measured_balcony_system_that_looks_elsewhere(
    warehouse: Warehouse, home01: Site, measured_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    system: str, is_wrong: bool,
) -> None:  # fmt: skip
    """Both are stated 58 degrees east of south at a tilt of 70; 2a peaks in the afternoon."""
    frame = pl.read_parquet(measured_data / "pv" / "de_mini_pv_15min_2024.parquet").filter(pl.col("system") == system)
    power = frame.select(
        starts_at=pl.col("ts_utc").cast(pl.Datetime("us", "UTC")), power_w=pl.col("pv_w").cast(pl.Float64)
    )
    site = one_plane(home01, f"balcony-{system}", 70, 122)
    keep(warehouse, site, power)
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site.model_dump(mode="json")))
    monkeypatch.setenv("EMS_SITES", str(tmp_path))
    monkeypatch.setattr("ems_pipeline.warehouse.open_warehouse", lambda: warehouse)
    end = power["starts_at"].to_list()[-1]
    monkeypatch.setattr("ems_pipeline.time_grid.SystemClock.now", lambda _: end)
    (finding,) = checkup.run(checkup.pv_azimuth)
    assert finding.what == f"PV balcony-{system}"
    assert finding.level == ("warning" if is_wrong else "good"), finding.text
    assert ("check azimuth_deg in the site file" in finding.text) is is_wrong
