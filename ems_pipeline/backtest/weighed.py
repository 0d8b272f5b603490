"""What stored energy is worth over several courses, for the slots of an issue at once.

Forecasts and what they missed hardly change from one slot to the next: paths move on by a slot, and their ends come
from another day. What the slots know alike is gone through once (`plan.value.stock.after_first`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import takewhile

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.value import stock
from ems_pipeline.plan.value.ahead import Battery
from ems_pipeline.plan.value.exact import is_exact
from ems_pipeline.plan.value.worth import Worth

MOST = 8
"""Slots that are decided together at most."""


class Weighed:
    """Worth after a slot by what is known at its begin.

    Args:
        problem: what is to be planned at the begin of a slot.
        same_until: see `history.Expected`.
    """

    def __init__(self, problem: Callable[[int], Problem], same_until: Callable[[int], int]) -> None:
        self._problem, self._same_until = problem, same_until
        self._held: dict[int, Worth | None] = {}

    def worth(self, t: int) -> Worth | None:
        """After slot ``t``; None where courses do not decide (`plan.value.exact`)."""
        if t not in self._held:
            self._held = dict(self._from(t))
        return self._held[t]

    def _from(self, t: int) -> Iterator[tuple[int, Worth | None]]:
        """Of slot ``t`` and those after it that know the same prices."""
        first = self._problem(t)
        if not is_exact(first):
            yield t, None
            return
        later = map(self._problem, range(t + 1, min(t + MOST, self._same_until(t), t + first.slots)))
        problems = [first, *takewhile(partial(_goes_on, first), later)]
        lacks_w = np.tile([course.deficit_w for course in first.courses], (len(problems), 1, 1))
        for k, problem in enumerate(problems):
            lacks_w[k, :, k:] = [course.deficit_w for course in problem.courses]
        battery = Battery.of(first.batteries[0])
        for k, one in enumerate(stock.after_first(first, battery, lacks_w)):
            yield t + k, Worth.of(battery, one)


def _goes_on(first: Problem, later: Problem) -> bool:
    """Whether a later problem has the same end, prices and worth of what is left, and is decided by courses, too."""
    gone, sides = first.slots - later.slots, ("buy_per_kwh", "sell_per_kwh")
    known = all(np.array_equal(getattr(first, side)[gone:], getattr(later, side)) for side in sides)
    return known and all(np.array_equal(_after(first, side), _after(later, side)) for side in sides)


def _after(problem: Problem, side: str) -> list[Array]:
    """Prices behind the horizon, by course."""
    return [getattr(course, side) for course in problem.courses]
