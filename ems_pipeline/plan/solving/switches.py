"""Switch patterns that cost the same: what the plan before had is kept, and a car starts as seldom as it can.

The search for least money ends at any of many patterns: on a flat tariff a car may start six times. Here other patterns
are proposed, best first; each is accepted only if the linear problem with it costs no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index, Mask
from ems_pipeline.plan.model.build import Built
from ems_pipeline.plan.model.laws.charging import may_charge
from ems_pipeline.plan.model.laws.switched import may_be_on
from ems_pipeline.plan.model.laws.switching import Switched
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.solving import start

KEEP = 0.005
"""Share of what a machine's energy costs that another pattern must save to replace that of the plan before: less is
within the noise of prices and forecasts."""
MOST_TRIES = 8
"""Patterns of one car that are tried at most."""
Pattern = dict[int, float]
"""Switch columns and the 0 or 1 they are held at."""


@dataclass(frozen=True)
class Proposal:
    """A pattern, and the money it may cost more."""

    pattern: Pattern
    may_cost: float


def kept(problem: Problem, built: Built, x: Array) -> Iterator[Proposal]:
    """What the plan before had: of all machines at once, else of each."""
    found = [proposal for proposal in _before(problem, built, x) if proposal.pattern]
    if len(found) > 1:
        everything = {column: value for proposal in found for column, value in proposal.pattern.items()}
        yield Proposal(everything, sum(proposal.may_cost for proposal in found))
    yield from found


def _before(problem: Problem, built: Built, x: Array) -> Iterator[Proposal]:
    """Per machine the switches that differ from the plan before, as far as that reaches."""
    mean_price = float(np.abs(problem.buy_per_kwh).mean())
    for before_w, (columns, values) in start.switched_before(problem, built):
        pattern = {int(c): float(v) for c, v in zip(columns, values, strict=True) if round(x[c]) != v}
        yield Proposal(pattern, KEEP * mean_price * units.kilo(float(units.slot_energy_wh(before_w.sum()))))


def fewer_starts(problem: Problem, built: Built, x: Array, meter_per_kwh: Array) -> Iterator[list[Pattern]]:
    """Per car or load that starts more than once: patterns with fewer starts that may cost no more, best first."""
    cars, loads = zip(problem.sessions, built.sessions, strict=True), zip(problem.switched, built.switched, strict=True)
    free = [(charging.power, may_charge(problem, car)) for car, charging in cars]
    free += [(power, may_be_on(problem, load)) for load, power in loads]
    for power, may_run in free:
        if power.on is None:
            continue
        may = may_run[power.slots] > 0
        is_on = np.round(x[power.on]) > 0
        price = meter_per_kwh[power.slots]
        patterns = [p for p in _merged(is_on, may, price) if _starts(p) < _starts(is_on)]
        best_first = sorted(patterns, key=_starts)[:MOST_TRIES]
        if best_first:
            yield [_pattern(power, is_on, wanted) for wanted in best_first]


def _merged(is_on: Mask, may: Mask, price: Array) -> Iterator[Mask]:
    """One run of all slots wherever that is no dearer, the earliest first; then two neighbouring runs in one."""
    dearest = float(price[is_on].sum()) * (1 + 1e-6) + 1e-9 if is_on.any() else -np.inf
    length, n = int(is_on.sum()), len(is_on)
    for first in range(n - length + 1):
        block = np.zeros(n, dtype=bool)
        block[first : first + length] = True
        if may[block].all() and price[block].sum() <= dearest:
            yield block
            break
    for (a, b), (c, d) in pairwise(_runs(is_on)):
        for first in (a, c - (b - a)):
            joined = is_on.copy()
            joined[a:b] = joined[c:d] = False
            joined[first : first + (b - a) + (d - c)] = True
            if may[joined].all() and price[joined].sum() <= dearest:
                yield joined


def _runs(is_on: Mask) -> list[tuple[int, int]]:
    """Runs of slots, ``[first, end)``."""
    edges = np.flatnonzero(np.diff(is_on.astype(int), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _starts(is_on: Mask) -> int:
    return len(_runs(is_on))


def _pattern(power: Switched, is_on: Mask, wanted: Mask) -> Pattern:
    assert power.on is not None
    columns: Index = power.on[is_on != wanted]
    return {int(c): float(v) for c, v in zip(columns, wanted[is_on != wanted], strict=True)}
