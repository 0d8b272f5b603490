"""Measured series played by the plant: what was measured is what the meters show, on days of 92, 96 and 100 slots."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.forecast.pv_geometry import site_pv_power_w
from ems_pipeline.plant import Replay, World, read_replay, running_plant
from ems_pipeline.plant.market import Exchange
from ems_pipeline.plant.sky import clear_weather
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT, SimulatedClock

PRAGUE = ZoneInfo("Europe/Prague")


def made_up(first: date, last: date, **more: object) -> Replay:
    """Load and PV that differ in every quarter-hour."""
    starts = [s for day in time_grid.days(first, last) for s in time_grid.day_slots(day, PRAGUE)]
    number = np.arange(len(starts), dtype=float)
    frame = pl.DataFrame({"starts_at": starts, "load_w": 300 + number, "pv_w": 10 * (number % 97)})
    return Replay(frame, **more)  # type: ignore[arg-type]


def bus(history: pl.DataFrame, quantity: str, device: str = "inverter") -> pl.DataFrame:
    return history.filter(pl.col("quantity") == quantity, pl.col("device_key") == device).select("starts_at", "value")


@pytest.mark.parametrize(
    ("day", "count"), [(date(2026, 3, 29), 92), (date(2026, 3, 30), 96), (date(2025, 10, 26), 100)]
)
def test_every_slot_of_the_day_shows_what_was_measured(home01: Site, day: date, count: int) -> None:
    replay = made_up(day - timedelta(days=1), day + timedelta(days=1))
    start, end = time_grid.day_bounds(day, PRAGUE)
    clock = SimulatedClock(start)
    world = World(home01, clock, replay=replay)
    expected = {s: (load, pv) for s, load, pv in replay.measured.iter_rows()}
    slots = time_grid.day_slots(day, PRAGUE)
    assert len(slots) == count
    for slot in slots:
        clock.advance_to(slot + timedelta(minutes=7))
        world.advance()
        assert world.flows.load_w == expected[slot][0]
        assert world.hybrids["inverter"].pv_available_w == pytest.approx(expected[slot][1])
    assert end - slots[-1] == SLOT


def test_a_gap_is_played_by_the_plants_own_day_and_never_by_zero(home01: Site) -> None:
    day = date(2026, 5, 5)
    whole = made_up(day, day)
    start = whole.measured["starts_at"][0]
    gap = whole.measured["starts_at"].is_between(start + timedelta(hours=10), start + timedelta(hours=12))
    frame = whole.measured.with_columns(load_w=pl.when(gap).then(None).otherwise(pl.col("load_w")))
    clock = SimulatedClock(start)
    replayed, own = World(home01, clock, replay=Replay(frame)), World(home01, clock)
    clock.advance_to(start + timedelta(hours=11))
    replayed.advance()
    own.advance()
    assert replayed.flows.load_w == own.flows.load_w > 0


def test_measured_prices_are_published_in_place_of_synthetic_ones(home01: Site) -> None:
    day = date(2025, 10, 26)
    starts = time_grid.day_slots(day, PRAGUE)
    prices = pl.DataFrame({"starts_at": starts, "price_eur_per_mwh": [float(i) for i in range(len(starts))]})
    replay = made_up(day, day, prices=prices)
    world = World(home01, SimulatedClock(starts[0]), replay=replay)
    exchange = Exchange(1, world.sky, replay)
    assert exchange.prices(day) == [float(i) for i in range(100)]
    assert exchange.prices(date(2025, 10, 27)) == Exchange(1, world.sky).prices(date(2025, 10, 27))


def test_the_sky_over_a_replay_is_bright_when_its_roof_was(home01: Site) -> None:
    """Half the days measured cloudless, half at a fifth of it: the weather must say so."""
    first, last = date(2026, 6, 1), date(2026, 6, 8)
    clock = SimulatedClock(datetime(2026, 6, 1, tzinfo=UTC))
    clear = World(home01, clock).sky
    starts = [s for day in time_grid.days(first, last) for s in time_grid.day_slots(day, PRAGUE)]
    weather = clear_weather(starts, home01.latitude, home01.longitude)
    full_w = site_pv_power_w(home01.pv, home01.latitude, home01.longitude, weather)["power_w"].fill_null(0.0)
    dull = pl.Series([time_grid.local_day(s, PRAGUE).day % 2 == 0 for s in starts])
    pv_w = full_w * (1 - 0.8 * dull.cast(pl.Float64))
    frame = pl.DataFrame({"starts_at": starts, "load_w": [400.0] * len(starts), "pv_w": pv_w})
    found = World(home01, clock, replay=Replay(frame)).sky.weather(starts[0], starts[-1] + SLOT)
    noon = pl.Series([s.hour == 11 for s in starts])
    assert found["ghi_w_m2"].filter(noon & ~dull).min() > 2.5 * found["ghi_w_m2"].filter(noon & dull).max()
    assert clear.weather(starts[0], starts[-1] + SLOT)["ghi_w_m2"].sum() != found["ghi_w_m2"].sum()


def test_the_logger_writes_the_replayed_days_as_measured(home01: Site) -> None:
    clock = SimulatedClock(datetime(2026, 3, 30, 12, 0, tzinfo=UTC))
    replay = made_up(date(2026, 3, 24), date(2026, 4, 2))
    with running_plant(home01, clock, replay=replay) as plant:
        history = plant.history(4)  # spans the spring change
    assert history["starts_at"].n_unique() == 4 * 96  # four times 24 h
    load = bus(history, "load_power_w").join(replay.measured, on="starts_at")
    others = [bus(history, "ev_power_w", "wallbox-1"), bus(history, "ev_power_w", "wallbox-2")]
    others.append(bus(history, "heat_pump_power_w", "loxone"))
    for other in others:
        load = load.join(other.rename({"value": f"other{load.width}"}), on="starts_at")
    rest = load["value"] - load.select(pl.sum_horizontal("^other.*$")).to_series()
    assert (rest - load["load_w"]).abs().max() < 1e-6
    pv = bus(history, "pv_power_w").join(replay.measured, on="starts_at")
    assert (pv["value"] - pv["pv_w"]).abs().max() < 1e-6


def test_wrong_frames_are_refused_with_the_reason() -> None:
    good = made_up(date(2026, 5, 5), date(2026, 5, 5)).measured
    with pytest.raises(ValueError, match="lacks \\['pv_w'\\]"):
        Replay(good.drop("pv_w"))
    with pytest.raises(ValueError, match="twice"):
        Replay(pl.concat([good, good]))
    with pytest.raises(ValueError, match="off the quarter-hour"):
        Replay(good.with_columns(pl.col("starts_at") + timedelta(minutes=1)))


@pytest.mark.parametrize("day", [date(2025, 10, 26), date(2026, 3, 29)])
def test_a_measured_home_on_the_clock_change_with_its_prices(home01: Site, measured_data: Path, day: date) -> None:
    files = [measured_data / "homes/nl_site_15min_2023.parquet", measured_data / "prices/da_15min_de_dk1.parquet"]
    site = home01.model_copy(update={"market_zone": "DE-LU"})
    zones = pl.read_parquet(files[1])["zone"].unique().sort().to_list()
    replay = read_replay(files, site, day, day, zones[0])
    start, end = time_grid.day_bounds(day, PRAGUE)
    assert replay.prices is not None
    known = replay.prices.filter(pl.col("starts_at").is_between(start, end, closed="left"))
    assert Exchange(1, World(site, SimulatedClock(start), replay=replay).sky, replay).prices(day) == pytest.approx(
        known.sort("starts_at")["price_eur_per_mwh"].to_list(), abs=0.005
    )
    clock = SimulatedClock(start)
    world = World(site, clock, replay=replay)
    clock.advance_to(end)
    world.advance()
    measured = replay.measured.filter(pl.col("starts_at").is_between(start, end, closed="left"))
    wallboxes_and_heat = sum(b.delivered_wh for b in world.chargings.values()) + world.counters.heat_pump_wh
    assert world.counters.consumed_wh >= measured["load_w"].sum() / 4 - 1
    assert world.counters.consumed_wh <= measured["load_w"].sum() / 4 + wallboxes_and_heat + 30_000
