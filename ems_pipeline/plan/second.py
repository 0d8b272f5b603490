"""After the switches are decided: exact money, marginal values, and the calmest of the plans that cost the same.

With every integer fixed the problem is linear. Its duals say what a kWh more would have cost or saved; among its optima
the one with least wear and least change from the previous plan is taken.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan import solver
from ems_pipeline.plan.build import Built
from ems_pipeline.plan.laws.storage import Store
from ems_pipeline.plan.model import Arrays, Model
from ems_pipeline.plan.problem import PreviousPower, Problem
from ems_pipeline.plan.record import Array
from ems_pipeline.plan.solver import Solution

H = units.SLOT_HOURS
MONEY_SLACK = 1e-6
"""Of the bare load's cost: what the second stage may give away for calm."""
CHANGE_WEIGHT = 0.5
"""A kWh moved against the previous plan weighs as much as so many kWh of throughput."""


@dataclass(frozen=True)
class Settled:
    """The linear problem with fixed switches, its money-optimal solution with duals, and the calmest point."""

    arrays: Arrays
    linear: solver.Linear
    money: Solution
    x: Array


def settle(problem: Problem, built: Built, arrays: Arrays, found: Solution, time_limit_s: float) -> Settled | None:
    """None when the linear problem cannot be solved (time); the first stage's solution then stands."""
    fixed = with_switches_fixed(arrays, found.x)
    linear = solver.Linear(fixed, near=found.x)
    money = linear.run(time_limit_s)
    if money.status != "optimal":
        return None
    calm = linear.extended(_calmest(problem, built, fixed, money), time_limit_s)
    return Settled(fixed, linear, money, calm.x[: len(money.x)] if calm.status == "optimal" else money.x)


def with_switches_fixed(arrays: Arrays, x: Array) -> Arrays:
    """The same model with every integer column held at its value."""
    integer = arrays.integer.astype(bool)
    value = np.round(x[integer])
    lower, upper = arrays.lower.copy(), arrays.upper.copy()
    lower[integer] = upper[integer] = value
    return dataclasses.replace(arrays, lower=lower, upper=upper, integer=np.zeros_like(arrays.integer))


def _calmest(problem: Problem, built: Built, linear: Arrays, money: Solution) -> Arrays:
    """Least throughput and least change, subject to ``money <= least money``."""
    model, fresh = built.model, built.model.n_columns
    weights = np.zeros(fresh)
    for store in built.batteries:
        weights[store.charge] = weights[store.discharge] = H
    previous = {p.key: p for p in problem.previous}
    for battery, store in zip(problem.batteries, built.batteries, strict=True):
        if battery.key in previous:
            _change(model, store, previous[battery.key])
    at = np.zeros(1, dtype=np.int32)
    bare = float(np.abs(problem.buy_per_kwh) @ units.slot_energy_wh(units.kilo(problem.load_w)))
    limit = money.objective - linear.offset + MONEY_SLACK * max(bare, 1.0)
    row = model.rows("no more money", at, -np.inf, limit)
    costly = np.flatnonzero(linear.cost).astype(np.int32)
    model.add(np.repeat(row, len(costly)), costly, linear.cost[costly])
    calm = model.arrays()
    added = np.full(model.n_columns - fresh, CHANGE_WEIGHT * H)
    return dataclasses.replace(
        calm,
        cost=np.concatenate([weights, added]),
        lower=np.concatenate([linear.lower, calm.lower[fresh:]]),
        upper=np.concatenate([linear.upper, calm.upper[fresh:]]),
        integer=np.zeros_like(calm.integer),
        offset=0.0,
    )


def _change(model: Model, store: Store, previous: PreviousPower) -> None:
    """``change >= |discharge - charge - previous|`` for the slots both plans cover."""
    count = len(previous.power_w)
    slots = np.arange(count, dtype=np.int32)
    before_kw = units.kilo(previous.power_w)
    change = model.columns("change", slots, 0.0, np.inf)
    for sign in (1.0, -1.0):
        rows = model.rows("change", slots, -np.inf, sign * before_kw)
        model.add(rows, store.discharge[:count], sign)
        model.add(rows, store.charge[:count], -sign)
        model.add(rows, change, -1.0)
