"""The plan before this one, as the next decision may know it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from ems_pipeline.plan import Problem, device_rows, slot_rows, solve
from ems_pipeline.plan.problem import BatteryStore, GridLimits
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, plans, sites

START = datetime(2026, 6, 1, 10, tzinfo=UTC)


def test_the_next_decision_knows_the_powers_of_the_plan_before_it(warehouse: Warehouse, home01: Site) -> None:
    price = np.array([0.2, 0.5, 0.5, 0.5])
    pack = BatteryStore("pack", 4000.0, 2000.0, 2000.0, 0.9, 0.9, 0.0, 4000.0, 1000.0)
    grid = GridLimits(np.full(4, 9000.0), np.full(4, 9000.0))
    plan = solve(Problem("home01", "CZK", START, price, price - 0.1, np.full(4, 900.0), grid, batteries=(pack,)))
    decided_at = START - timedelta(minutes=1)
    run = plans.PlanningRun(
        "home01",
        "rolling",
        START.date(),
        decided_at,
        START,
        START + 4 * SLOT,
        plan.status,
        True,
        {},
        "c",
        "v",
        decided_at,
    )
    with warehouse.begin() as connection:
        sites.register(connection, [home01], START - timedelta(days=1))
        plans.store(connection, run, slot_rows(plan), device_rows(plan))
        second = plans.powers(connection, {"home01": START + SLOT}, START + timedelta(minutes=14))
        none = plans.powers(connection, {"home01": START}, decided_at)
    assert second == {"home01": {"pack": plan.battery_w[1:].round().tolist()}}
    assert none == {}
