"""Hot water of the plant: the store's equation, its thermostat, and what people draw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ems_pipeline import time_grid
from ems_pipeline.plant import World, household
from ems_pipeline.plant.tank import Tank
from ems_pipeline.sites import HotWater, Site
from ems_pipeline.time_grid import SimulatedClock

START = datetime(2026, 1, 12, tzinfo=UTC)
WATER = {"key": "tank", "volume_l": 200, "daily_wh": 6000}


def with_tank(site: Site) -> Site:
    pump = site.heat_pumps[0].model_dump() | {"hot_water": WATER}
    return Site.model_validate(site.model_dump() | {"heat_pumps": [pump]})


def test_an_hour_of_heat_warms_the_water_by_its_capacity() -> None:
    """2326 W into 200 l (232.6 Wh/K) and no loss to a room as warm: 10 K in an hour."""
    tank = Tank(HotWater.model_validate(WATER | {"room_c": 40.0, "loss_w_per_k": 1e-6, "min_c": 33.0}))
    assert tank.temp_c == 40.0
    tank.heat_w = 2326.0
    tank.integrate(3600)
    assert tank.temp_c == pytest.approx(50.0, abs=1e-3)


def test_left_alone_it_cools_towards_the_room_with_its_time_constant() -> None:
    tank = Tank(HotWater.model_validate(WATER))
    above_k = tank.temp_c - 20.0
    tank.integrate(3600 * 232.6 / 2.0)  # one time constant, C / UA
    assert tank.temp_c - 20.0 == pytest.approx(above_k / np.e)


def test_people_draw_what_the_site_file_says_on_average() -> None:
    zone = time_grid.zone("Europe/Prague")
    days = [START + timedelta(days=i) for i in range(200)]
    drawn_wh = [household.hot_water_w(3, 6000, zone, day).sum() / 60 for day in days]
    assert np.mean(drawn_wh) == pytest.approx(6000, rel=0.05)


def test_the_tank_stays_warm_through_a_winter_week_and_so_do_the_rooms(home01: Site) -> None:
    site, clock = with_tank(home01), SimulatedClock(START)
    world = World(site, clock, seed=2)
    unit = world.heatings["heating"]
    assert unit.tank is not None
    tank_c, room_c, on_tank = [], [], 0
    for _ in range(7 * 24 * 6):
        clock.advance_to(clock.at + timedelta(minutes=10))
        world.advance()
        tank_c.append(unit.tank.temp_c)
        room_c.append(unit.indoor_c)
        on_tank += unit.on_tank
        if unit.on_tank:
            assert unit.power_w == unit.pump.max_power_w
            assert (unit.flow_c, unit.heat_w) == (55.0, 0.0)
    assert 38 < min(tank_c) < max(tank_c) < 50
    assert on_tank > 10
    assert min(room_c) > site.heat_pumps[0].house.comfort_min_c - 0.5


def test_a_tank_costs_electricity_and_without_one_nothing_changes(home01: Site) -> None:
    def week(site: Site) -> float:
        clock = SimulatedClock(START)
        world = World(site, clock, seed=2)
        clock.advance_to(START + timedelta(days=7))
        world.advance()
        return world.counters.heat_pump_wh

    more_wh = week(with_tank(home01)) - week(home01)
    assert 7 * 6000 / 3.5 < more_wh < 7 * (6000 + 24 * 2.0 * 28) / 1.8  # between a good and a poor COP at 55 degrees
