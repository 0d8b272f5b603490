"""States the second opinion simulates by itself, and what a connection may be exceeded by, worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ems_pipeline.plan.problem import ChargeBand, HybridInverter
from ems_pipeline.plan.verifier.resimulate import band_number, carries_load, indivisible_wh, temperatures_c
from ems_pipeline_tests.plan.by_hand import FLAT, laws
from ems_pipeline_tests.plan.small import battery, car, genset, heat_pump, house, roof


def test_every_band_of_charge_but_the_last_has_an_end() -> None:
    edges = (2000.0, 5000.0, 10_000.0)
    banded = battery(bands=tuple(ChargeBand(edge, 0.9, 0.9) for edge in edges))
    assert [band_number(banded, wh) for wh in (1000.0, 3000.0, 6000.0, 12_000.0)] == [0, 1, 2, 2]


def test_a_wish_of_whole_slots_at_full_power_has_nothing_indivisible() -> None:
    """A car of 4 kW and nothing else: 1 kWh is one slot; 1.2 kWh takes two, 0.8 kWh more than wanted."""
    stiff = {"min_w": 4000.0, "max_w": 4000.0}
    assert indivisible_wh(car(0, 4, 1000.0, **stiff)) == 0.0
    assert indivisible_wh(car(0, 4, 1200.0, **stiff)) == pytest.approx(800.0)


def test_a_cold_set_carries_load_after_its_whole_warm_up() -> None:
    assert carries_load([True] * 5, genset(warm_up_slots=3)) == [False, False, False, True, True]
    assert carries_load([True, False, True, True], genset(warm_up_slots=1)) == [False, False, False, True]


@pytest.mark.parametrize(("slots", "cold"), [(None, 0), (0, 3), (1, 2), (3, 0)])
def test_a_turning_set_carries_load_after_the_rest_of_its_warm_up(slots: int | None, cold: int) -> None:
    unit = genset(warm_up_slots=3, was_on=True, state_slots=slots)
    assert carries_load([True] * 4, unit) == [False] * cold + [True] * (4 - cold)


def test_people_and_sun_warm_a_house() -> None:
    """4 kW into 4 kWh/K are a quarter of a kelvin in a quarter of an hour."""
    store = dataclasses.replace(heat_pump(2, 21.0, 21.0, loss_w_per_k=1e-3).store, gains_w=np.full(2, 4000.0))
    assert temperatures_c(store, np.ones(2), np.zeros(2)) == pytest.approx([21.25, 21.5], abs=1e-4)


def test_sun_that_is_not_used_excuses_no_import() -> None:
    """700 W of load, 250 W of sun to be had, 300 W of connection: 150 W are nobody's fault, 250 W are."""
    problem = house(FLAT, 700.0, grid={"import_limit_w": 300.0}, pv=(roof([250.0] * 4),))
    assert laws(problem)["import limit"] == (250.0, 0)
    assert "import limit" not in laws(problem, pv_w=[250.0] * 4)


def test_sun_that_could_be_held_back_excuses_no_export() -> None:
    """900 W of sun less 100 W of load through 500 W."""
    problem = house(FLAT, 100.0, grid={"export_limit_w": 500.0}, pv=(roof([900.0] * 4),))
    assert laws(problem, pv_w=[900.0] * 4)["export limit"] == (300.0, 0)


def test_sun_behind_an_inverter_is_stiff_as_far_as_it_passes() -> None:
    """700 W of 900 W pass; less 100 W of load that is 100 W beyond the limit and nobody's fault."""
    stiff = roof([900.0] * 4, curtailable=False)
    hybrid = HybridInverter("hybrid", 700.0, ("roof",), ("pack",))
    problem = house(FLAT, 100.0, grid={"export_limit_w": 500.0}, pv=(stiff,), inverters=(hybrid,))
    assert "export limit" not in laws(problem, pv_w=[700.0] * 4)


def test_a_watt_too_much_is_not_excused_by_a_limit_that_the_sun_alone_keeps() -> None:
    problem = house(FLAT, 0.0, grid={"export_limit_w": 500.0}, batteries=(battery(),))
    assert laws(problem, discharge_w=[501.0, 0, 0, 0])["export limit"] == (1.0, 0)


def test_a_set_excuses_export_only_while_it_must_run_and_is_warm() -> None:
    """Owed are slots 0 and 1, of which 0 is warm-up: what goes out beyond the limit there, or later, is chosen."""
    grid = {"export_limit_w": 500.0, "over_limit_price_per_kwh": 8.0}
    turning = genset(was_on=True, state_slots=1, min_run_slots=3, warm_up_slots=2)
    problem = house(FLAT, 0.0, grid=grid, gensets=(turning,), batteries=(battery(),))
    on, power = [1.0, 1.0, 0.0, 0.0], [0.0, 1500.0, 0.0, 0.0]
    assert "export limit" not in laws(problem, genset_on=on, genset_w=power)
    cold = laws(problem, genset_on=on, genset_w=power, discharge_w=[501.0, 0, 0, 0])
    assert cold["export limit"] == (1.0, 0)
    longer = laws(problem, genset_on=[1.0] * 4, genset_w=[0.0, 1500.0, 1500.0, 1500.0])
    assert longer["export limit"] == (1000.0, 2)
    last = laws(problem, genset_on=[1.0, 1.0, 0.0, 0.0], genset_w=power, discharge_w=[0.0, 0.0, 0.0, 2000.0])
    assert last["export limit"] == (1500.0, 3)
