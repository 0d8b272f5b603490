"""What stored energy is worth where it is no convex function: the least of several that are, one a course."""

from __future__ import annotations

from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from ems_pipeline.backtest.stored import SlotCost, Stored

EQUAL = 1e-12
"""Money below which one is no cheaper than another."""


class Drawn(NamedTuple):
    """What a slot draws, what a kWh more is worth after it, and what it costs with all that follows."""

    kwh: float
    worth: float
    money: float


class Courses:
    """Money still to be paid from a slot on: the least of its convex parts."""

    __slots__ = ("parts",)

    def __init__(self, parts: list[Stored]) -> None:
        self.parts = parts

    def before(self, slot: tuple[SlotCost, ...]) -> Courses:
        """One slot earlier; what one part never does for less than another is left out."""
        found = [part.before(side) for part, side in product(self.parts, slot)]
        return Courses(found if len(found) == 1 else _needed(found))

    def drawn(self, energy: float, slot: tuple[SlotCost, ...]) -> Drawn:
        """What the slot before draws at the least cost from ``energy``."""
        if len(self.parts) == len(slot) == 1:
            kwh, worth = self.parts[0].drawn(energy, slot[0])
            return Drawn(kwh, worth, self.cost(kwh, energy, slot))
        every = [(part.drawn(energy, side), part, side) for part, side in product(self.parts, slot)]
        ways = [Drawn(kwh, worth, side.of(kwh) + part.of(energy - kwh)) for (kwh, worth), part, side in every]
        return min(ways, key=lambda way: way.money)

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
