"""Plans written down by hand, and what the second opinion says of them. No solver: a plan is its powers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import Plan, Problem, verify
from ems_pipeline.plan.result.complete import complete

FLAT = [0.3] * 4
WIDTHS = {
    "pv_w": "pv", "charge_w": "batteries", "discharge_w": "batteries", "session_w": "sessions",
    "heat_pump_w": "heat_pumps", "deferrable_w": "deferrables", "genset_w": "gensets", "genset_on": "gensets",
    "switched_w": "switched",
}  # fmt: skip


def acting(problem: Problem, **powers: Any) -> Plan:
    """The plan in which devices have these powers (one row per device, or one row for the only one), else none."""
    n = problem.slots
    arrays = {name: np.zeros((len(getattr(problem, kind)), n)) for name, kind in WIDTHS.items()}
    arrays["tank_w"] = np.zeros((sum(unit.tank is not None for unit in problem.heat_pumps), n))
    for name, values in powers.items():
        arrays[name] = np.array(values, dtype=float).reshape(arrays[name].shape)
    return complete(Plan(problem, "feasible", **arrays))


def broken(problem: Problem, plan: Plan) -> dict[str, tuple[float, int]]:
    """Amount and slot by law."""
    return {v.law: (pytest.approx(v.amount, abs=1e-6), v.slot) for v in verify(problem, plan)}


def laws(problem: Problem, **powers: Any) -> dict[str, tuple[float, int]]:
    return broken(problem, acting(problem, **powers))
