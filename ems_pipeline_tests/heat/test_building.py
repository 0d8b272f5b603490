"""The building: heat balance by hand, and the response found again behind a 0.1 K sensor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.heat import building
from ems_pipeline.sites import House

HOUSE = House(heat_loss_w_per_k=150, heat_capacity_wh_per_k=8000)
TRUE = building.BuildingResponse(210.0, 12000.0, 500.0)


def measured(days: int, seed: int = 1) -> pl.DataFrame:
    """Slot means of a heated house in winter: blocks of heating, daily swing outdoors, sensors with 0.1 K steps."""
    start = datetime(2026, 1, 5, tzinfo=UTC)
    starts = time_grid.slots(start, start + timedelta(days=days))
    rng, n = np.random.default_rng(seed), len(starts)
    outdoor = 1 + 4 * np.sin(2 * np.pi * np.arange(n) / 96 - 2) + np.cumsum(rng.normal(0, 0.08, n))
    heat = np.where((np.arange(n) // 14) % 3 == 0, 9000.0, 1800.0) + rng.normal(0, 200, n)
    after = TRUE.indoor_path_c(21.0, heat, outdoor)
    indoor = (np.concatenate([[21.0], after[:-1]]) + after) / 2
    return pl.DataFrame(
        {"starts_at": starts, "indoor_c": np.round(indoor, 1), "outdoor_c": np.round(outdoor, 1), "heat_w": heat}
    )


def test_demand_is_loss_times_difference_less_gains_and_never_cooling() -> None:
    """210 W/K * (21 - (-5)) K - 500 W = 4960 W."""
    assert TRUE.heat_demand_w(21.0, -5.0) == pytest.approx(4960)
    assert TRUE.heat_demand_w(21.0, 30.0) == 0.0


def test_held_demand_holds_the_temperature() -> None:
    outdoor = np.full(400, -3.0)
    path = TRUE.indoor_path_c(21.0, TRUE.heat_demand_w(21.0, outdoor), outdoor)
    np.testing.assert_allclose(path, 21.0, rtol=1e-12)


def test_an_unheated_house_cools_with_its_time_constant() -> None:
    """12000 / 210 = 57.14 h without gains: after that time 1/e of the difference is left."""
    house = building.BuildingResponse(210.0, 12000.0)
    slots = round(12000 / 210 * 4)
    path = house.indoor_path_c(20.0, np.zeros(slots), np.zeros(slots))
    assert path[-1] == pytest.approx(20 / np.e, rel=0.005)


def test_the_response_is_found_again_behind_coarse_sensors() -> None:
    fitted = building.fit(measured(42))
    assert fitted is not None
    assert fitted.heat_loss_w_per_k == pytest.approx(210, rel=0.05)
    assert fitted.heat_capacity_wh_per_k == pytest.approx(12000, rel=0.05)
    assert fitted.gains_w == pytest.approx(500, abs=150)
    assert fitted.windows == 42 * 8 - 1  # the last window has no next


def test_less_than_two_weeks_fit_nothing() -> None:
    assert building.fit(measured(12)) is None


def test_a_window_with_a_gap_or_before_one_is_not_used() -> None:
    """Four o'clock is missing: of the eight windows of a day the one around it is lost, those beside it are whole."""
    rows = measured(20)
    holed = rows.with_columns(heat_w=pl.when(pl.col("starts_at").dt.hour() == 4).then(None).otherwise("heat_w"))
    fitted = building.fit(holed)
    assert fitted is not None
    assert fitted.windows == 20 * 7 - 1


def test_a_summer_without_heating_fits_nothing() -> None:
    rows = measured(20).with_columns(outdoor_c=pl.col("indoor_c") - 3.0, heat_w=pl.lit(0.0))
    assert building.fit(rows) is None


def test_heat_of_another_circuit_is_refused_with_the_remedy() -> None:
    rows = measured(20).with_columns(heat_w=-pl.col("heat_w"))
    with pytest.raises(building.UnidentifiableBuilding, match="check that heat_w is of this house"):
        building.fit(rows)


@pytest.mark.parametrize(
    ("fitted", "used"),
    [
        (None, "nothing fitted yet"),
        (building.BuildingResponse(290.0, 15000.0, 400.0, 90.0, 300), "fitted house: 300 windows"),
        (building.BuildingResponse(310.0, 12000.0, 400.0, 90.0, 300), "fitted heat loss of 310 W/K"),
        (building.BuildingResponse(210.0, 3900.0, 400.0, 90.0, 300), "fitted heat capacity of 3900 Wh/K"),
        (building.BuildingResponse(210.0, 12000.0, 2200.0, 90.0, 300), "fitted gains of 2200 W"),
    ],
)
def test_a_fit_counts_within_a_factor_of_two_of_the_stated_house_only(
    fitted: building.BuildingResponse | None, used: str
) -> None:
    """Stated are 150 W/K and 8000 Wh/K."""
    response, why = building.chosen(fitted, HOUSE)
    assert used in why
    assert response == (fitted if why.startswith("fitted") else building.BuildingResponse.stated(HOUSE))
