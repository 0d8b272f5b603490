"""What a set cost in a quarter-hour, by hand: fuel by curve or meter, hours turned, starts; and days without sets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from ems_pipeline.audit.gensets import Ran, SetCost, settle_days, turned
from ems_pipeline.sites import Genset

NAN = np.nan
DAY = date(2026, 11, 30)
GAS = {"prices": [{"valid_from": "2026-01-01", "per_m3": 19.0}]}


def genset(**changes: Any) -> Genset:
    """160 kW on gas at 19 a cubic metre: 2 per kWh of gas; an hour costs 30 of service, a start 60."""
    plain = {"key": "g1", "min_power_w": 48_000, "max_power_w": 160_000, "fuel": GAS, "service_cost_per_h": 30.0}
    return Genset.model_validate(plain | changes)


def ran(power_w: list[float], hours: list[float] | None = None, gas_m3: list[float] | None = None) -> Ran:
    unknown = [NAN] * len(power_w)
    return Ran(*(np.array(values, dtype=float) for values in (power_w, hours or unknown, gas_m3 or unknown)))


def test_fuel_is_the_curve_of_what_was_given_and_turned() -> None:
    """A quarter-hour at 120 kW: 30 kWh at 2.52 kWh of gas, and a quarter of 47 kWh, at 2; service 7.5, a start 60."""
    cost = SetCost.of(genset(), ran([0.0, 120_000.0, 120_000.0]), [DAY, DAY])
    assert cost.fuel.tolist() == [pytest.approx(2 * (30 * 2.52 + 47 / 4))] * 2
    assert (cost.service.tolist(), cost.start.tolist()) == ([7.5, 7.5], [60.0, 0.0])
    assert cost.co2_kg.tolist() == [pytest.approx(30 * 0.57)] * 2


def test_hours_are_those_of_the_meter_warm_up_and_cool_down_included() -> None:
    """Started three minutes early, cooled down for five: 0.05 + 0.25 + 5/60 h."""
    told = ran([0.0, 2_000.0, 120_000.0, 3_000.0, 0.0], [10.0, 10.05, 10.3, 10.3 + 5 / 60, 10.3 + 5 / 60])
    assert turned(genset(), told)[1:].tolist() == pytest.approx([0.05, 0.25, 5 / 60, 0.0])
    cost = SetCost.of(genset(), told, [DAY] * 4)
    assert cost.start.tolist() == [60.0, 0.0, 0.0, 0.0]
    assert cost.service.sum() == pytest.approx(30 * (0.3 + 5 / 60))


@pytest.mark.parametrize("hours", [[10.0, 10.0, 10.0], [10.0, 15.0, 15.25], [10.0, 3.0, 3.25], [NAN, NAN, NAN]])
def test_a_meter_that_sticks_jumps_or_is_replaced_gives_way_to_the_power(hours: list[float]) -> None:
    assert turned(genset(), ran([160_000.0] * 3, hours))[1] == 0.25


def test_the_gas_meter_goes_before_the_curve_and_one_set_back_does_not() -> None:
    cost = SetCost.of(genset(), ran([0.0, 120_000.0, 120_000.0], None, [100.0, 109.0, 2.0]), [DAY, DAY])
    assert cost.fuel.tolist() == [pytest.approx(9.0 * 19.0), pytest.approx(2 * (30 * 2.52 + 47 / 4))]


def test_what_was_not_measured_costs_nothing_known() -> None:
    """Not 0: neither that quarter-hour, nor whether the one after it began with a start."""
    cost = SetCost.of(genset(), ran([0.0, NAN, 120_000.0]), [DAY, DAY])
    assert np.isnan(cost.fuel).tolist() == [True, False]
    assert np.isnan(cost.start).tolist() == [True, True]


def test_the_price_is_that_of_the_local_day_and_none_is_a_fault() -> None:
    dearer = {"prices": [*GAS["prices"], {"valid_from": "2026-12-01", "per_m3": 38.0}]}
    cost = SetCost.of(genset(fuel=dearer), ran([0.0, 160_000.0, 160_000.0]), [DAY, DAY + timedelta(days=1)])
    assert cost.fuel[1] == pytest.approx(2 * cost.fuel[0])
    with pytest.raises(LookupError, match="no price on 2025-12-31, the first begins on 2026-01-01"):
        SetCost.of(genset(), ran([0.0, 0.0]), [date(2025, 12, 31)])


def test_a_day_says_what_its_sets_saved_and_what_the_connection_could_not_have_carried() -> None:
    """Two quarter-hours of 200 kW behind 150 kW at 5 per kWh, the set gives 100 kW: bought 250 instead of 500."""
    at = datetime(2026, 11, 30, 18, tzinfo=UTC)
    slots = pl.DataFrame({
        "starts_at": [at, at + timedelta(minutes=15), at + timedelta(minutes=30)], "grid_w": [100e3, 100e3, 50e3],
        "genset_w": [100e3, 100e3, 0.0], "no_genset_grid_w": [200e3, 200e3, 50e3],
        "cost": [125.0 + 90, 125.0 + 30, 62.5], "no_genset_cost": [250.0, 250.0, 62.5],
        "genset_fuel_cost": [20.0, 20.0, 0.0], "genset_start_cost": [60.0, 0.0, 0.0],
        "genset_service_cost": [10.0, 10.0, 0.0], "genset_co2_kg": [14.0, 14.0, 0.0],
    })  # fmt: skip
    (day,) = settle_days(slots, "Europe/Prague", 150_000.0).to_dicts()
    assert day == {
        "day": DAY, "genset_wh": 50_000.0, "genset_cost": 120.0, "genset_co2_kg": 28.0, "no_genset_cost": 562.5,
        "no_genset_over_wh": 25_000.0, "import_peak_w": 100_000.0, "no_genset_peak_w": 200_000.0,
        "no_genset_saving": 562.5 - 432.5,
    }  # fmt: skip
