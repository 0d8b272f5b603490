"""The laws of generating sets and of the switchboards they stand behind, re-simulated."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np

from ems_pipeline.arrays import Array, Mask
from ems_pipeline.plan.problem import GensetUnit, Problem
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.verifier.resimulate import (
    HOURS,
    cannot_go_on,
    carries_load,
    quiet_slots,
    starts_of,
    still_on,
    turning_h,
)
from ems_pipeline.plan.verifier.violation import POWER_W, Violation, stays, worst

Found = Iterator[Violation]
EIGHT = 8
"""Quarter-hours of two hours."""


def gensets(problem: Problem, plan: Plan) -> Found:
    for unit, power, turning in zip(problem.gensets, plan.genset_w, plan.genset_on, strict=True):
        on = [bool(value > 0.5) for value in turning]
        yield from worst("genset switch", unit.key, np.abs(turning - np.array(on, dtype=float)), 1e-6, "of 0 or 1")
        yield from _load(unit, power, on)
        before, already, stop = unit.was_on, unit.state_slots, cannot_go_on(unit, len(on))
        yield from stays("genset minimum run", unit.key, on, True, unit.min_run_slots, before, already, stop)
        yield from stays("genset minimum pause", unit.key, on, False, unit.min_pause_slots, before, already)
        yield from _quiet(unit, on)
        if unit.run_hours_left is not None:
            most = unit.run_hours_left + unit.over_hours
            yield from worst("genset run hours", unit.key, [turning_h(unit, on) - most], 1e-6, "h")
        yield from _starts(problem, unit, on)


def _load(unit: GensetUnit, power: Array, on: list[bool]) -> Found:
    """Nothing before it is warm, then between least and most; in the first slot less by half of what it ramps."""
    warm = carries_load(on, unit)
    short = [max(0.0, unit.min_w - float(w)) if ready else 0.0 for w, ready in zip(power, warm, strict=True)]
    yield from worst("genset minimum load", unit.key, short, POWER_W, "W")
    yield from worst("genset maximum load", unit.key, power - unit.max_w, POWER_W, "W")
    early = [0.0 if ready else abs(float(w)) for w, ready in zip(power, warm, strict=True)]
    yield from worst("genset off or warming up", unit.key, early, POWER_W, "W")
    if unit.ramp_w_per_s is not None:
        full_after_s = unit.max_w / unit.ramp_w_per_s
        first_w = unit.max_w * (1.0 - full_after_s / 2.0 / (3600.0 * HOURS))
        loaded_before = unit.was_on and (unit.state_slots is None or unit.state_slots > unit.warm_up_slots)
        fresh = [here and not last for here, last in zip(warm, [loaded_before, *warm[:-1]], strict=True)]
        excess = [float(w) - first_w if new else 0.0 for w, new in zip(power, fresh, strict=True)]
        yield from worst("genset ramp", unit.key, excess, POWER_W, "W")
    yield from _low_load(unit, power, warm)


def _low_load(unit: GensetUnit, power: Array, warm: list[bool]) -> Found:
    """Counted over every stretch of twice the budget that ends in the horizon, with what came before it."""
    if unit.low_load_w <= unit.min_w:
        return
    low = [ready and float(w) < unit.low_load_w - POWER_W for w, ready in zip(power, warm, strict=True)]
    owed = [ready and t < still_on(unit) for t, ready in enumerate(carries_load([True] * len(low), unit))]
    past, excess = [True] * unit.low_load_before, []
    for t in range(len(low)):
        first = t + 1 - 2 * unit.low_load_slots
        earlier = sum(past[: max(0, -first)])
        begin = max(first, 0)
        most = max(unit.low_load_slots - earlier, sum(owed[begin : t + 1]), 0)
        excess.append(float(sum(low[begin : t + 1]) - most))
    yield from worst("genset low load", unit.key, excess, 0.0, "slots")


def _quiet(unit: GensetUnit, on: list[bool]) -> Found:
    """It turns in no blocked slot, nor does its lead or its cool-down fall into one."""
    blocked = quiet_slots(unit, len(on))
    yield from worst("genset quiet hours", unit.key, [float(a and b) for a, b in zip(on, blocked, strict=True)], 0.0,
                     "slots")  # fmt: skip
    begun = starts_of(on, unit.was_on)
    if unit.lead_h > 0:
        early = [0.0, *(float(starts and quiet) for starts, quiet in zip(begun[1:], blocked, strict=False))]
        yield from worst("genset lead in quiet hours", unit.key, early, 0.0, "slots")
    if unit.cool_down_h > 0:
        late = [float(here and quiet) for here, quiet in zip(on, blocked[1:], strict=False)]
        yield from worst("genset cool-down in quiet hours", unit.key, late, 0.0, "slots")


def _starts(problem: Problem, unit: GensetUnit, on: list[bool]) -> Found:
    begun = starts_of(on, unit.was_on)
    if unit.starts_per_day is not None:
        edges = [0, *problem.day_breaks, len(on)]
        per_day = [sum(begun[a:b]) - unit.starts_per_day for a, b in pairwise(edges)]
        per_day[0] += min(unit.starts_before, unit.starts_per_day)
        yield from worst("genset starts per day", unit.key, [float(x) for x in per_day], 0.0, "starts")
    if unit.starts_per_2h is not None:
        excess = []
        for t in range(len(on)):
            earlier = sum(1 for ago in unit.started_ago if -ago > t - EIGHT)
            excess.append(float(sum(begun[max(0, t + 1 - EIGHT) : t + 1]) - max(0, unit.starts_per_2h - earlier)))
        yield from worst("genset starts per 2 h", unit.key, excess, 0.0, "starts")


def switchboards(problem: Problem, plan: Plan) -> Found:
    """Sets that carry load do so at equal percent, and keep the spare of their board together."""
    for board in problem.switchboards:
        members = [i for i, unit in enumerate(problem.gensets) if unit.key in board.gensets]
        loaded = {i: _loaded(problem.gensets[i], plan.genset_on[i]) for i in members}
        for i, k in combinations(members, 2):
            one, other = problem.gensets[i], problem.gensets[k]
            apart = np.abs(plan.genset_w[i] / one.max_w - plan.genset_w[k] / other.max_w) * min(one.max_w, other.max_w)
            both = loaded[i] & loaded[k]
            yield from worst("equal share of load", board.key, np.where(both, apart, 0.0), POWER_W, "W")
        left = sum((np.where(loaded[i], problem.gensets[i].max_w - plan.genset_w[i], 0.0) for i in members),
                   np.zeros_like(plan.grid_w))  # fmt: skip
        runs = np.any([loaded[i] for i in members], axis=0) if members else np.zeros(len(left), dtype=bool)
        yield from worst("spare of the switchboard", board.key, np.where(runs, board.spare_w - left, 0.0), POWER_W, "W")


def _loaded(unit: GensetUnit, turning: Array) -> Mask:
    return np.array(carries_load([bool(value > 0.5) for value in turning], unit))
