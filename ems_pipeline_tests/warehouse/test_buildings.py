"""A house is fitted from its telemetry, kept per fit, and known from then on only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ems_pipeline.plant import World
from ems_pipeline.plant.log import Logger
from ems_pipeline.sites import Site
from ems_pipeline.steps.heating import fit_house
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, buildings, sites, telemetry

START = datetime(2026, 1, 20, tzinfo=UTC)
DAYS = 24
END = START + timedelta(days=DAYS)


@pytest.fixture(scope="module", autouse=True)
def logged(warehouse: Warehouse, home01: Site) -> None:
    """Winter weeks of the demo site's own logger."""
    world = World(home01, SimulatedClock(END), 1, START)
    logger = Logger(world)
    world.on_minute = logger
    world.advance(END)
    with warehouse.begin() as connection:
        sites.register(connection, [home01], START)
        telemetry.import_15m(connection, home01.key, logger.frame(START, END))


def test_a_fit_counts_from_when_it_was_made_and_the_stated_house_before(warehouse: Warehouse, home01: Site) -> None:
    pump = home01.heat_pumps[0]
    with warehouse.begin() as connection:
        rows, why = fit_house(connection, home01, pump, START + timedelta(days=5))
        assert (rows, "fewer than 100 cold windows" in why) == (0, True)
        rows, why = fit_house(connection, home01, pump, END)
        assert (rows, why.startswith("fitted house")) == (1, True)
        early, told = buildings.of(connection, home01.key, pump, END - timedelta(minutes=1))
        assert (early.heat_loss_w_per_k, told) == (180.0, "stated house: nothing fitted yet")
        fitted, _ = buildings.of(connection, home01.key, pump, END)
    assert fitted.heat_loss_w_per_k == pytest.approx(180, rel=0.15)
    assert fitted.heat_capacity_wh_per_k == pytest.approx(10000, rel=0.2)
    assert fitted.windows > 150


def test_a_stated_house_far_from_the_fitted_one_is_kept_and_the_reason_names_both(
    warehouse: Warehouse, home01: Site
) -> None:
    """The owner typed a zero too many: what is fitted then is not believed silently, and said."""
    pump = home01.heat_pumps[0]
    typo = pump.model_copy(update={"house": pump.house.model_copy(update={"heat_loss_w_per_k": 1800.0})})
    with warehouse.begin() as connection:
        fit_house(connection, home01, pump, END)
        response, why = buildings.of(connection, home01.key, typo, END)
    assert response.heat_loss_w_per_k == 1800.0
    assert "not within a factor of 2 of the stated 1800" in why
