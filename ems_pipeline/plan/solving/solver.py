"""HiGHS: one thread, a fixed seed. A plan begins with a fresh model, and a start where its problem names one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model import Arrays

OPTIONS: dict[str, Any] = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 0,
    "presolve": "off",
    "mip_heuristic_run_root_reduced_cost": False,
}
"""Presolve and the root reduced-cost heuristic cost 2-3x on these models (measured: docs/planner.md)."""
FEASIBLE_POINT = 2
PRIMAL = 4


@dataclass(frozen=True)
class Solution:
    """``status``: optimal, feasible (stopped early), infeasible or none; arrays are empty without a solution.

    ``gap`` is relative; ``bound`` is what no solution can be cheaper than; duals (cost per unit of a row's or a
    column's bound) exist for continuous models only.
    """

    status: str
    objective: float
    gap: float
    x: Array
    row_dual: Array
    column_dual: Array
    bound: float = -np.inf


Start = tuple[Index, Array]
"""Some integer columns, and the values with which the search for a first solution begins."""


def run(
    arrays: Arrays, time_limit_s: float, rel_gap: float = 0.0, abs_gap: float = 0.0, start: Start | None = None
) -> Solution:
    """Minimise a model until the proven distance to the optimum is below either gap (relative, or money)."""
    import highspy

    highs = _load(highspy, arrays)
    if start is not None:
        columns, values = start
        highs.setSolution(len(columns), columns, np.clip(values, arrays.lower[columns], arrays.upper[columns]))
    highs.setOptionValue("time_limit", float(time_limit_s))
    highs.setOptionValue("mip_rel_gap", float(rel_gap))
    highs.setOptionValue("mip_abs_gap", float(abs_gap))
    highs.run()
    return _solution(highspy, highs, bool(arrays.integer.any()))


class Linear:
    """A continuous model that stays loaded, to be solved again from where the last solve ended."""

    def __init__(self, arrays: Arrays, near: Array) -> None:
        """``near`` is a point from which the solver starts; it need not be feasible."""
        import highspy

        self._highspy, self.arrays = highspy, arrays
        self._highs = _load(highspy, arrays)
        start = highspy.HighsSolution()
        start.col_value = near.tolist()
        self._highs.setSolution(start)

    def run(self, time_limit_s: float) -> Solution:
        """The optimum."""
        self._run(time_limit_s)
        return _solution(self._highspy, self._highs, is_mip=False)

    def narrowed(self, bounds: Mapping[int, tuple[float, float]], time_limit_s: float) -> tuple[str, float]:
        """Status and objective with other bounds of some columns; the model is as before afterwards."""
        for column, (lower, upper) in bounds.items():
            self._highs.changeColBounds(column, lower, upper)
        self._run(time_limit_s)
        found = _status(self._highspy, self._highs), float(self._highs.getInfo().objective_function_value)
        for column in bounds:
            self._highs.changeColBounds(column, self.arrays.lower[column], self.arrays.upper[column])
        return found

    def _run(self, time_limit_s: float) -> None:
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + time_limit_s)
        self._highs.run()

    def extended(self, arrays: Arrays, time_limit_s: float) -> Solution:
        """The optimum of a model with the same first columns and rows, other costs, and more of both behind them.

        It starts at the optimum found here, which is nearly feasible there: hence the primal simplex method.
        """
        highs, basis = _load(self._highspy, arrays), self._highs.getBasis()
        status = self._highspy.HighsBasisStatus
        basis.col_status = [*basis.col_status, *[status.kLower] * (len(arrays.cost) - len(basis.col_status))]
        basis.row_status = [*basis.row_status, *[status.kBasic] * (len(arrays.row_lower) - len(basis.row_status))]
        highs.setBasis(basis)
        highs.setOptionValue("simplex_strategy", PRIMAL)
        highs.setOptionValue("time_limit", time_limit_s)
        highs.run()
        return _solution(self._highspy, highs, is_mip=False)


def conflicts(arrays: Arrays) -> tuple[Index, Index]:
    """Rows and columns of a smallest set of constraints that cannot hold together (integrality left aside)."""
    import highspy

    highs = _load(highspy, arrays)
    highs.setOptionValue("iis_strategy", 6)
    _, found = highs.getIis()
    return np.array(found.row_index_, dtype=np.int32), np.array(found.col_index_, dtype=np.int32)


def _load(highspy: Any, a: Arrays) -> Any:
    highs = highspy._Highs()  # 1.16.0: `Highs` writes to stdout while it is made, before it can be told not to
    for name, value in OPTIONS.items():
        highs.setOptionValue(name, value)
    highs.passModel(
        len(a.cost), len(a.row_lower), len(a.value), 1, 1, a.offset, a.cost, a.lower, a.upper, a.row_lower, a.row_upper,
        a.start, a.index, a.value, a.integer,
    )  # fmt: skip
    return highs


def _status(highspy: Any, highs: Any) -> str:
    """As in `Solution`."""
    known = {
        highspy.HighsModelStatus.kOptimal: "optimal",
        highspy.HighsModelStatus.kInfeasible: "infeasible",
        highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
    }
    found = highs.getInfo().primal_solution_status == FEASIBLE_POINT
    name = known.get(highs.getModelStatus(), "feasible" if found else "none")
    return name if found or name == "infeasible" else "none"


def _solution(highspy: Any, highs: Any, is_mip: bool) -> Solution:
    name, info, nothing = _status(highspy, highs), highs.getInfo(), np.zeros(0)
    if name in ("infeasible", "none"):
        bound = float(info.mip_dual_bound) if is_mip and name == "none" else -np.inf
        return Solution(name, np.nan, np.inf, nothing, nothing, nothing, bound)
    answer, money = highs.getSolution(), float(info.objective_function_value)
    gap = float(info.mip_gap) if is_mip else 0.0
    bound = float(info.mip_dual_bound) if is_mip else money if name == "optimal" else -np.inf
    duals = (nothing, nothing) if is_mip else (np.array(answer.row_dual), np.array(answer.col_dual))
    return Solution(name, money, gap, np.array(answer.col_value), duals[0], duals[1], bound)
