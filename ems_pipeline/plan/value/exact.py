"""Problems whose only choice is what one battery does: there, stored energy alone says how a slot bears on the next."""

from __future__ import annotations

import numpy as np

from ems_pipeline.plan.problem import Problem


def is_exact(problem: Problem) -> bool:
    """Whether the value of stored energy decides a problem with courses; the linear program decides all others."""
    if not problem.courses or len(problem.batteries) != 1 or not problem.exclusive:
        return False
    machines = (problem.sessions, problem.heat_pumps, problem.deferrables, problem.switched, problem.gensets)
    battery = problem.batteries[0]
    is_within = battery.floor_wh < battery.ceiling_wh and battery.floor_wh <= battery.initial_wh <= battery.ceiling_wh
    is_plain = battery.is_plain and problem.grid.is_plain and not any(machines)
    return is_plain and is_within and _is_wide(problem) and _is_convex(problem)


def _is_wide(problem: Problem) -> bool:
    """No AC connection can bind, and the bare load and the sun pass the meter."""
    most_w = sum(float(source.available_w.max()) for source in problem.pv)
    stiff = any(not source.curtailable for source in problem.pv)
    through = all(
        inverter.ac_limit_w >= most_w + problem.batteries[0].discharge_limit_w for inverter in problem.inverters
    )
    return through and not stiff and bool((problem.load_w <= problem.grid.import_limit_w).all())


def _is_convex(problem: Problem) -> bool:
    """Buying is dearer than selling and paid by who buys: burning energy then never pays."""
    after = [
        np.array([getattr(course, side) for course in problem.courses]) for side in ("buy_per_kwh", "sell_per_kwh")
    ]
    pairs = ((problem.buy_per_kwh, problem.sell_per_kwh), after)
    return all(bool((buy >= np.maximum(sell, 0.0)).all()) for buy, sell in pairs)
