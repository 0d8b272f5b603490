"""A mixed-integer model as lists, one variable and one row at a time: for `small_planner` alone."""

from __future__ import annotations

import math

H = 0.25
Term = tuple[int, float]


class Model:
    """Least cost over variables within bounds; kW, kWh, K, money."""

    def __init__(self) -> None:
        self.constant = 0.0
        self.variables: list[tuple[float, float, float, bool]] = []
        self.rows: list[tuple[list[Term], float, float]] = []

    def var(self, low: float, high: float, cost: float = 0.0, integer: bool = False) -> int:
        """A variable."""
        self.variables.append((low, high, cost, integer))
        return len(self.variables) - 1

    def row(self, terms: list[Term], low: float, high: float) -> None:
        """``low <= sum of terms <= high``."""
        self.rows.append((terms, low, high))

    def either(self, first: tuple[int, float], second: tuple[int, float]) -> None:
        """One of two variables (each with its most) is 0."""
        choice = self.var(0.0, 1.0, integer=True)
        self.row([(first[0], 1.0), (choice, -first[1])], -math.inf, 0.0)
        self.row([(second[0], 1.0), (choice, second[1])], -math.inf, second[1])

    def beyond(self, terms: list[Term], edge: float, price: float) -> None:
        """What the sum of terms lies above ``edge`` costs ``price``."""
        over = self.var(0.0, math.inf, price)
        self.row([*terms, (over, -1.0)], -math.inf, edge)

    def solve(self, gap: float, time_limit_s: float) -> tuple[str, float]:
        """Status and objective."""
        import highspy
        import numpy as np

        highs = highspy.Highs()
        options = (("output_flag", False), ("mip_rel_gap", gap), ("mip_abs_gap", 1e-6), ("time_limit", time_limit_s))
        for name, value in options:
            highs.setOptionValue(name, value)
        low, high, cost, integer = (np.array(column, dtype=float) for column in zip(*self.variables, strict=True))
        merged = [_merged(terms) for terms, _, _ in self.rows]
        starts = np.cumsum([0, *(len(terms) for terms in merged)]).astype(np.int32)
        index = np.array([i for terms in merged for i, _ in terms], dtype=np.int32)
        value = np.array([v for terms in merged for _, v in terms])
        below, above = (np.array([row[side] for row in self.rows]) for side in (1, 2))
        highs.passModel(
            len(cost), len(merged), len(index), 2, 1, self.constant, cost, low, high, below, above, starts, index,
            value, integer.astype(np.int32),
        )  # fmt: skip
        highs.run()
        status = highs.modelStatusToString(highs.getModelStatus())
        return status.lower(), float(highs.getInfo().objective_function_value)


def _merged(terms: list[Term]) -> list[Term]:
    """Each variable once."""
    found: dict[int, float] = {}
    for index, value in terms:
        found[index] = found.get(index, 0.0) + value
    return [(index, value) for index, value in found.items() if value]
