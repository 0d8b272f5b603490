"""One charger is one connector, one current, one fuse: however many sessions a problem knows of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ems_pipeline.plan import assemble, device_rows, slot_rows, verify
from ems_pipeline.plan.problem import Fuse, PreviousPower
from ems_pipeline.plan.result.complete import complete
from ems_pipeline_tests.plan.small import car, house, planned

CHEAP = [0.3, 0.3, 0.1, 0.1, 0.3, 0.3]


def test_two_sessions_of_a_charger_take_turns() -> None:
    """Two of the six slots are cheap and each session needs two: 5.52 kWh at 0.1, as many at 0.3, and the load."""
    problem = house(CHEAP, 500.0, 0.08, sessions=(car(0, 6, 5520.0), car(2, 6, 5520.0)))
    plan = planned(problem)
    assert np.minimum(*plan.session_w).max() == 0.0
    assert plan.objective == pytest.approx(5.52 * 0.1 + 5.52 * 0.3 + 0.125 * sum(CHEAP))


def test_rows_of_a_charger_add_up_to_what_its_sessions_draw() -> None:
    problem = house(CHEAP, 500.0, 0.08, sessions=(car(0, 6, 5520.0), car(2, 6, 5520.0)))
    plan = planned(problem)
    rows = device_rows(plan)
    told = rows.filter(rows["asset_key"] == "box")["power_w"].to_list()
    assert told == pytest.approx(plan.session_w.sum(axis=0).tolist())
    assert told == pytest.approx(slot_rows(plan)["ev_w"].to_list())


@pytest.mark.parametrize("min_w", [0.0, 4140.0])
def test_the_verifier_refuses_two_cars_at_one_connector(min_w: float) -> None:
    sessions = (car(0, 4, 5520.0, min_w=min_w), car(0, 4, 5520.0, min_w=min_w, key="other"))
    problem = house([0.3] * 4, sessions=sessions)
    plan = planned(problem)
    assert np.minimum(*plan.session_w).max() == 0.0
    twice = complete(dataclasses.replace(plan, session_w=np.full((2, 4), 5520.0)))
    assert "one car at a charger" in {violation.law for violation in verify(problem, twice)}


def test_sessions_of_two_chargers_do_not_wait_for_each_other() -> None:
    sessions = (car(0, 2, 5520.0), car(0, 2, 5520.0, key="other", charger="second"))
    wide = house([0.3] * 2, grid={"import_limit_w": 30_000.0}, sessions=sessions)
    assert planned(wide).unmet == ()
    fused = dataclasses.replace(wide, fuses=(Fuse("garage", 12_000.0, ("box", "second")),))
    assert planned(fused).session_w.sum(axis=0).max() <= 12_000.5


def test_a_plan_before_that_charged_starts_neither_of_two_sessions() -> None:
    sessions = (car(0, 6, 5520.0), car(2, 6, 5520.0))
    before = (PreviousPower("box", np.full(6, 11_040.0)),)
    problem = house(CHEAP, 500.0, 0.08, sessions=sessions)
    assert planned(dataclasses.replace(problem, previous=before)).objective == pytest.approx(
        planned(problem).objective, abs=1e-6
    )


def test_two_sessions_that_begin_together_keep_names_of_their_own(home, day_inputs) -> None:
    inputs = day_inputs(24.0)
    twice = dataclasses.replace(inputs, sessions=(inputs.sessions[0], inputs.sessions[0]))
    sessions = assemble(home, twice).sessions
    assert len({session.key for session in sessions}) == 2
    assert planned(assemble(home, twice), gap=1e-2).status == "optimal"
