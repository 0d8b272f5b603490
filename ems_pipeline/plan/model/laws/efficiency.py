"""What an AC power means in a battery's cells: one factor, factors by power, or factors by state of charge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.problem import BatteryStore, PowerStep

H = units.SLOT_HOURS
EDGE_WH = 0.5
"""An energy so little below an edge counts as at it (`problem.ChargeBand`)."""
CLEARANCE_WH = 2 * EDGE_WH
"""The lower band ends so far below its edge: no rounding of the solver moves a state into the other band."""


@dataclass(frozen=True)
class Cells:
    """Rows of the energy balance; columns, with their signs, whose sum is the energy at the end of each slot."""

    kept: Index
    parts: tuple[tuple[Index, float], ...]


@dataclass(frozen=True)
class Band:
    """Where the cells stand when a slot begins, kWh, what it does to powers, and whether the first slot is in it."""

    low_kwh: float
    high_kwh: float
    charge_efficiency: float
    discharge_efficiency: float
    is_first: bool


def into_cells(model: Model, store: BatteryStore, cells: Cells, charge: Index, discharge: Index) -> None:
    """Charging and discharging enter the energy balance."""
    bands = reachable(store, len(charge))
    if len(bands) > 1:
        _by_charge(model, store, bands, cells, charge, discharge)
        return
    curve: Sequence[Band | PowerStep | BatteryStore] = bands or store.steps or [store]
    gained = [part.charge_efficiency for part in curve]
    lost = [1 / part.discharge_efficiency for part in curve]
    _by_power(model, store, cells.kept, charge, gained, -1)
    _by_power(model, store, cells.kept, discharge, lost, 1)


def _by_power(model: Model, store: BatteryStore, kept: Index, power: Index, factors: list[float], sign: int) -> None:
    """A factor, or one factor per step of power, filled in order."""
    if len(factors) == 1:
        model.add(kept, power, sign * H * factors[0])
        return
    every = np.arange(len(kept), dtype=np.int32)
    name = f"{store.key} {'charge' if sign < 0 else 'discharge'} step"
    total = model.rows(f"{name}s", every, 0.0, 0.0)
    model.add(total, power, -1.0)
    edges = units.kilo(np.array([0.0, *(s.upto_w for s in store.steps)]))
    before: Index | None = None
    for number, (factor, width) in enumerate(zip(factors, np.diff(edges), strict=True)):
        part = model.columns(f"{name} {number}", every, 0.0, width)
        model.add(total, part, 1.0)
        model.add(kept, part, sign * H * factor)
        if before is not None:
            _in_order(
                model,
                f"{name} {number}",
                every,
                (before, float(edges[number] - edges[number - 1])),
                (part, float(width)),
            )
        before = part


def _in_order(model: Model, name: str, every: Index, lower: tuple[Index, float], upper: tuple[Index, float]) -> None:
    """The upper step is used only when the lower is full."""
    full = model.columns(f"{name} reached", every, 0.0, 1.0, integer=True)
    rows = model.rows(f"{name} reached", every, -np.inf, 0.0)
    model.add(rows, upper[0], 1.0)
    model.add(rows, full, -upper[1])
    filled = model.rows(f"{name} after the step below", every, 0.0, np.inf)
    model.add(filled, lower[0], 1.0)
    model.add(filled, full, -lower[1])


def _by_charge(
    model: Model, store: BatteryStore, bands: list[Band], cells: Cells, charge: Index, discharge: Index
) -> None:
    """The band in which a slot begins decides: ``low z <= E[t-1] <= high z``, ``c = sum c_k``, ``c_k <= C z_k``.

    Together with ``sum z = 1`` these are the convex hull of one band or another, so the relaxation mixes bands only
    where the energies do.
    """
    every = np.arange(len(cells.kept), dtype=np.int32)
    one = model.rows(f"{store.key} bands", every, 1.0, 1.0)
    low = model.rows(f"{store.key} efficiency band at least", every[1:], -np.inf, 0.0)
    high = model.rows(f"{store.key} efficiency band at most", every[1:], 0.0, np.inf)
    for rows in (low, high):
        for part, sign in cells.parts:
            model.add(rows, part[:-1], -sign)
    totals = []
    for name, power in (("charge", charge), ("discharge", discharge)):
        totals.append(model.rows(f"{store.key} {name} bands", every, 0.0, 0.0))
        model.add(totals[-1], power, -1.0)
    for number, band in enumerate(bands):
        upper = np.ones(len(every))
        upper[0] = band.is_first
        here = model.columns(f"{store.key} band {number}", every, 0.0, upper, integer=True)
        model.add(one, here, 1.0)
        model.add(low, here[1:], band.low_kwh)
        model.add(high, here[1:], band.high_kwh)
        sides = (
            ("charge", totals[0], store.charge_limit_w, -band.charge_efficiency),
            ("discharge", totals[1], store.discharge_limit_w, 1 / band.discharge_efficiency),
        )
        for name, total, limit_w, factor in sides:
            part = model.columns(f"{store.key} {name} in band {number}", every, 0.0, units.kilo(limit_w))
            model.add(total, part, 1.0)
            model.add(cells.kept, part, H * factor)
            only_here = model.rows(f"{store.key} {name} in band {number}", every, -np.inf, 0.0)
            model.add(only_here, part, 1.0)
            model.add(only_here, here, -units.kilo(limit_w))


def reachable(store: BatteryStore, slots: int) -> list[Band]:
    """The bands in which the cells can begin a slot, each ending clear of the next.

    Cells that start inside the clearance may stay where they are: a battery nobody can move is not infeasible.
    """
    start = store.initial_wh
    lowest, highest = min(store.lowest_wh(slots), start), max(store.ceiling_wh, start)
    edges = [-np.inf, *(band.upto_wh for band in store.bands[:-1]), np.inf]
    found = []
    for band, low, high in zip(store.bands, edges, edges[1:], strict=False):
        is_first = low - EDGE_WH <= start < high - EDGE_WH
        if not is_first and (high <= lowest or low > highest):
            continue
        top = high - CLEARANCE_WH
        if is_first:
            low, top = min(low, start), max(top, start)
        found.append(
            Band(
                float(units.kilo(max(low, lowest))),
                float(units.kilo(min(top, highest))),
                band.charge_efficiency,
                band.discharge_efficiency,
                is_first,
            )
        )
    return found
