"""Goals on the virtual plant, over the wire: a car on the sun, one that is full in time, a house that was left cold.

Three hours and a half around noon in autumn: a plan each quarter-hour from what was read a minute before, what is
told, and the plant's own meter minute by minute.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import dagster as dg
import numpy as np
import pytest

from ems_pipeline import time_grid
from ems_pipeline.control import run_control
from ems_pipeline.control.gateways import reading
from ems_pipeline.devices import fleet
from ems_pipeline.orchestration.installation import history
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.plan import Plan
from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.plant.world import Flows
from ems_pipeline.sites import Site
from ems_pipeline.sites.goal import Goal, Source
from ems_pipeline.steps import deciding
from ems_pipeline.steps.deciding import Wanted
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import MINUTE, SLOT, SimulatedClock
from ems_pipeline.warehouse import Warehouse, arming, goals, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.orchestration.conftest import PRAGUE

pytestmark = pytest.mark.slow
DAY = date(2025, 10, 14)
BEGIN = time_grid.local_instant(DAY, time(10, 30), PRAGUE)
SLOTS = 14
LIGHT = {"heat_loss_w_per_k": 300.0, "heat_capacity_wh_per_k": 2000.0}
READY, BACK = BEGIN + timedelta(hours=3), BEGIN + timedelta(hours=3)
METER_W = 250.0
"""What the meter may show beyond the forecast's error: a charger's whole amperes, a minute's appliance."""


@dataclass
class Lived:
    """What was planned for each quarter-hour, and what the plant did in each of its minutes."""

    plant: Plant
    plans: list[Plan] = field(default_factory=list)
    minutes: list[list[Flows]] = field(default_factory=list)
    second_w: list[list[float]] = field(default_factory=list)
    indoor_c: list[float] = field(default_factory=list)
    had_wh: list[float] = field(default_factory=list)
    """Of the car that is to be ready, at the end of each quarter-hour."""


def at_home(home01: Site) -> Site:
    """Both cars come in the morning, and a light house: it is cold, and warm again, within hours."""
    stay = {"usual_arrival": time(10, 15), "usual_departure": time(18), "usual_weekdays": (0, 1, 2, 3, 4, 5, 6)}
    pumps = tuple(pump.model_copy(update={"house": pump.house.model_copy(update=LIGHT)}) for pump in home01.heat_pumps)
    chargers = tuple(charger.model_copy(update=stay) for charger in home01.chargers)
    return home01.model_copy(update={"chargers": chargers, "heat_pumps": pumps})


@pytest.fixture(scope="module")
def lived(warehouse: Warehouse, home01: Site) -> Iterator[Lived]:
    clock = SimulatedClock(BEGIN - SLOT)
    with (
        pytest.MonkeyPatch.context() as environment,
        running_plant(at_home(home01), clock, seed=2, history_days=6) as plant,
        dg.instance_for_test() as instance,
    ):
        for name, value in plant.environ.items():
            environment.setenv(name, value)
        platform = Platform(warehouse, clock, lambda: [plant.site])
        with platform.warehouse.begin() as connection:
            registry.register(connection, [plant.site], clock.now())
            arming.arm(connection, plant.site.key, clock.now(), by="test")
        runs = InProcess(platform, instance)
        runs.register([plant.site.key])
        history.import_log(runs, plant.site, plant.history())
        history.know_the_present(runs, plant.site)
        file(platform, plant.site)
        day = Lived(plant)
        for slot in (BEGIN + SLOT * i for i in range(SLOTS)):
            play(platform, day, slot)
        yield day


def file(platform: Platform, site: Site) -> None:
    """One car on the sun, the other with 9 kWh in three hours, and nobody at home until then."""
    now, end = platform.clock.now(), BEGIN + SLOT * SLOTS
    wanted = (
        Goal("car-2", now, end, Source.SOLAR, energy_wh=20_000.0, ready_at=end),
        Goal("car-1", now, READY, energy_wh=9000.0, ready_at=READY),
        Goal("heating", now, BACK, comfort_min_c=16.0),
    )
    with platform.warehouse.begin() as connection:
        for goal in wanted:
            goals.add(connection, site.key, goal, "test", now)


def play(platform: Platform, day: Lived, slot: datetime) -> None:
    """A quarter-hour: read, plan, tell, and look at the meter."""
    clock, site, world = platform.clock, day.plant.site, day.plant.world
    clock.wait_until(slot - MINUTE)
    with reading(platform.warehouse, "telemetry") as turns, fleet.runner() as loop:
        answers = loop.run(fleet.read_site(site, fleet.EVERYTHING, clock, turns))
    with platform.warehouse.begin() as connection:
        telemetry.store(connection, [(site.key, readings) for readings in answers])
    wanted = Wanted("rolling", DAY, clock.now())
    ((_, decide),) = deciding.decisions(platform, [site], wanted, logging.getLogger(__name__))
    decision = decide()
    assert decision.faults == []
    day.plans.append(decision.plan)
    clock.wait_until(slot)
    told = run_control(platform.warehouse, [site], slot, clock.now(), clock)
    assert {str(one) for one in told if one.state in ("failed", "reverted")} == set()
    flows, second = [], []
    while clock.now() < slot + SLOT - 2 * MINUTE:
        clock.wait_until(clock.now() + MINUTE)
        world.advance()
        flows.append(Flows(**vars(world.flows)))
        second.append(world.chargings["car-2"].power_w)
    day.minutes.append(flows)
    day.second_w.append(second)
    day.indoor_c.append(world.heatings["heating"].indoor_c)
    day.had_wh.append(world.chargings["car-1"].delivered_wh)


def test_a_car_on_the_sun_takes_only_what_is_left_by_plan_and_by_the_meter(lived: Lived) -> None:
    """What is imported beside it is no more than the sun and the house fell short of their forecast."""
    charged = 0
    both_there = slice(int((READY - BEGIN) / SLOT))  # the other car is believed to leave then
    days = zip(lived.plans[both_there], lived.minutes[both_there], lived.second_w[both_there], strict=True)
    for plan, flows, second_w in days:
        if not any(
            w[0] > 0 for car, w in zip(plan.problem.sessions, plan.session_w, strict=True) if car.charger == "car-2"
        ):
            continue
        assert plan.grid_w[0] <= 1.0
        assert plan.discharge_w[:, 0].max() == 0.0
        charged += max(second_w) > 1000
        expected_w = float(plan.pv_w[:, 0].sum() - plan.problem.load_w[0] - plan.heat_pump_w[:, 0].sum())
        came_w = float(np.mean([f.pv_w - f.load_w - f.heat_pump_w for f in flows]))
        imported_w = float(np.mean([max(0.0, f.grid_w) for f in flows]))
        assert imported_w <= max(0.0, expected_w - came_w) + METER_W
        assert max(f.battery_w for f in flows) <= 50.0, "a battery told to hold gives nothing"
    assert charged >= 3


def test_a_car_that_is_to_be_ready_has_its_energy_in_time(lived: Lived) -> None:
    assert lived.had_wh[int((READY - BEGIN) / SLOT) - 1] >= 0.97 * 9000.0


def test_a_house_that_may_be_cold_cools_and_is_warm_again_when_somebody_comes_back(lived: Lived) -> None:
    back = int((BACK - BEGIN) / SLOT) - 1
    assert min(lived.indoor_c[:back]) < 19.9, "below its usual 20 °C"
    assert lived.indoor_c[back] >= 19.7
