"""Machines that are off or within a range, and that dislike being switched often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model import Model


@dataclass(frozen=True)
class Switched:
    """Columns of a machine that is off or within ``[low, high]``: power is ``low * on + above`` kW.

    ``on`` is None for a machine without a minimum (``above`` is then its power). ``begun`` are the starts of machines
    that turn for ``warm_up`` slots before they carry load: those slots do not count as on, nor do the first ``warming``
    of a machine that was started before them.
    """

    slots: Index
    low_kw: float
    on: Index | None
    above: Index
    begun: Index | None = None
    warm_up: int = 0
    warming: int = 0

    def draw(self, model: Model, rows: Index, factor: ArrayLike) -> None:
        """Enter ``factor * power`` into ``rows``, one row per slot of the machine."""
        model.add(rows, self.above, factor)
        if self.on is not None and self.low_kw > 0:
            self.carry(model, rows, np.asarray(factor) * self.low_kw)

    def carry(self, model: Model, rows: Index, factor: ArrayLike) -> None:
        """Enter ``factor`` where the machine carries load: on, and no start within the last ``warm_up`` slots."""
        if self.on is None:
            return
        spread = np.broadcast_to(factor, len(rows))
        model.add(rows[self.warming :], self.on[self.warming :], spread[self.warming :])
        if self.begun is not None and self.warm_up:
            starting = np.where(np.arange(len(rows)) < self.warming, 0.0, -spread)
            into_window(model, rows, self.begun, range(-self.warm_up + 1, 1), starting)


def semicontinuous(
    model: Model,
    key: str,
    slots: Index,
    low_kw: float,
    high_kw: ArrayLike,
    wanted: ArrayLike = 0.0,
    allowed: ArrayLike = 1.0,
    switched: bool = False,
) -> Switched:
    """Power 0 or ``[low, high]`` kW: ``power = low * on + above`` with ``above <= (high - low) * on``.

    One row per slot instead of two, and no column that only repeats others. ``wanted`` 1 keeps a slot on, ``allowed`` 0
    off. A machine without a minimum has a switch only where another law asks for it (``switched``). ``high`` may
    differ by slot.
    """
    if low_kw <= 0 and not switched:
        return Switched(slots, 0.0, None, model.columns(f"{key} power", slots, 0.0, high_kw * np.asarray(allowed)))
    above_kw = np.maximum(np.asarray(high_kw, dtype=float) - low_kw, 0.0)
    on = model.columns(f"{key} on", slots, wanted, allowed, integer=True)
    above = model.columns(f"{key} power above minimum", slots, 0.0, above_kw)
    rows = model.rows(f"{key} maximum power", slots, -np.inf, 0.0)
    model.add(rows, above, 1.0)
    model.add(rows, on, -above_kw)
    return Switched(slots, low_kw, on, above)


def starts(model: Model, key: str, slots: Index, on: Index, was_on: bool | None, cost: ArrayLike = 0.0) -> Index:
    """``start[t] >= on[t] - on[t-1]``: 1 where the machine is switched on; free in the first slot if unknown before.

    The column is continuous: whatever limits or prices it drives it to 0 or 1.
    """
    begun = model.columns(f"{key} start", slots, 0.0, 1.0, cost)
    first = -np.inf if was_on is None else -float(was_on)
    lower = np.zeros(len(slots))
    lower[0] = first
    rows = model.rows(f"{key} start", slots, lower, np.inf)
    model.add(rows, begun, 1.0)
    model.add(rows, on, -1.0)
    model.add(rows[1:], on[:-1], 1.0)
    return begun


def minimum_stay(model: Model, key: str, slots: Index, on: Index, run: int, pause: int, was_on: bool | None) -> None:
    """Once on, on for ``run`` slots; once off, off for ``pause`` slots.

    Starts in the last ``run`` slots imply on; starts in the next ``pause`` slots imply not on now (Rajan and Takriti
    2005, the tightest form). Up to two slots the starts can be eliminated without loosening anything.
    """
    if max(run, pause) <= 2:
        _two_slots(model, key, slots, on, run, pause, was_on)
    else:
        stays(model, key, slots, on, starts(model, key, slots, on, was_on), run, pause, was_on)


def stays(
    model: Model, key: str, slots: Index, on: Index, begun: Index, run: int, pause: int, was_on: bool | None
) -> None:
    """Minimum run and pause by starts; what was on before the first slot pauses from there on as well."""
    count = len(slots)
    if run > 1:
        rows = model.rows(f"{key} minimum run", slots, -np.inf, 0.0)
        model.add(rows, on, -1.0)
        into_window(model, rows, begun, range(-run + 1, 1), np.ones(count))
    if pause > 1:
        rows = model.rows(f"{key} minimum pause", slots[: count - 1], -np.inf, 1.0)
        model.add(rows, on[: count - 1], 1.0)
        into_window(model, rows, begun, range(1, pause + 1), np.ones(count - 1))
        if was_on:
            at_once = model.rows(f"{key} minimum pause", slots[:1], -np.inf, 0.0)
            model.add(np.repeat(at_once, min(pause, count)), begun[:pause], 1.0)


def _two_slots(model: Model, key: str, slots: Index, on: Index, run: int, pause: int, was_on: bool | None) -> None:
    """``on[t] <= on[t-1] + on[t+1]`` (nobody runs for one slot), ``on[t] - on[t+1] + on[t+2] <= 1`` (nor pauses)."""
    if run == 2 and len(slots) > 1:
        inner = slots[:-1] if was_on is False else slots[1:-1]
        begin = 0 if was_on is False else 1
        rows = model.rows(f"{key} minimum run", inner, -np.inf, 0.0)
        model.add(rows, on[begin:-1], 1.0)
        model.add(rows, on[begin + 1 :], -1.0)
        model.add(rows[1 - begin :], on[: len(on) - 2], -1.0)
    if pause == 2 and len(slots) > 2:
        rows = model.rows(f"{key} minimum pause", slots[:-2], -np.inf, 1.0)
        model.add(rows, on[:-2], 1.0)
        model.add(rows, on[1:-1], -1.0)
        model.add(rows, on[2:], 1.0)
    if pause == 2 and len(slots) > 1 and was_on:
        at_once = model.rows(f"{key} minimum pause", slots[:1], -np.inf, 0.0)
        model.add(at_once, on[1:2], 1.0)
        model.add(at_once, on[:1], -1.0)


def into_window(model: Model, rows: Index, columns: Index, offsets: range, factor: Array) -> None:
    """Row t gets ``factor[t]`` at ``columns[t + o]`` for every offset that exists."""
    here = np.arange(len(rows))
    for offset in offsets:
        there = here + offset
        inside = (there >= 0) & (there < len(columns))
        model.add(rows[here[inside]], columns[there[inside]], factor[inside])
