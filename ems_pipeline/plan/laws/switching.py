"""Machines that are off or within a range, and that dislike being switched often."""

from __future__ import annotations

import numpy as np

from ems_pipeline.plan.model import Index, Model


def semicontinuous(
    model: Model, key: str, slots: Index, low_kw: float, high_kw: float, forced: int = 0
) -> tuple[Index, Index | None]:
    """Power 0 or ``[low, high]`` kW: ``low*on <= power <= high*on``. Without a minimum there is no on/off column.

    Returns:
        Columns of power and of on/off.
    """
    power = model.columns(f"{key} power", slots, 0.0, high_kw)
    if low_kw <= 0:
        return power, None
    lowest = np.zeros(len(slots))
    lowest[:forced] = 1.0
    on = model.columns(f"{key} on", slots, lowest, 1.0, integer=True)
    most = model.rows(f"{key} maximum power", slots, -np.inf, 0.0)
    model.add(most, power, 1.0)
    model.add(most, on, -high_kw)
    least = model.rows(f"{key} minimum power", slots, 0.0, np.inf)
    model.add(least, power, 1.0)
    model.add(least, on, -low_kw)
    return power, on


def starts(model: Model, key: str, slots: Index, on: Index, was_on: bool | None, cost: float = 0.0) -> Index:
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


def minimum_stay(model: Model, key: str, slots: Index, on: Index, run: int, pause: int, was_on: bool | None) -> Index:
    """Once on, on for ``run`` slots; once off, off for ``pause`` slots (Rajan and Takriti 2005: the tightest form).

    Starts in the last ``run`` slots imply on; starts in the next ``pause`` slots imply not on now.
    """
    begun = starts(model, key, slots, on, was_on)
    count = len(slots)
    if run > 1:
        rows = model.rows(f"{key} minimum run", slots, -np.inf, 0.0)
        model.add(rows, on, -1.0)
        _window(model, rows, begun, range(-run + 1, 1))
    if pause > 1:
        rows = model.rows(f"{key} minimum pause", slots[: count - 1], -np.inf, 1.0)
        model.add(rows, on[: count - 1], 1.0)
        _window(model, rows, begun, range(1, pause + 1))
    return begun


def _window(model: Model, rows: Index, columns: Index, offsets: range) -> None:
    """Row t gets ``columns[t + o]`` for every offset that exists."""
    here = np.arange(len(rows))
    for offset in offsets:
        there = here + offset
        inside = (there >= 0) & (there < len(columns))
        model.add(rows[here[inside]], columns[there[inside]], 1.0)
