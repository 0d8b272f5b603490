"""The site's bus and its meter: balance, limits, exclusivity of import and export, PV."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index, Mask
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.obligations import drawn_w, given_w
from ems_pipeline.plan.problem import Problem, PvSource

H = units.SLOT_HOURS


@dataclass(frozen=True)
class Meter:
    """Columns of import and export in kW, and of what exceeds a limit in the slots where nothing can avoid it.

    ``*_most`` is what those may carry at most, kW per slot.
    """

    imported: Index
    exported: Index
    import_over: Index
    import_over_slots: Index
    import_over_most: Array
    export_over: Index
    export_over_slots: Index
    export_over_most: Array


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
    """What may be imported at most in each slot, W."""
    return np.maximum(net_limit_w(problem), 0.0)


def least_export_w(problem: Problem) -> Array:
    """What a firm limit below 0 wants exported in each slot, W."""
    return np.maximum(-net_limit_w(problem), 0.0)


def net_limit_w(problem: Problem) -> Array:
    """The import limit per slot with the firm limits of events in it; no more export is wanted than is allowed."""
    limit = problem.grid.import_limit_w.copy()
    for event in problem.grid.events:
        if event.limit_w is not None:
            window = slice(event.first, event.end)
            limit[window] = np.minimum(limit[window], event.limit_w)
    return np.maximum(limit, -problem.grid.export_limit_w)


def unavoidable_import_w(problem: Problem) -> Array:
    """What the site draws beyond its import limit though it does nothing at all, W per slot.

    Fixed load and machines that must go on running, less what PV can give through its inverters.
    """
    return np.maximum(problem.load_w + drawn_w(problem) - usable_pv_w(problem) - import_limit_w(problem), 0.0)


def usable_pv_w(problem: Problem) -> Array:
    """What all arrays together could bring to the bus, W per slot."""
    return sum(_through(problem, [source.available_w for source in problem.pv]), np.zeros(problem.slots))


def unavoidable_export_w(problem: Problem) -> Array:
    """What PV that cannot be curtailed and gensets that must run on give beyond load and export limit, W per slot."""
    stiff_w = [np.where(source.curtailable, 0.0, source.available_w) for source in problem.pv]
    given = sum(_through(problem, stiff_w), np.zeros(problem.slots)) + given_w(problem)
    return np.maximum(given - problem.load_w - problem.grid.export_limit_w, 0.0)


def _through(problem: Problem, pv_w: list[Array]) -> list[Array]:
    """What reaches the bus of powers of the arrays: those behind one inverter together at most its AC limit."""
    behind = [
        (inverter.ac_limit_w, [i for i, source in enumerate(problem.pv) if source.key in inverter.pv])
        for inverter in problem.inverters
    ]
    free = set(range(len(problem.pv))) - {i for _, members in behind for i in members}
    found = [pv_w[i] for i in free]
    return found + [np.minimum(sum(pv_w[i] for i in members), limit) for limit, members in behind if members]


def meter(model: Model, problem: Problem, balance_rows: Index) -> Meter:
    """Import and export within their limits, each kWh at its price.

    A limit may be exceeded, at a price, only where doing nothing at all would exceed it, and by no more than that.
    """
    every = np.arange(problem.slots, dtype=np.int32)
    grid, price = problem.grid, problem.grid.over_limit_price_per_kwh
    buy, sell = problem.import_per_kwh, problem.sell_per_kwh
    imported = model.columns("import", every, 0.0, units.kilo(import_limit_w(problem)), H * buy)
    exported = model.columns("export", every, 0.0, units.kilo(grid.export_limit_w), -H * sell)
    more_in, more_out = (units.kilo(w) for w in (unavoidable_import_w(problem), unavoidable_export_w(problem)))
    short, spilled = _slots_where(more_in > 0), _slots_where(more_out > 0)
    over_import = model.columns("import over limit", short, 0.0, more_in[short], H * (price + buy[short]))
    over_export = model.columns("export over limit", spilled, 0.0, more_out[spilled], H * (price - sell[spilled]))
    for rows, columns, sign in (
        (balance_rows, imported, 1.0),
        (balance_rows, exported, -1.0),
        (balance_rows[short], over_import, 1.0),
        (balance_rows[spilled], over_export, -1.0),
    ):
        model.add(rows, columns, sign)
    _least_export(model, problem, exported)
    return Meter(imported, exported, over_import, short, more_in, over_export, spilled, more_out)


def _least_export(model: Model, problem: Problem, exported: Index) -> None:
    """``export + missing >= wanted``; missing at the price of a limit exceeded, no more than doing nothing misses."""
    wanted = least_export_w(problem)
    slots = _slots_where(wanted > 0)
    if not len(slots):
        return
    by_itself = np.maximum(usable_pv_w(problem) - problem.load_w - drawn_w(problem), 0.0)
    most, price = units.kilo(np.maximum(wanted - by_itself, 0.0)[slots]), problem.grid.over_limit_price_per_kwh
    missing = model.columns("export missing", slots, 0.0, most, H * price)
    rows = model.rows("least export", slots, units.kilo(wanted[slots]), np.inf)
    model.add(rows, exported[slots], 1.0)
    model.add(rows, missing, 1.0)


def one_direction(model: Model, problem: Problem, meter: Meter, slots: Index) -> Index:
    """Import and export exclude each other in ``slots``: ``import <= limit*u``, ``export <= limit*(1-u)``; ``u``.

    So does what exceeds a limit: beyond the import limit counts as import.
    """
    import_kw = units.kilo(import_limit_w(problem)[slots])
    export_kw = units.kilo(problem.grid.export_limit_w[slots])
    choice = exclude(
        model,
        "one direction at the meter",
        slots,
        (meter.imported[slots], import_kw),
        (meter.exported[slots], export_kw),
    )
    sides = (
        (meter.import_over, meter.import_over_slots, meter.import_over_most, 0.0, -1.0),
        (meter.export_over, meter.export_over_slots, meter.export_over_most, 1.0, 1.0),
    )
    for columns, over_slots, most, always, when_importing in sides:
        here = np.isin(over_slots, slots)
        at = over_slots[here]
        rows = model.rows("one direction at the meter", at, -np.inf, always * most[at])
        model.add(rows, columns[here], 1.0)
        model.add(rows, choice[np.searchsorted(slots, at)], when_importing * most[at])
    return choice


def exclude(
    model: Model, name: str, slots: Index, first: tuple[Index, ArrayLike], second: tuple[Index, ArrayLike]
) -> Index:
    """At most one of two columns (with their upper bounds) is above zero in each of ``slots``; 1: the first."""
    if not len(slots):
        return slots
    choice = model.columns(name, slots, 0.0, 1.0, integer=True)
    allowed = model.rows(name, slots, -np.inf, 0.0)
    model.add(allowed, first[0], 1.0)
    model.add(allowed, choice, -np.asarray(first[1]))
    other = model.rows(name, slots, -np.inf, second[1])
    model.add(other, second[0], 1.0)
    model.add(other, choice, second[1])
    return choice


def none_while(model: Model, name: str, slots: Index, choice: Index, column: Index, limit: Array) -> None:
    """``column <= limit (1 - choice)``."""
    rows = model.rows(name, slots, -np.inf, limit)
    model.add(rows, column, 1.0)
    model.add(rows, choice, limit)


def pv(model: Model, problem: Problem, balance_rows: Index) -> list[PvGroup]:
    """PV uses at most what the sky offers; arrays behind the same inverter (or behind none) share a column."""
    behind = {key: i for i, inverter in enumerate(problem.inverters) for key in inverter.pv}
    groups: dict[int, list[int]] = {}
    for number, source in enumerate(problem.pv):
        groups.setdefault(behind.get(source.key, -1), []).append(number)
    limits_w = {i: inverter.ac_limit_w for i, inverter in enumerate(problem.inverters)}
    return [
        _pv_group(model, tuple(members), problem.pv, limits_w.get(inverter, np.inf), balance_rows)
        for inverter, members in groups.items()
    ]


def _pv_group(
    model: Model, members: tuple[int, ...], sources: tuple[PvSource, ...], ac_limit_w: float, balance_rows: Index
) -> PvGroup:
    """What cannot be curtailed is used, as far as the inverter lets it pass: beyond, it clips by itself."""
    zero = np.zeros(len(balance_rows))
    fixed_w = sum((sources[m].available_w for m in members if not sources[m].curtailable), zero)
    free_w = sum((sources[m].available_w for m in members if sources[m].curtailable), zero)
    every = np.arange(len(balance_rows), dtype=np.int32)
    least_kw = units.kilo(np.minimum(fixed_w, ac_limit_w))
    column = model.columns("pv", every, least_kw, units.kilo(fixed_w + free_w))
    model.add(balance_rows, column, 1.0)
    return PvGroup(members, column, fixed_w)


def _slots_where(condition: Mask) -> Index:
    return np.flatnonzero(condition).astype(np.int32)
