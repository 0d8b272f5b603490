"""What the simple rule lets loads with a run time do: they run as early as they may, and groups are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.model.laws.obligations import must_run
from ems_pipeline.plan.model.laws.sunshine import anywhere_w
from ems_pipeline.plan.model.laws.switched import at_once, may_be_on, most_slots
from ems_pipeline.plan.problem import Problem, RunTime, SwitchedLoad

LONG = 1_000_000
"""Slots and starts: longer and more than any law asks for."""


class Groups:
    """How many machines of each group may still run in each slot; those that have to run on are counted."""

    def __init__(self, problem: Problem) -> None:
        self._left = [(set(group.machines), at_once(problem, group)) for group in problem.load_groups]
        for load in problem.switched:
            self.take(load.key, range(must_run(load, problem.slots)))

    def free(self, key: str, slots: range) -> bool:
        """Whether the machine may run in all of these slots."""
        return all(bool((left[slots.start : slots.stop] >= 1).all()) for members, left in self._left if key in members)

    def take(self, key: str, slots: range) -> None:
        """It runs there."""
        for members, left in self._left:
            if key in members:
                left[slots.start : slots.stop] -= 1


def loads(problem: Problem, room_w: list[float], groups: Groups) -> Array:
    """Each load runs as early as its windows, the connection and its group let it, from anywhere.

    What the sun leaves is not known before all others have taken theirs.
    """
    power_w = np.zeros((len(problem.switched), problem.slots))
    for i, load in enumerate(problem.switched):
        for t in range(must_run(load, problem.slots)):
            room_w[t] += load.power_w  # was kept for it
        on = _Switching(problem, load, room_w, groups).run()
        power_w[i] = load.power_w * np.array(on, dtype=float)
        for t, power in enumerate(power_w[i].tolist()):
            room_w[t] -= power
    return power_w


@dataclass
class _Switching:
    """One load through the horizon: on since or off since, and what is left of each window."""

    problem: Problem
    load: SwitchedLoad
    room_w: list[float]
    groups: Groups
    is_on: bool = field(init=False)
    since: int = field(init=False)
    on: list[bool] = field(init=False, default_factory=list)
    starts: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        load, n = self.load, self.problem.slots
        free_w = anywhere_w(self.problem, load)
        given = np.ones(n, dtype=bool) if free_w is None else free_w >= load.power_w
        self.may = ((may_be_on(self.problem, load) > 0) & given).tolist()
        self.owed, self.is_on = must_run(load, n), bool(load.was_on)
        self.since = LONG if load.state_slots is None or load.was_on is None else load.state_slots
        windows = load.wanted
        self.starts = {w.first: LONG if w.most_starts is None else w.most_starts for w in windows}

    def run(self) -> list[bool]:
        for t in range(self.problem.slots):
            here = self._wants(t)
            self.since = self.since + 1 if here is self.is_on else 1
            self.is_on = here
            self.on.append(here)
        return self.on

    def _wants(self, t: int) -> bool:
        window = next((w for w in self.load.wanted if w.first <= t < w.end), None)
        if t < self.owed:
            return True
        if window is None or not self.may[t]:
            return False
        if self.is_on and self.since < self.load.min_run_slots:
            return self._takes(range(t, t + 1), window)
        left = window.slots - sum(self.on[window.first :])
        if left <= 0:
            return False
        if self.is_on:
            return self._takes(range(t, t + 1), window)
        return self.since >= self.load.min_pause_slots and self._starts(t, window)

    def _starts(self, t: int, window: RunTime) -> bool:
        """Whether a least run fits from here on: into the window, or beyond the horizon."""
        stop = t + self.load.min_run_slots
        run = range(t, min(stop, self.problem.slots))
        is_inside = run.stop <= window.end
        had = sum(self.on[window.first :])
        fits = had + len(run) <= most_slots(self.load, window, self.problem.slots)
        if not (is_inside and fits and self.starts[window.first] > 0 and self._fits(run)):
            return False
        self.starts[window.first] -= 1
        return self._takes(range(t, t + 1), window)

    def _fits(self, run: range) -> bool:
        enough = all(self.may[k] and self.room_w[k] >= self.load.power_w for k in run)
        return enough and self.groups.free(self.load.key, run)

    def _takes(self, slots: range, window: RunTime) -> bool:
        """Runs there, if it fits."""
        if slots.stop > window.end or not self._fits(slots):
            return False
        self.groups.take(self.load.key, slots)
        return True
