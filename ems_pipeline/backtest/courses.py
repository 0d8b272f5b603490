"""What stored energy is worth where it is no convex function: the least of several that are, one a course."""

from __future__ import annotations

from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from ems_pipeline.backtest.stored import SlotCost, Stored

EQUAL = 1e-12
"""Money below which one is no cheaper than another."""


class Drawn(NamedTuple):
    """What a slot draws, and what a kWh more is worth after it."""

    kwh: float
    worth: float


class Courses:
    """Money still to be paid from a slot on: the least of its convex parts."""

    __slots__ = ("parts",)

    def __init__(self, parts: list[Stored]) -> None:
        self.parts = parts

    def before(self, slot: tuple[SlotCost, ...]) -> Courses:
        """One slot earlier; what one part never does for less than another is left out."""
        if len(self.parts) == len(slot) == 1:
            return Courses([self.parts[0].before(slot[0], 0.0)])  # alone it is compared with none
        found = [part.before(side, side.of(-side.charged)) for part, side in product(self.parts, slot)]
        return Courses(_needed(found))

    def drawn(self, energy: float, slot: tuple[SlotCost, ...]) -> Drawn:
        """What the slot before draws at the least cost from ``energy``."""
        if len(self.parts) == len(slot) == 1:
            return Drawn(*self.parts[0].drawn(energy, slot[0]))
        every = [(Drawn(*part.drawn(energy, side)), part, side) for part, side in product(self.parts, slot)]
        return min(every, key=lambda way: way[2].of(way[0].kwh) + way[1].of(energy - way[0].kwh))[0]

    def cost(self, drawn: float, energy: float, slot: tuple[SlotCost, ...]) -> float:
        """Money of a slot that draws so much from ``energy``, and of all that follows."""
        sides = [side for side in slot if -side.charged <= drawn <= side.discharged] or slot
        return min(side.of(drawn) for side in sides) + min(part.of(energy - drawn) for part in self.parts)


def _needed(parts: list[Stored]) -> list[Stored]:
    """Those that are the least anywhere. Between the ends of all pieces each is straight: where another one is least at
    either end, a third can only be so where these two cross.
    """
    at = np.unique(np.concatenate([[part.floor, *part.ends] for part in parts]))
    money = np.stack([np.interp(at, [part.floor, *part.ends], _money(part)) for part in parts])
    least = money.argmin(axis=0)
    needed = set(least.tolist())
    while True:
        change = np.flatnonzero(least[1:] != least[:-1])
        here, there = least[change], least[change + 1]
        lead, lag = money[there, change] - money[here, change], money[here, change + 1] - money[there, change + 1]
        share = np.divide(lead, lead + lag, out=np.full(len(change), 0.5), where=lead + lag > 0)
        crossing = money[:, change] * (1 - share) + money[:, change + 1] * share
        new = set(crossing.argmin(axis=0)[crossing.min(axis=0) < crossing[here, range(len(change))] - EQUAL].tolist())
        if new <= needed:
            return [part for number, part in enumerate(parts) if number in needed | new]
        needed |= new
        money = np.insert(money, change + 1, crossing, axis=1)
        least = money.argmin(axis=0)


def _money(part: Stored) -> list[float]:
    money = [part.base]
    for slope, (begin, end) in zip(part.slopes, pairwise([part.floor, *part.ends]), strict=True):
        money.append(money[-1] + slope * (end - begin))
    return money
