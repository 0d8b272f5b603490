"""Plans of the demo site: found, lossless, the same every time."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from ems_pipeline.plan import Plan, Problem, assemble, device_rows, slot_rows, solve, verify


def test_the_demo_site_is_planned_to_the_proven_optimum(home, day_inputs) -> None:
    problem = assemble(home, day_inputs(24.0))
    plan = solve(problem)
    assert plan.status == "optimal"
    assert verify(problem, plan) == []
    assert slot_rows(plan).height == problem.slots
    assert device_rows(plan)["asset_key"].n_unique() == 6


def test_the_bus_balances_in_every_slot(home, day_inputs) -> None:
    rows = slot_rows(solve(assemble(home, day_inputs(24.0)), gap=1e-2))
    sources = rows["grid_w"] + rows["pv_w"] + rows["battery_w"] + rows["genset_w"]
    used = rows["load_w"] + rows["ev_w"] + rows["heat_pump_w"]
    assert np.abs((sources - used).to_numpy()).max() < 1e-6


def test_a_problem_and_a_plan_survive_json_and_are_the_same_every_time(home, day_inputs) -> None:
    problem = assemble(home, day_inputs(24.0))
    again = Problem.from_json(problem.to_json())
    assert again.to_json() == problem.to_json()
    first, second = solve(problem).to_json(), solve(again).to_json()
    assert first == second
    assert Plan.from_json(first).to_json() == first


def test_a_first_plan_of_a_process_leaves_standard_output_to_whoever_prints(home, day_inputs) -> None:
    """A solver says once a process who it is, and a command that prints JSON is read by a machine."""
    problem = assemble(home, day_inputs(24.0)).to_json()
    code = (
        "import sys; from ems_pipeline.plan import Problem, solve; solve(Problem.from_json(sys.stdin.read()), gap=0.1)"
    )
    ended = subprocess.run([sys.executable, "-c", code], input=problem, capture_output=True, text=True, check=True)
    assert ended.stdout == ""
