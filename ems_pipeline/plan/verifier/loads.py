"""The laws of loads with a run time, and of groups of machines, re-simulated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import DeferrableRun, LoadGroup, Problem, SwitchedLoad
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.verifier.resimulate import HOURS, is_open, missing_slots, starts_of, still_on
from ems_pipeline.plan.verifier.violation import POWER_W, Violation, outside, stays, worst

Found = Iterator[Violation]


def switched(problem: Problem, plan: Plan) -> Found:
    given = sum((*plan.discharge_w, *plan.genset_w), np.maximum(plan.grid_w, 0.0))
    for load, power in zip(problem.switched, plan.switched_w, strict=True):
        yield from worst("on or off", load.key, outside(power, load.power_w, load.power_w), POWER_W, "W")
        closed = [0.0 if is_open(load, t) else abs(float(w)) for t, w in enumerate(power)]
        yield from worst("closed window", load.key, closed, POWER_W, "W")
        on = [float(w) > POWER_W for w in power]
        yield from _windows(load, on)
        owed = still_on(load)
        excused = owed if owed < len(on) and not is_open(load, owed) else None
        before, already = load.was_on, load.state_slots
        yield from stays("minimum run", load.key, on, True, load.min_run_slots, before, already, excused)
        yield from stays("minimum pause", load.key, on, False, load.min_pause_slots, before, already)
        if load.anywhere_w is not None:
            beyond = np.array(power - load.anywhere_w, dtype=float)
            beyond[:owed] = 0.0  # what it has to run out it draws from anywhere
            yield from worst("only what the sun leaves", load.key, np.minimum(beyond, given), POWER_W, "W")


def _windows(load: SwitchedLoad, on: list[bool]) -> Found:
    """No longer in a window than is wanted there, or than one least run, or than it owes; no more starts than left."""
    begun = starts_of(on, load.was_on is not False)
    for window in load.wanted:
        most = max(window.slots, load.min_run_slots) if window.slots > 0 else 0
        most = max(most, sum(window.first <= t < window.end for t in range(still_on(load))))
        here = sum(on[window.first : window.end])
        yield from worst("run time", load.key, [float(here - most)], 0.0, "slots")
        if window.most_starts is not None:
            many = float(sum(begun[window.first : window.end]) - window.most_starts)
            yield from worst("starts in a window", load.key, [many], 0.0, "starts")


def reported(problem: Problem, plan: Plan) -> Found:
    """Run time that is missing is what the plan says is missing."""
    for load, power in zip(problem.switched, plan.switched_w, strict=True):
        hours = HOURS * sum(missing_slots(window, power) for window in load.wanted)
        told = sum(u.amount for u in plan.unmet if u.key == load.key and u.what == "run time missing")
        yield from worst("missing run time as reported", load.key, [abs(hours - told)], 1e-6, "h")


def groups(problem: Problem, plan: Plan) -> Found:
    """No more machines of a group at once than it lets, or than have to run on."""
    for group in problem.load_groups:
        running = [0] * len(plan.grid_w)
        owing = [0] * len(plan.grid_w)
        for t in (t for slots in _slots(problem, plan, group) for t in slots):
            running[t] += 1
        for load in problem.switched:
            for t in range(min(still_on(load), len(owing)) if load.key in group.machines else 0):
                owing[t] += 1
        over = [float(n - max(group.most_at_once, owed)) for n, owed in zip(running, owing, strict=True)]
        yield from worst("at once in a group", group.key, over, 0.0, "machines")


def _slots(problem: Problem, plan: Plan, group: LoadGroup) -> Iterator[list[int]]:
    """The slots in which each machine of a group runs; a profile may rest within its run."""
    for load, power in zip(problem.switched, plan.switched_w, strict=True):
        if load.key in group.machines:
            yield [t for t, w in enumerate(power) if float(w) > POWER_W]
    for machine, power in zip(problem.deferrables, plan.deferrable_w, strict=True):
        if machine.key in group.machines and (power != 0).any():
            begin = _begin(machine, power)
            yield list(range(begin, min(len(power), begin + len(machine.profile_w))))


def _begin(machine: DeferrableRun, power: Array) -> int:
    """The first slot of a run, which may begin with a rest."""
    first_on = next(t for t, w in enumerate(power) if w != 0)
    return max(0, first_on - next(t for t, w in enumerate(machine.profile_w) if w > 0))
