"""The site's bus and its meter: balance, limits, exclusivity of import and export, PV."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ems_pipeline import units
from ems_pipeline.plan.laws.obligations import drawn_w, given_w
from ems_pipeline.plan.model import Index, Model
from ems_pipeline.plan.problem import Problem, PvSource
from ems_pipeline.plan.record import Array

H = units.SLOT_HOURS


@dataclass(frozen=True)
class Meter:
    """Columns of import and export in kW, and of what exceeds a limit in the slots where nothing can avoid it."""

    imported: Index
    exported: Index
    import_over: Index
    import_over_slots: Index
    export_over: Index
    export_over_slots: Index


@dataclass(frozen=True)
class PvGroup:
    """PV arrays that share one column because only their sum matters; ``fixed_w`` cannot be curtailed."""

    members: tuple[int, ...]
    column: Index
    fixed_w: Array


def balance(model: Model, problem: Problem) -> Index:
    """``import - export + pv + batteries + gensets = load + cars + heat pumps``, kW; sources enter with +1."""
    load_kw = units.kilo(problem.load_w)
    return model.rows("balance", np.arange(problem.slots, dtype=np.int32), load_kw, load_kw)


def import_limit_w(problem: Problem) -> Array:
    """The import limit per slot with the firm limits of demand-response events in it."""
    limit = problem.grid.import_limit_w.copy()
    for event in problem.grid.events:
        if event.limit_w is not None:
            window = slice(event.first, event.end)
            limit[window] = np.minimum(limit[window], event.limit_w)
    return limit


def meter(model: Model, problem: Problem, balance_rows: Index) -> Meter:
    """Import and export within their limits, each kWh at its price.

    A limit may be exceeded, at a price, only in slots where doing nothing at all would exceed it: fixed load above
    what import and PV can cover, or PV that cannot be curtailed above what load and export can take; with them count
    machines that must go on running.
    """
    every = np.arange(problem.slots, dtype=np.int32)
    grid = problem.grid
    limit_w = import_limit_w(problem)
    fixed_pv_w = sum((p.available_w for p in problem.pv if not p.curtailable), np.zeros(problem.slots))
    imported = model.columns("import", every, 0.0, units.kilo(limit_w), H * problem.buy_per_kwh)
    exported = model.columns("export", every, 0.0, units.kilo(grid.export_limit_w), -H * problem.sell_per_kwh)
    model.add(balance_rows, imported, 1.0)
    model.add(balance_rows, exported, -1.0)
    short = _slots_where(problem.load_w + drawn_w(problem) - problem.pv_available_w > limit_w)
    spilled = _slots_where(fixed_pv_w + given_w(problem) - problem.load_w > grid.export_limit_w)
    price = grid.over_limit_price_per_kwh
    over_import = model.columns("import over limit", short, 0.0, np.inf, H * (problem.buy_per_kwh[short] + price))
    over_export = model.columns("export over limit", spilled, 0.0, np.inf, H * (price - problem.sell_per_kwh[spilled]))
    model.add(balance_rows[short], over_import, 1.0)
    model.add(balance_rows[spilled], over_export, -1.0)
    return Meter(imported, exported, over_import, short, over_export, spilled)


def one_direction(model: Model, problem: Problem, meter: Meter, slots: Index) -> Index:
    """Import and export exclude each other in ``slots``: ``import <= limit*u``, ``export <= limit*(1-u)``; ``u``."""
    import_kw = units.kilo(import_limit_w(problem)[slots])
    export_kw = units.kilo(problem.grid.export_limit_w[slots])
    return exclude(
        model,
        "one direction at the meter",
        slots,
        (meter.imported[slots], import_kw),
        (meter.exported[slots], export_kw),
    )


def exclude(model: Model, name: str, slots: Index, first: tuple[Index, Array], second: tuple[Index, Array]) -> Index:
    """At most one of two columns (with their upper bounds) is above zero in each of ``slots``; 1: the first."""
    if not len(slots):
        return slots
    choice = model.columns(name, slots, 0.0, 1.0, integer=True)
    allowed = model.rows(name, slots, -np.inf, 0.0)
    model.add(allowed, first[0], 1.0)
    model.add(allowed, choice, -first[1])
    other = model.rows(name, slots, -np.inf, second[1])
    model.add(other, second[0], 1.0)
    model.add(other, choice, second[1])
    return choice


def pv(model: Model, problem: Problem, balance_rows: Index) -> list[PvGroup]:
    """PV uses at most what the sky offers; arrays behind the same inverter (or behind none) share a column."""
    behind = {key: i for i, inverter in enumerate(problem.inverters) for key in inverter.pv}
    groups: dict[int, list[int]] = {}
    for number, source in enumerate(problem.pv):
        groups.setdefault(behind.get(source.key, -1), []).append(number)
    return [_pv_group(model, tuple(members), problem.pv, balance_rows) for members in groups.values()]


def _pv_group(model: Model, members: tuple[int, ...], sources: tuple[PvSource, ...], balance_rows: Index) -> PvGroup:
    zero = np.zeros(len(balance_rows))
    fixed_w = sum((sources[m].available_w for m in members if not sources[m].curtailable), zero)
    free_w = sum((sources[m].available_w for m in members if sources[m].curtailable), zero)
    every = np.arange(len(balance_rows), dtype=np.int32)
    column = model.columns("pv", every, units.kilo(fixed_w), units.kilo(fixed_w + free_w))
    model.add(balance_rows, column, 1.0)
    return PvGroup(members, column, fixed_w)


def _slots_where(condition: NDArray[np.bool_]) -> Index:
    return np.flatnonzero(condition).astype(np.int32)
