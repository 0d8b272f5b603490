"""Another provider's estimate, completed by the sun: missing by day stays missing, dark is dark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.forecast import pv_second
from ems_pipeline.sites import PvArray

PLACE = (50.08, 14.42)
ROOF = PvArray(key="roof", peak_power_w=5000, tilt_deg=35, azimuth_deg=180, inverter_limit_w=3000)
START = datetime(2026, 6, 20, 22, tzinfo=UTC)
"""Midnight in Prague; the sun is up from 02:52 to 19:16 UTC."""
SLOTS = time_grid.slots(START, START + timedelta(days=1))


def estimate(first: datetime, end: datetime, power_w: float) -> pl.DataFrame:
    starts = time_grid.slots(first, end)
    frame = pl.DataFrame({"starts_at": starts, "power_w": [power_w] * len(starts)})
    return frame.cast({"starts_at": pl.Datetime("us", "UTC")})


def test_dark_slots_are_zero_and_lit_ones_without_an_estimate_are_absent() -> None:
    known = estimate(START + timedelta(hours=8), START + timedelta(hours=12), 1000.0)
    made = pv_second.pv_forecast(ROOF, *PLACE, SLOTS, known)
    by_slot = dict(made.select("starts_at", "power_w").iter_rows())
    assert sum(by_slot.values()) == 16 * 1000
    assert by_slot[START] == 0
    assert START + timedelta(hours=7) not in by_slot, "05:00 UTC in June is day, and nobody said how bright"
    dark = [at for at, power in by_slot.items() if power == 0]
    assert max(at for at in dark if at < known["starts_at"][0]) < datetime(2026, 6, 21, 3, 15, tzinfo=UTC)
    assert min(at for at in dark if at > known["starts_at"][-1]) >= datetime(2026, 6, 21, 18, 45, tzinfo=UTC)


def test_no_plane_makes_more_than_its_inverter_or_less_than_nothing() -> None:
    noon = START + timedelta(hours=12)
    for told, made in ((4500.0, 3000.0), (-5.0, 0.0)):
        frame = pv_second.pv_forecast(ROOF, *PLACE, [noon], estimate(noon, noon + time_grid.SLOT, told))
        assert frame["power_w"].to_list() == [made]
        assert frame["p10_w"][0] <= frame["power_w"][0] <= frame["p90_w"][0]
