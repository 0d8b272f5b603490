"""The PV model reads nothing newer than its decision, learns what the base gets wrong, and ignores curtailed slots."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.forecast import pv_features, pv_model, trial

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = 70


@cache
def plant(seed: int = 1, curtailed: bool = False, hazy: bool = False) -> pv_features.PvGrid:
    """Hourly PV whose base is right in the morning and a third too low after noon; every day has its own clouds.

    ``hazy``: days have a haze of their own, too, which nobody forecasts.
    """
    generator = np.random.default_rng(seed)
    hour = np.arange(24 * DAYS) % 24
    sun = 4000 * np.clip(np.sin((hour - 5) / 14 * np.pi), 0, None) * (hour > 5) * (hour < 19)
    clouds = np.repeat(generator.uniform(0.2, 1, DAYS), 24)
    base = sun * clouds
    made = base * np.where(hour >= 12, 1.5, 1.0) * generator.lognormal(0, 0.1, len(base))
    if hazy:
        made = made * np.repeat(generator.uniform(0.3, 1, DAYS), 24)
    if curtailed:
        # The inverter was told to stop at noon on every second day: not measured, says the warehouse.
        made = np.where((hour == 12) & (np.arange(24 * DAYS) // 24 % 2 == 0), np.nan, made)
    starts = pl.Series([START + i * HOUR for i in range(24 * DAYS)])
    history = pl.DataFrame({"starts_at": starts, "power_w": pl.Series(made, nan_to_null=True)}).drop_nulls()
    expected = pl.DataFrame({"starts_at": starts, "base_w": base, "cloud_pct": 100 * (1 - clouds)})
    return pv_features.PvGrid.build(history, expected, START + 24 * DAYS * HOUR, HOUR)


@cache
def trained() -> pv_model.PvModel:
    return pv_model.train(plant(), 24 * 56)


def test_no_feature_reads_anything_measured_after_the_decision() -> None:
    pv = plant()
    for origin in (24 * 30 + 11, 24 * 50):
        target = np.arange(origin, origin + 60)
        values = pv.measured.values.copy()
        values[origin:] = np.random.default_rng(9).random(len(values) - origin) * 9e3
        later = pl.DataFrame({"starts_at": pv.measured.instants(np.arange(len(values))), "power_w": values})
        expected = later.select("starts_at", base_w=pl.Series(pv.base_w), cloud_pct=pl.Series(pv.weather["cloud_pct"]))
        other = pv_features.PvGrid.build(later, expected, START + 24 * DAYS * HOUR, HOUR)
        one, names = pv_features.features(pv, np.full_like(target, origin), target)
        two, _ = pv_features.features(other, np.full_like(target, origin), target)
        assert [
            n for n, a, b in zip(names, one.T, two.T, strict=True) if not np.array_equal(a, b, equal_nan=True)
        ] == []


def test_two_unseen_weeks_are_forecast_with_less_than_half_the_error_of_the_base() -> None:
    scores = trial.pv_days(
        trained(), plant(), time_grid.days(date(2026, 4, 27), date(2026, 5, 9)), pv_features.UTC_CLOCK
    )
    ours, base = (scores.filter(pl.col("model") == name)["mae_w"].mean() for name in (pv_model.MODEL, "pv-geometry"))
    assert scores["day"].n_unique() == 13
    assert ours < 0.5 * base
    assert scores.filter(pl.col("model") == pv_model.MODEL)["coverage"].mean() == pytest.approx(0.8, abs=0.12)


def test_a_pair_looks_the_same_to_training_and_to_a_forecast_that_remembers_a_month() -> None:
    """Half a year towards winter, and its last 32 days: the summer's peak must not count for one of them only."""
    hours = np.arange(24 * 180)
    season = np.linspace(1.0, 0.2, len(hours))
    sun = 4000 * np.clip(np.sin((hours % 24 - 5) / 14 * np.pi), 0, None) * season
    made = sun * np.random.default_rng(3).uniform(0.2, 1, len(hours))
    starts = pl.Series([START + int(i) * HOUR for i in hours])
    whole = pl.DataFrame({"starts_at": starts, "power_w": made, "base_w": sun})
    rows = []
    for frame in (whole, whole.tail(24 * 32 + 12)):
        history, expected = frame.select("starts_at", "power_w"), frame.select("starts_at", "base_w")
        pv = pv_features.PvGrid.build(history, expected, START + len(hours) * HOUR, HOUR)
        origin = np.array([len(pv.measured.values) - 12])
        rows.append(pv_features.features(pv, origin, origin + 2))
    for name, long, short in zip(rows[0][1], rows[0][0][0], rows[1][0][0], strict=True):
        assert short == pytest.approx(long, nan_ok=True), name


def test_a_haze_nobody_forecast_is_known_for_the_next_hours_once_the_sun_is_up() -> None:
    pv = plant(hazy=True)
    model = pv_model.train(pv, 24 * 56)
    noons = np.arange(57, DAYS) * 24 + 12
    target = np.concatenate([noons, noons + 1, noons + 2])
    decided = np.tile(noons, 3)
    miss = [
        np.abs(model.predict(*pv_features.features(pv, origin, target))[1] - pv.measured.values[target]).mean()
        for origin in (decided, decided - 24)
    ]
    assert miss[0] < 0.7 * miss[1]


def test_curtailed_slots_teach_nothing() -> None:
    """Noon is cut on half of the days; the forecast of noon stays what the sun gives."""
    pv = plant(curtailed=True)
    noon = np.arange(56, DAYS) * 24 + 12
    rows, names = pv_features.features(pv, noon - 24, noon)
    middle = pv_model.train(pv, 24 * 56).predict(rows, names)[1]
    assert middle.mean() == pytest.approx(1.5 * pv.base_w[noon].mean(), rel=0.1)
    _, target = pv_model.training_pairs(pv, 24 * 56)
    assert np.isfinite(pv.measured.values[target]).all()


def test_a_stored_model_forecasts_the_same_and_an_unknown_base_gives_no_forecast() -> None:
    pv, now = plant(), START + 24 * 60 * HOUR
    again = pv_model.PvModel.from_document(trained().document())
    slots = [now + i * HOUR for i in range(24)]
    for one, other in zip(
        pv_model.forecast(trained(), pv, now, slots), pv_model.forecast(again, pv, now, slots), strict=True
    ):
        assert np.array_equal(one, other)
    base = pv.base_w.copy()
    base[24 * 60 + 12] = np.nan
    middle = pv_model.forecast(again, pv_features.PvGrid(pv.measured, base, pv.weather), now, slots)[1]
    assert np.isnan(middle[12])
    assert np.isfinite(middle[13])


def test_the_night_is_dark_and_the_band_in_order() -> None:
    target = np.arange(24 * 60, 24 * 61)
    low, middle, high = trained().predict(*pv_features.features(plant(), np.full(24, 24 * 60 - 12), target))
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (low >= 0).all()
    assert high[[0, 1, 2, 22, 23]].max() == 0
    assert middle[8:16].min() > 0


def test_four_weeks_are_needed() -> None:
    with pytest.raises(ValueError, match="forecast by the base until then"):
        pv_model.train(plant(), 24 * 20)
