"""How much energy of the cells is worth so much and more: backwards through slots and courses, price by price.

Within a course the money of a slot is convex in what the cells gain, made of at most three straight pieces, and so is
all that follows (Bellman 1957): what a kWh more is worth falls in steps as they fill, and each step is at a price of
some slot. The energy worth a price and more, its stock, is a slot earlier the same, with what the slot gives away for
less and without what it takes in for more, between empty and full: the conjugate of an infimal convolution is a sum
(Rockafellar, Convex Analysis, 1970, section 16). So nothing is searched and there is no grid: all courses and prices go
back a slot by one addition and two bounds, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.value.ahead import Ahead, Battery


@dataclass(frozen=True)
class Stock:
    """At an instant the energy above the floor, kWh, that is worth a price and more: by course and rising price."""

    prices: Array
    energy: Array


def at_each(problem: Problem, battery: Battery) -> list[Stock]:
    """At the begin of each slot of a problem with courses, and at the end of the last."""
    ahead = Ahead.of(problem, battery, np.array([course.deficit_w for course in problem.courses]))
    prices = _prices(ahead, battery)
    drawn, energy = _drawn(ahead, prices), _at_end(prices, battery)
    found = [energy.copy()]
    for i in range(len(drawn) - 1, -1, -1):
        _back(energy, drawn[i], battery)
        found.append(energy.copy())
    return [Stock(prices, one) for one in found[: -problem.slots - 2 : -1]]


def after_first(problem: Problem, battery: Battery, lacks_w: Array) -> list[Stock]:
    """At the end of the first slot of several problems, each a slot later than the one before and ending with it.

    What they know alike is gone through once: back through any slots is ``min(max(stock + all drawn, low), high)``
    whatever they begin with, and ``low`` and ``high`` are what empty and full cells come to.

    Args:
        problem: the first; prices, limits and what is left at the end is worth the same in all.
        lacks_w: by problem, course and step of the first one; before its own first step a problem has what the first
            one has.
    """
    b, count, steps = battery, len(lacks_w), lacks_w.shape[-1]
    ahead = Ahead.of(problem, b, lacks_w)
    differ = np.flatnonzero((lacks_w != lacks_w[0]).any(axis=(0, 1)))
    first, end = (int(differ[0]), int(differ[-1]) + 1) if len(differ) else (1, 1)
    prices = _prices(ahead, b)
    drawn, apart = _drawn(ahead.of_problem(0), prices), _drawn(ahead.of_steps(first, end), prices)
    found = np.empty((count, *prices.shape))
    energy = _at_end(prices, b)
    for i in range(steps - 1, end - 1, -1):
        _back(energy, drawn[i], b)
        if i <= count:
            found[i - 1] = energy
    each = np.tile(energy, (count, 1, 1))
    for i in range(end - 1, first - 1, -1):
        _back(each, apart[:, i - first], b)
        if i <= count:
            found[i - 1] = each[i - 1]
    bounds, total = np.array([np.zeros_like(prices), np.full_like(prices, b.room)]), np.zeros_like(prices)
    for i in range(first - 1, 0, -1):
        _back(bounds, drawn[i], b)
        total += drawn[i]
        if i <= count:
            found[i - 1] = np.clip(each[i - 1] + total, *bounds)
    return [Stock(prices, one) for one in found]


def _prices(ahead: Ahead, battery: Battery) -> Array:
    """All at which the worth of a kWh can step, falling, one row a course; the last is repeated where one has fewer."""
    every = (ahead.buying, ahead.meeting, ahead.selling)
    rows = [
        np.unique(np.concatenate([[battery.end_per_kwh], *(price[..., course].ravel() for price in every)]))[::-1]
        for course in range(ahead.buying.shape[-1])
    ]
    most = max(map(len, rows))
    return np.array([np.pad(row, (0, most - len(row)), mode="edge") for row in rows])


def _at_end(prices: Array, battery: Battery) -> Array:
    return np.where(prices <= battery.end_per_kwh, battery.room, 0.0)


def _drawn(ahead: Ahead, prices: Array) -> Array:
    """What each step takes out of the cells where a kWh kept is worth each price; < 0 puts in.

    As prices fall it buys no more, then covers demand or stores no more, then sells.
    """
    shape, most = ahead.met.shape, prices.shape[-1]
    turns = np.empty((*shape, 5), dtype=np.int64)
    turns[..., 0], turns[..., 4] = 0, most
    for number, worth in enumerate((ahead.buying, ahead.meeting, ahead.selling), 1):
        for course, falling in enumerate(-prices):
            turns[..., course, number] = np.searchsorted(falling, -worth[..., course])
    moved = np.cumsum(np.stack([-ahead.charged, ahead.bought, ahead.met, ahead.sold], axis=-1), axis=-1)
    return np.repeat(moved.ravel(), np.diff(turns).ravel()).reshape(*shape, most)


def _back(energy: Array, drawn: Array, battery: Battery) -> None:
    """From the end of a step to its begin, in place."""
    energy += drawn
    np.maximum(energy, 0.0, out=energy)
    np.minimum(energy, battery.room, out=energy)
