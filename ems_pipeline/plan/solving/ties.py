"""What an owner chooses among plans that cost the same and are as safe: early, level, in order, quiet; one by one.

Each choice is a linear problem of its own, in which neither money nor regret (`second`) nor the choices before it get
worse. A choice decides only what those leave open.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model import Arrays
from ems_pipeline.plan.model.build import Built
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.solving import solver
from ems_pipeline.plan.solving.solver import Solution

H = units.SLOT_HOURS
NO_WORSE = 1e-6
"""Share of what was reached before by which a later choice may miss it: the solver's own tolerance."""

Wanted = list[tuple[Index, Array]]
"""Columns, and what a unit of each costs a choice."""
Choice = Callable[[Built], Wanted]


def chosen(
    problem: Problem, built: Built, linear: solver.Linear, calm: tuple[Arrays, Solution], time_limit_s: float
) -> Solution:
    """The last solution of the owner's choices, from the calmest on; where one cannot be found, that of before."""
    arrays, found = calm
    for name in problem.ties:
        arrays = _then(built, arrays, found, CHOICES[name])
        better = linear.extended(arrays, time_limit_s)
        if better.status != "optimal":
            return found
        found = better
    return found


def _then(built: Built, before: Arrays, found: Solution, choice: Choice) -> Arrays:
    """The model of before with its cost as a bound, and the cost of a choice."""
    model, known = built.model, built.model.n_columns
    weighed = np.flatnonzero(before.cost).astype(np.int32)
    most = found.objective + NO_WORSE * max(1.0, abs(found.objective))
    row = model.rows("no worse than before", np.zeros(1, dtype=np.int32), -np.inf, most)
    model.add(np.repeat(row, len(weighed)), weighed, before.cost[weighed])
    wanted = choice(built)
    arrays = model.arrays()
    cost = np.zeros(model.n_columns)
    for columns, weights in wanted:
        cost[columns] += weights
    return dataclasses.replace(
        arrays,
        cost=cost,
        lower=np.concatenate([before.lower, arrays.lower[known:]]),
        upper=np.concatenate([before.upper, arrays.upper[known:]]),
        integer=np.zeros_like(arrays.integer),
        offset=0.0,
    )


def early(built: Built) -> Wanted:
    """What is drawn for later or for a car or a house is drawn as early as may be."""
    late = H * np.arange(len(built.balance)) / len(built.balance)
    found = [(store.charge, late) for store in built.batteries]
    found += [(cars.power.above, late[cars.power.slots]) for cars in built.sessions]
    return found + [(heating.house.above, late[heating.house.slots]) for heating in built.heat_pumps]


def level(built: Built) -> Wanted:
    """The highest import and the highest export are as low as may be."""
    model, every, found = built.model, np.arange(len(built.balance), dtype=np.int32), []
    for name, columns in (("import", built.meter.imported), ("export", built.meter.exported)):
        top = model.columns(f"highest {name}", every[:1], 0.0, np.inf)
        rows = model.rows(f"highest {name}", every, -np.inf, 0.0)
        model.add(rows, columns, 1.0)
        model.add(rows, np.repeat(top, len(rows)), -1.0)
        found.append((top, np.ones(1)))
    return found


def order(built: Built) -> Wanted:
    """Batteries work in the order in which they are named: the first as much as it can, the last least."""
    each = np.full(len(built.balance), H)
    return [(side, k * each) for k, store in enumerate(built.batteries) for side in (store.charge, store.discharge)]


def quiet(built: Built) -> Wanted:
    """Powers of batteries, cars and heat pumps change as little as may be from one quarter-hour to the next."""
    model, found = built.model, []
    powers: list[tuple[Index, Index | None]] = [(store.discharge, store.charge) for store in built.batteries]
    powers += [(cars.power.above, None) for cars in built.sessions]
    powers += [(heating.house.above, None) for heating in built.heat_pumps]
    for given, taken in powers:
        slots = np.arange(len(given) - 1, dtype=np.int32)
        change = model.columns("change from slot to slot", slots, 0.0, np.inf)
        for sign in (1.0, -1.0):
            rows = model.rows("change from slot to slot", slots, -np.inf, 0.0)
            model.add(rows, change, -1.0)
            for columns, side in ((given, sign), (taken, -sign)):
                if columns is not None:
                    model.add(rows, columns[1:], side)
                    model.add(rows, columns[:-1], -side)
        found.append((change, np.ones(len(slots))))
    return found


CHOICES: Mapping[str, Choice] = {"early": early, "level": level, "order": order, "quiet": quiet}
