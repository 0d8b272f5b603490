"""After the switches are decided: exact money, marginal values, and of the plans that cost the same the safest.

With every integer fixed the problem is linear. Its duals say what a kWh more would have cost or saved; among its optima
the one is taken that does best when the forecast errs: it exchanges least with the grid, stores and uses early, wears
the battery least and changes least against the previous plan.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.model import Arrays, Model
from ems_pipeline.plan.model.build import Built
from ems_pipeline.plan.model.laws.storage import Store
from ems_pipeline.plan.problem import PreviousPower, Problem
from ems_pipeline.plan.solving import solver, switches, ties
from ems_pipeline.plan.solving.solver import Solution

H = units.SLOT_HOURS
MONEY_SLACK = 1e-8
"""Of the bare load's cost: what the second stage may give away for calm."""
EQUAL_MONEY = 1e-6
"""The same where switches are compared."""
CHANGE_WEIGHT = 0.25
"""A kWh moved against the previous plan weighs as much as so many kWh exchanged with the grid."""
EARLY_WEIGHT = 0.2
"""What the first kWh exchanged weighs more than the last; less than moving it away from the previous plan."""
WEAR_WEIGHT = 0.2
"""The same for a kWh charged or discharged: the battery works where it spares the grid a kWh, and is not used to burn
what could be fed in for nothing."""


@dataclass(frozen=True)
class Settled:
    """The linear problem with fixed switches, its money-optimal solution with duals, and the calmest point."""

    arrays: Arrays
    linear: solver.Linear
    money: Solution
    x: Array
    given_up: float
    """Money by which the search's own switches would be cheaper than those of the plan before."""


def settle(problem: Problem, built: Built, arrays: Arrays, found: Solution, time_limit_s: float) -> Settled | None:
    """None when the linear problem cannot be solved (time); the first stage's solution then stands."""
    linear = solver.Linear(with_switches_fixed(arrays, found.x), near=found.x)
    money = linear.run(time_limit_s)
    if money.status != "optimal":
        return None
    least = money.objective
    if pattern := _better_switches(problem, built, linear, money, time_limit_s):
        switched = found.x.copy()
        switched[list(pattern)] = list(pattern.values())
        linear = solver.Linear(with_switches_fixed(arrays, switched), near=money.x)
        money = linear.run(time_limit_s)
        if money.status != "optimal":
            return None
    calmest = _calmest(problem, built, linear.arrays, money)
    calm = linear.extended(calmest, time_limit_s)
    if problem.ties and calm.status == "optimal":
        calm = ties.chosen(problem, built, linear, (calmest, calm), time_limit_s)
    x = calm.x[: len(money.x)] if calm.status == "optimal" else money.x
    return Settled(linear.arrays, linear, money, x, money.objective - least)


def _better_switches(
    problem: Problem, built: Built, linear: solver.Linear, money: Solution, time_limit_s: float
) -> switches.Pattern:
    """Switches that differ from the search's and cost no more: those of the plan before, then fewer starts."""
    pattern: switches.Pattern = {}

    def accepts(wanted: switches.Pattern, may_cost: float) -> bool:
        held = {column: (value, value) for column, value in (pattern | wanted).items()}
        status, cost = linear.narrowed(held, time_limit_s)
        return status == "optimal" and cost <= money.objective + may_cost

    spent, slack = 0.0, EQUAL_MONEY * max(bare_turnover(problem), 1.0)
    for proposal in switches.kept(problem, built, money.x):
        if proposal.pattern.items() - pattern.items() and accepts(proposal.pattern, spent + proposal.may_cost + slack):
            pattern |= proposal.pattern
            spent += proposal.may_cost
    x = money.x.copy()
    x[list(pattern)] = list(pattern.values())
    for patterns in switches.fewer_starts(problem, built, x, money.row_dual[built.balance] / H):
        pattern |= next((wanted for wanted in patterns if accepts(wanted, spent + slack)), {})
    return pattern


def bare_turnover(problem: Problem) -> float:
    """What the bare load turns over at the buying price, in money."""
    return float(np.abs(problem.buy_per_kwh) @ units.slot_energy_wh(units.kilo(problem.load_w)))


def with_switches_fixed(arrays: Arrays, x: Array) -> Arrays:
    """The same model with every integer column held at its value."""
    integer = arrays.integer.astype(bool)
    value = np.round(x[integer])
    lower, upper = arrays.lower.copy(), arrays.upper.copy()
    lower[integer] = upper[integer] = value
    return dataclasses.replace(arrays, lower=lower, upper=upper, integer=np.zeros_like(arrays.integer))


def _calmest(problem: Problem, built: Built, linear: Arrays, money: Solution) -> Arrays:
    """Least regret (`_regret`) and least change, subject to ``money <= least money``."""
    model, fresh = built.model, built.model.n_columns
    weights = _regret(problem, built, fresh)
    previous = {p.key: p for p in problem.previous}
    for battery, store in zip(problem.batteries, built.batteries, strict=True):
        if battery.key in previous:
            _change(model, store, previous[battery.key])
    at = np.zeros(1, dtype=np.int32)
    limit = money.objective - linear.offset + MONEY_SLACK * max(bare_turnover(problem), 1.0)
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


def _regret(problem: Problem, built: Built, columns: int) -> Array:
    """Per column what it is likely to cost when load and PV come out otherwise, in kWh exchanged with the grid.

    A kWh exchanged early weighs a little more than one exchanged late: what is stored serves the house now, for the
    forecast of later may be wrong, and what is bought for later is bought as late as it can be. Feeding in weighs half
    of buying and is better than curtailing; buying is better than burning fuel. A car is served early: it may leave.
    Where an owner chooses among equals (`ties`), when something is exchanged weighs nothing here.
    """
    weights, early = np.zeros(columns), 1.0 - np.arange(problem.slots) / problem.slots
    early *= not problem.ties
    exchanged = 1.0 + EARLY_WEIGHT * early
    weights[built.meter.imported] = H * exchanged
    weights[built.meter.exported] = 0.5 * H * exchanged
    for group in built.pv:
        weights[group.column] = -2.0 * H * exchanged
    for generating in built.gensets:
        weights[generating.power.above] = 2.0 * H * exchanged[generating.power.slots]
    for store in built.batteries:
        weights[store.charge] = weights[store.discharge] = H * WEAR_WEIGHT
    for charging in built.sessions:
        weights[charging.power.above] = -2.0 * H * EARLY_WEIGHT * early[charging.power.slots]
    return weights


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
