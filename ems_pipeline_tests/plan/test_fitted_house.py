"""A plan heats the house that was measured, not the one somebody guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ems_pipeline.heat.building import BuildingResponse
from ems_pipeline.plan import PlanInputs, assemble, solve, verify
from ems_pipeline.sites import Site

LEAKY = BuildingResponse(300.0, 14000.0, 250.0, 120.0, 200)


def test_the_fitted_house_takes_the_place_of_the_stated_one(home: Site, day_inputs: Callable[..., PlanInputs]) -> None:
    inputs = day_inputs(12)
    stated = assemble(home, inputs).heat_pumps[0].store
    assert (stated.loss_w_per_k, stated.capacity_wh_per_k, stated.gains_w.max()) == (180.0, 10000.0, 0.0)
    fitted = assemble(home, replace(inputs, houses={"heating": LEAKY})).heat_pumps[0].store
    assert (fitted.loss_w_per_k, fitted.capacity_wh_per_k) == (300.0, 14000.0)
    assert np.unique(fitted.gains_w).tolist() == [250.0]
    assert fitted.end_value_per_k == pytest.approx(1.4 * stated.end_value_per_k)


def test_a_house_that_leaks_more_is_heated_more_and_the_plan_passes_its_check(
    home: Site, day_inputs: Callable[..., PlanInputs]
) -> None:
    inputs, energy_wh = day_inputs(24), []
    for houses in ({}, {"heating": LEAKY}):
        problem = assemble(home, replace(inputs, houses=houses))
        plan = solve(problem)
        assert not verify(problem, plan)
        energy_wh.append(float(plan.heat_pump_w.sum()) / 4)
    assert energy_wh[1] > 1.2 * energy_wh[0]
