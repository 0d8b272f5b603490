"""Plans remade in every quarter-hour and executed: on a flat tariff never dearer than self-use, however it errs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ems_pipeline import time_grid
from ems_pipeline.audit.baselines import self_use
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.closed_loop import ByPlans, obeyed_w, under_plans
from ems_pipeline.backtest.exact import ByValue
from ems_pipeline.backtest.history import Foreseen, Record
from ems_pipeline.backtest.intervals import costs
from ems_pipeline.backtest.issued import issued
from ems_pipeline.sites import Battery, PvArray, Site, load_site
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.sites.wish import Limits, Wish

SITES = Path(__file__).parents[2] / "sites"
SLOTS = 60
"""From 6 to 21 o'clock: sun, a full battery, and the evening."""


@pytest.fixture(scope="module")
def home() -> Site:
    battery = Battery(key="pack", device="inverter", capacity_wh=5000, charge_limit_w=3000, discharge_limit_w=3000)
    array = PvArray(key="roof", device="inverter", peak_power_w=5000, tilt_deg=35, azimuth_deg=180)
    nothing = dict.fromkeys(("chargers", "heat_pumps", "deferrables", "gensets", "schedules", "inverters"), ())
    site = load_site(SITES / "home01.yaml", {})
    return site.model_copy(update={"batteries": (battery,), "pv": (array,), "timezone": "UTC"} | nothing)


def day(buy: float, sell: float) -> Record:
    """Two and a half days from 6 o'clock on, with clouds and kettles."""
    rng, starts = (
        np.random.default_rng(5),
        [datetime(2026, 5, 4, 6, tzinfo=UTC) + k * time_grid.SLOT for k in range(256)],
    )
    hour = np.array([at.hour + at.minute / 60 for at in starts])
    sun = np.maximum(0.0, np.sin(np.pi * (hour - 5) / 15))
    load_w = (300 + 900 * np.exp(-0.5 * ((hour - 19) / 2) ** 2)) * rng.uniform(0.4, 2.0, 256)
    full = np.full(256, 1.0)
    return Record(starts, buy * full, sell * full, load_w, 3000 * sun * rng.uniform(0.1, 1.0, 256))


@pytest.mark.parametrize("pv", [0.5, 1.0, 1.6])
@pytest.mark.parametrize("load", [0.5, 1.6])
def test_on_a_flat_tariff_no_forecast_makes_a_plan_dearer_than_self_use(home: Site, pv: float, load: float) -> None:
    actual = day(0.303, 0.08)
    smooth = np.convolve(actual.load_w, np.full(8, 1 / 8), "same"), np.convolve(actual.pv_w, np.full(8, 1 / 8), "same")
    lived = under_plans(home, actual, Foreseen(load * smooth[0], pv * smooth[1]), range(SLOTS), 40.0)
    storage = Storage.of(home.batteries)
    assert storage is not None
    rule = self_use((actual.load_w - actual.pv_w)[:SLOTS], storage, 40.0, home.grid.export_limit_w)
    bills = [
        costs(actual, range(SLOTS), run.grid_w, run.soc_pct, 40.0, storage, 0.303 * 0.95).sum() for run in (lived, rule)
    ]
    assert bills[0] <= bills[1] + 1e-6
    assert set(lived.modes) == {"self-use"}


def test_what_comes_after_a_decision_changes_nothing_of_it(home: Site) -> None:
    """All of load, sun and unknown prices replaced by noise, forecasts issued anew: the same plans to the last bit."""
    starts = [datetime(2026, 5, 4, tzinfo=UTC) + k * time_grid.SLOT for k in range(18 * 96)]
    rng, number = np.random.default_rng(3), np.arange(len(starts))
    clock = number % 96
    sun_w = 3000 * np.maximum(0.0, np.sin((clock - 24) / 48 * np.pi)) * rng.uniform(0.2, 1.0, len(starts))
    load_w = 400 + 800 * (np.abs(clock - 76) < 10) * rng.uniform(0.4, 2.0, len(starts))
    buy = 0.25 + 0.1 * np.sin(clock / 15) + 0.02 * rng.standard_normal(len(starts))
    known, slots = Record(starts, buy, buy - 0.15, load_w, sun_w), range(15 * 96, 16 * 96)
    zone = time_grid.zone(home.timezone)
    for t in (slots[37], slots[70]):
        until = known.known_until(t, home.timezone)
        noise = rng.uniform(0, 5000, len(starts))
        other = Record(
            starts, np.where(number < until, buy, noise), np.where(number < until, buy - 0.15, 0.0),
            np.where(number < t, load_w, noise), np.where(number < t, sun_w, noise),
        )  # fmt: skip
        told, plans = [], []
        for r in (known, other):
            forecasts = issued(starts, r.load_w, r.pv_w, zone, slots, 400.0)
            plans.append(ByPlans(home, r, forecasts).plan(t, 4000.0))
            together = ByValue(home, r, forecasts)
            together.told(t - t % 8, 4000.0)  # decides what is known of all slots of this issue
            told += [together.told(t, 4000.0), ByPlans(home, r, forecasts).told(t, 4000.0)]
        assert len(plans[0].problem.courses) >= 6
        assert plans[0].to_json() == plans[1].to_json()
        assert told[1:] == told[:-1], "decided together with slots that come, and by a plan"


def test_a_battery_obeys_its_mode_and_limits() -> None:
    storage = Storage(10_000.0, 4000.0, 4000.0, 0.9, 0.9, 10.0, 100.0)
    assert obeyed_w(Wish(BatteryMode.SELF_USE), storage, 5000.0, 700.0) == 700.0
    assert obeyed_w(Wish(BatteryMode.SELF_USE, Limits(discharge_limit_w=500.0)), storage, 5000.0, 700.0) == 500.0
    assert obeyed_w(Wish(BatteryMode.SELF_USE, Limits(charge_limit_w=0.0)), storage, 5000.0, -700.0) == 0.0
    assert obeyed_w(Wish(BatteryMode.SELF_USE, Limits(target_soc_pct=50.0)), storage, 5000.0, 700.0) == 0.0
    assert obeyed_w(Wish(BatteryMode.HOLD), storage, 5000.0, 700.0) == 0.0
    assert obeyed_w(Wish(BatteryMode.HOLD), storage, 5000.0, -700.0) == -700.0
    # 450 Wh fit below 54.5 %: 500 Wh in a quarter-hour are 2 kW.
    assert obeyed_w(Wish(BatteryMode.CHARGE, Limits(target_soc_pct=54.5)), storage, 5000.0, 700.0) == pytest.approx(
        -2000.0
    )
    # 500 Wh above 45 % give 450 Wh, 1.8 kW; the house takes 0.7 of them, the meter lets 0.5 out.
    assert obeyed_w(Wish(BatteryMode.DISCHARGE, Limits(target_soc_pct=45.0)), storage, 5000.0, 700.0) == pytest.approx(
        1800.0
    )
    wish = Wish(BatteryMode.DISCHARGE, Limits(target_soc_pct=45.0, export_limit_w=500.0))
    assert obeyed_w(wish, storage, 5000.0, 700.0) == pytest.approx(1200.0)
