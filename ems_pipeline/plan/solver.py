"""HiGHS: one fresh model per solve, one thread, a fixed seed. Nothing of an earlier solve is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ems_pipeline.plan.model import Arrays
from ems_pipeline.plan.record import Array

REL_GAP = 1e-4
OPTIONS: dict[str, Any] = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 0,
    "mip_rel_gap": REL_GAP,
    "presolve": "off",
    "mip_heuristic_run_root_reduced_cost": False,
}
"""Presolve and the root reduced-cost heuristic cost 2-3x on these models (measured: docs/planner.md)."""


@dataclass(frozen=True)
class Solution:
    """``status``: optimal, feasible (stopped early), infeasible or none; ``x`` is empty without a solution."""

    status: str
    objective: float
    gap: float
    x: Array
    row_dual: Array


def run(arrays: Arrays, time_limit_s: float, abs_gap: float, relaxed: bool = False) -> Solution:
    """Minimise a model.

    Args:
        abs_gap: stop when the proven distance to the optimum is below this (money), or below `REL_GAP`.
        relaxed: ignore integrality.
    """
    import highspy

    highs = highspy.Highs()
    for name, value in OPTIONS.items():
        highs.setOptionValue(name, value)
    highs.setOptionValue("time_limit", float(time_limit_s))
    highs.setOptionValue("mip_abs_gap", float(abs_gap))
    integer = np.zeros_like(arrays.integer) if relaxed else arrays.integer
    a = arrays
    highs.passModel(
        len(a.cost), len(a.row_lower), len(a.value), 1, 1, a.offset, a.cost, a.lower, a.upper, a.row_lower, a.row_upper,
        a.start, a.index, a.value, integer,
    )  # fmt: skip
    highs.run()
    return _solution(highspy, highs, bool(integer.any()))


def _solution(highspy: Any, highs: Any, is_mip: bool) -> Solution:
    status = highs.getModelStatus()
    info = highs.getInfo()
    found = info.primal_solution_status == 2  # kSolutionStatusFeasible
    known = {
        highspy.HighsModelStatus.kOptimal: "optimal",
        highspy.HighsModelStatus.kInfeasible: "infeasible",
        highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
    }
    name = known.get(status, "feasible" if found else "none")
    if not found:
        return Solution(name if name != "optimal" else "none", float("nan"), float("inf"), np.zeros(0), np.zeros(0))
    answer = highs.getSolution()
    gap = float(info.mip_gap) if is_mip else 0.0
    dual = np.array(answer.row_dual) if not is_mip else np.zeros(0)
    return Solution(name, float(info.objective_function_value), gap, np.array(answer.col_value), dual)
