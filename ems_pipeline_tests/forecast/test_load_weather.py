"""Weather corrects a load only where it has earned that, knows nothing later than its decision, and may be missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from ems_pipeline.arrays import Array, Positions
from ems_pipeline.forecast import load_model, load_weather
from ems_pipeline.forecast.load_grid import WEATHER, LoadGrid

PRAGUE = ZoneInfo("Europe/Prague")
START = datetime(2026, 1, 4, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS, TRAINED = 98, 84
HEATING_W_PER_K = 150.0
UNTIL = 24 * TRAINED


def sky(seed: int = 2) -> pl.DataFrame:
    """Hourly: days that swing by degrees, a sun that shines at noon through changing clouds."""
    generator = np.random.default_rng(seed)
    daily = np.repeat(5 + np.convolve(generator.normal(0, 4, DAYS + 2), np.ones(3) / 3**0.5, "valid"), 24)
    hour = np.arange(24 * DAYS) % 24
    clouds = np.repeat(generator.random(DAYS), 24)
    return pl.DataFrame(
        {
            "starts_at": [START + i * HOUR for i in range(24 * DAYS)],
            "temperature_c": daily + 3 * np.cos(2 * np.pi * (hour - 15) / 24),
            "ghi_w_m2": np.maximum(0, 600 * np.sin(np.pi * (hour - 6) / 12)) * clouds,
        },
        schema_overrides={"starts_at": pl.Datetime("us", "UTC")},
    )


def house(heating_w_per_k: float, weather: pl.DataFrame) -> pl.DataFrame:
    """A base, evenings, noise, and electric heating below 15 degrees."""
    hour = np.arange(24 * DAYS) % 24
    habits = 300 + 500 * ((hour >= 16) & (hour < 21))
    heating = heating_w_per_k * np.maximum(0, 15 - weather["temperature_c"].to_numpy())
    noise = np.random.default_rng(5).lognormal(0, 0.2, len(hour))
    return weather.select("starts_at", power_w=pl.Series((habits + heating) * noise))


@cache
def grid(heating_w_per_k: float, with_weather: bool = True) -> LoadGrid:
    weather = sky()
    load = house(heating_w_per_k, weather)
    end = START + 24 * DAYS * HOUR
    return LoadGrid.build(load, PRAGUE, end, "CZ", HOUR, weather if with_weather else None)


@cache
def model(heating_w_per_k: float, with_weather: bool = True) -> load_model.LoadModel:
    return load_model.train(grid(heating_w_per_k, with_weather), UNTIL)


def next_days(of: LoadGrid) -> tuple[Positions, Positions]:
    """The fortnight after the training, each day decided at noon of the day before."""
    target = np.arange(UNTIL + 24, 24 * DAYS)
    return target - of.slot[target] - 12, target


def miss_w(by: load_model.LoadModel, on: LoadGrid) -> float:
    origin, target = next_days(on)
    return float(np.mean(np.abs(by.predict(on, origin, target)[1] - on.values[target])))


def test_a_house_that_heats_with_electricity_is_forecast_better_with_the_weather() -> None:
    heated = grid(HEATING_W_PER_K)
    assert model(HEATING_W_PER_K).weather is not None
    plain = miss_w(model(HEATING_W_PER_K, with_weather=False), grid(HEATING_W_PER_K, with_weather=False))
    assert miss_w(model(HEATING_W_PER_K), heated) < 0.9 * plain


def test_a_house_the_weather_does_not_matter_to_keeps_the_model_it_had() -> None:
    assert model(0.0).document() == model(0.0, with_weather=False).document()


def test_unknown_weather_corrects_nothing() -> None:
    """The same model, asked where only some of the slots know their weather, answers the others as if without."""
    heated, blind = grid(HEATING_W_PER_K), grid(HEATING_W_PER_K, with_weather=False)
    origin, target = next_days(heated)
    half = target[len(target) // 2]
    cut = {name: np.where(np.arange(len(values)) < half, values, np.nan) for name, values in heated.weather.items()}
    partly = replace(heated, weather=cut)
    asked = model(HEATING_W_PER_K)
    known, unknown = target < half, target >= half
    middles = [asked.predict(on, origin, target)[1] for on in (partly, heated, blind)]
    assert middles[0][known] == pytest.approx(middles[1][known])
    assert middles[0][unknown] == pytest.approx(middles[2][unknown])
    assert np.abs(middles[1] - middles[2]).max() > 50


def test_a_hole_of_a_day_in_the_weather_before_the_decision_is_not_filled_with_two_hours() -> None:
    """Every day is the same, so every change is 0; what is known after the hole alone would say otherwise."""
    heated, origin = grid(HEATING_W_PER_K), 24 * 60 + 6
    daily = {name: np.tile(values[:24], DAYS) for name, values in heated.weather.items()}
    hole = np.isin(np.arange(24 * DAYS), np.arange(origin - 22, origin - 2))
    holed = replace(heated, weather={name: np.where(hole, np.nan, values) for name, values in daily.items()})
    target = np.arange(origin, origin + 30)
    found = load_weather.inputs(holed, np.full(30, origin), target)
    changes = np.array([found[name] for name in found if "_than_" in name])
    assert np.nanmax(np.abs(changes)) < 1.0, "a day without a quarter of its hours; two hours alone would be 4 K off"
    assert np.isnan(found["warmer_than_1d"]).all()
    assert np.isnan(found["temperature_24h_c"][:4]).all()
    assert np.isfinite(found["temperature_24h_c"][-1])


def test_a_correction_moves_the_whole_band_by_one_factor() -> None:
    heated, blind = grid(HEATING_W_PER_K), grid(HEATING_W_PER_K, with_weather=False)
    asked, pairs = model(HEATING_W_PER_K), next_days(heated)
    with_it, without = (np.array(asked.predict(on, *pairs)) + asked.floor_w for on in (heated, blind))
    factor = with_it / without
    free = (with_it[0] > asked.floor_w) & (without[0] > asked.floor_w)
    assert factor[0][free] == pytest.approx(factor[1][free])
    assert factor[2] == pytest.approx(factor[1])


def test_no_input_reads_weather_after_its_slot_or_load_at_all() -> None:
    """Noise for all weather after the target leaves the row as it is; the load does not enter."""
    heated = grid(HEATING_W_PER_K)
    origin, target = np.array([24 * 40 + 12]), np.array([24 * 41 + 18])
    generator = np.random.default_rng(1)
    after = np.arange(len(heated.values)) > target[0]

    def noisy(values: Array) -> Array:
        return np.where(after, generator.random(len(values)) * 500, values)

    sky_after = {name: noisy(heated.weather[name]) for name in WEATHER}
    other = replace(heated, values=generator.random(len(heated.values)), weather=sky_after)
    before = load_weather.inputs(heated, origin, target)
    for name, value in load_weather.inputs(other, origin, target).items():
        assert value == pytest.approx(before[name]), name


def test_a_stored_model_keeps_its_correction() -> None:
    stored, pairs = model(HEATING_W_PER_K), (grid(HEATING_W_PER_K), *next_days(grid(HEATING_W_PER_K)))
    again = load_model.LoadModel.from_document(stored.document())
    assert np.array_equal(stored.predict(*pairs), again.predict(*pairs))
