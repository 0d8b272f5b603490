"""HiGHS: one fresh model per solve, one thread, a fixed seed. Nothing of an earlier solve is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ems_pipeline.plan.model import Arrays, Index
from ems_pipeline.plan.record import Array

OPTIONS: dict[str, Any] = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 0,
    "presolve": "off",
    "mip_heuristic_run_root_reduced_cost": False,
}
"""Presolve and the root reduced-cost heuristic cost 2-3x on these models (measured: docs/planner.md)."""
FEASIBLE_POINT = 2


@dataclass(frozen=True)
class Solution:
    """``status``: optimal, feasible (stopped early), infeasible or none; arrays are empty without a solution.

    ``gap`` is relative; duals (cost per unit of a row's or a column's bound) exist for continuous models only.
    """

    status: str
    objective: float
    gap: float
    x: Array
    row_dual: Array
    column_dual: Array


def run(arrays: Arrays, time_limit_s: float, rel_gap: float = 0.0, abs_gap: float = 0.0) -> Solution:
    """Minimise a model until the proven distance to the optimum is below either gap (relative, or money)."""
    import highspy

    highs = _load(highspy, arrays)
    highs.setOptionValue("time_limit", float(time_limit_s))
    highs.setOptionValue("mip_rel_gap", float(rel_gap))
    highs.setOptionValue("mip_abs_gap", float(abs_gap))
    highs.run()
    return _solution(highspy, highs, bool(arrays.integer.any()))


def conflicts(arrays: Arrays) -> tuple[Index, Index]:
    """Rows and columns of a smallest set of constraints that cannot hold together (integrality left aside)."""
    import highspy

    highs = _load(highspy, arrays)
    highs.setOptionValue("iis_strategy", 6)
    _, found = highs.getIis()
    return np.array(found.row_index_, dtype=np.int32), np.array(found.col_index_, dtype=np.int32)


def _load(highspy: Any, a: Arrays) -> Any:
    highs = highspy.Highs()
    for name, value in OPTIONS.items():
        highs.setOptionValue(name, value)
    highs.passModel(
        len(a.cost), len(a.row_lower), len(a.value), 1, 1, a.offset, a.cost, a.lower, a.upper, a.row_lower, a.row_upper,
        a.start, a.index, a.value, a.integer,
    )  # fmt: skip
    return highs


def _solution(highspy: Any, highs: Any, is_mip: bool) -> Solution:
    status = highs.getModelStatus()
    info = highs.getInfo()
    found = info.primal_solution_status == FEASIBLE_POINT
    known = {
        highspy.HighsModelStatus.kOptimal: "optimal",
        highspy.HighsModelStatus.kInfeasible: "infeasible",
        highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
    }
    name = known.get(status, "feasible" if found else "none")
    nothing = np.zeros(0)
    if not found:
        return Solution("infeasible" if name == "infeasible" else "none", np.nan, np.inf, nothing, nothing, nothing)
    answer = highs.getSolution()
    gap = float(info.mip_gap) if is_mip else 0.0
    duals = (nothing, nothing) if is_mip else (np.array(answer.row_dual), np.array(answer.col_dual))
    return Solution(name, float(info.objective_function_value), gap, np.array(answer.col_value), *duals)
