"""Batteries: what goes in and out, what is lost, where the cells may stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.bus import PvGroup, exclude
from ems_pipeline.plan.model.laws.efficiency import Cells, into_cells
from ems_pipeline.plan.problem import BatteryStore, EmptyTaper, HybridInverter, KeptWithin, Problem, Taper

H = units.SLOT_HOURS


@dataclass(frozen=True)
class Store:
    """Columns of one battery: AC powers in kW, energy within the window at the end of each slot in kWh."""

    charge: Index
    discharge: Index
    energy: Index
    parts: tuple[tuple[Index, float], ...]
    """What the energy in the cells is the sum of, also outside their window: columns and signs."""


def battery(model: Model, store: BatteryStore, balance_rows: Index) -> Store:
    """AC powers within their limits, wear per kWh of throughput, and the energy they leave in the cells."""
    every = np.arange(len(balance_rows), dtype=np.int32)
    in_kw, out_kw = units.kilo(store.charging_w(len(every))), units.kilo(store.discharging_w(len(every)))
    charge = model.columns(f"{store.key} charge", every, 0.0, in_kw, H * store.wear_per_kwh)
    discharge = model.columns(f"{store.key} discharge", every, 0.0, out_kw, H * store.wear_out_per_kwh)
    model.add(balance_rows, charge, -1.0)
    model.add(balance_rows, discharge, 1.0)
    cells = stored_energy(model, store, every)
    energy = cells.parts[0][0]
    into_cells(model, store, cells, charge, discharge)
    for taper in store.tapers:
        _taper(model, store, taper, charge, energy)
    for empty in store.empty_tapers:
        _taper(model, store, empty, discharge, energy)
    outside = {sign: column for column, sign in cells.parts[1:]}
    if store.tapers and 1.0 in outside:
        _full_before_above(model, store, energy, outside[1.0])
    if store.empty_tapers and -1.0 in outside:
        _empty_before_below(model, store, energy, outside[-1.0])
    _least_power(model, store, (charge, in_kw), (discharge, out_kw))
    for kept in store.kept_within:
        _kept_within(model, store, kept, cells.parts)
    return Store(charge, discharge, energy, tuple(cells.parts))


def _taper(model: Model, store: BatteryStore, taper: Taper | EmptyTaper, power: Index, energy: Index) -> None:
    """``power[t] <= limit - slope |E[t-1] - from|``: a nearly full battery takes less, an empty one gives less."""
    every, is_full = np.arange(len(power), dtype=np.int32), isinstance(taper, Taper)
    slope = taper.slope_w_per_wh if is_full else -taper.slope_w_per_wh
    most = units.kilo(taper.limit_w) + slope * units.kilo(taper.from_wh)
    upper = np.full(len(every), most)
    within_wh = min(max(store.initial_wh, store.floor_wh), store.ceiling_wh)
    upper[0] = most - slope * units.kilo(within_wh)
    rows = model.rows(f"{store.key} taper" if is_full else f"{store.key} taper when empty", every, -np.inf, upper)
    model.add(rows, power, 1.0)
    model.add(rows[1:], energy[:-1], slope)


def _least_power(model: Model, store: BatteryStore, taken: tuple[Index, Array], given: tuple[Index, Array]) -> None:
    """``least on <= power <= most on`` each way, and never both on: below its least power a battery does nothing."""
    if not (store.least_charge_w or store.least_discharge_w):
        return
    every = np.arange(len(taken[0]), dtype=np.int32)
    both = model.rows(f"{store.key} one way", every, -np.inf, 1.0)
    for side, least_w, (power, most_kw) in (
        ("charge", store.least_charge_w, taken),
        ("discharge", store.least_discharge_w, given),
    ):
        on = model.columns(f"{store.key} {side} on", every, 0.0, most_kw >= units.kilo(least_w), integer=True)
        at_most = model.rows(f"{store.key} most {side[:-1]}ing", every, -np.inf, 0.0)
        at_least = model.rows(f"{store.key} least {side[:-1]}ing", every, 0.0, np.inf)
        for rows, kw in ((at_most, most_kw), (at_least, np.full(len(every), units.kilo(least_w)))):
            model.add(rows, power, 1.0)
            model.add(rows, on, -kw)
        model.add(both, on, 1.0)


def _full_before_above(model: Model, store: BatteryStore, energy: Index, above: Index) -> None:
    """``above > 0`` only where the window is full: a taper that sees the window alone must not be told of an empty one.

    Needed only for cells that start above their ceiling and taper; elsewhere nothing is gained by it.
    """
    every = np.arange(len(energy), dtype=np.int32)
    floor, ceiling, most = (units.kilo(wh) for wh in (store.floor_wh, store.ceiling_wh, store.initial_wh))
    is_above = model.columns(f"{store.key} above its ceiling or not", every, 0.0, 1.0, integer=True)
    only_then = model.rows(f"{store.key} above only when full", every, -np.inf, 0.0)
    model.add(only_then, above, 1.0)
    model.add(only_then, is_above, ceiling - most)
    full = model.rows(f"{store.key} full when above", every, floor, np.inf)
    model.add(full, energy, 1.0)
    model.add(full, is_above, floor - ceiling)


def _empty_before_below(model: Model, store: BatteryStore, energy: Index, below: Index) -> None:
    """``below > 0`` only where the window is empty, as `_full_before_above` for a taper of discharging."""
    every = np.arange(len(energy), dtype=np.int32)
    floor, ceiling = units.kilo(store.floor_wh), units.kilo(store.ceiling_wh)
    most = units.kilo(store.floor_wh - store.lowest_wh(len(energy)))
    is_below = model.columns(f"{store.key} below its floor or not", every, 0.0, 1.0, integer=True)
    only_then = model.rows(f"{store.key} below only when empty", every, -np.inf, 0.0)
    model.add(only_then, below, 1.0)
    model.add(only_then, is_below, -most)
    empty = model.rows(f"{store.key} empty when below", every, -np.inf, ceiling)
    model.add(empty, energy, 1.0)
    model.add(empty, is_below, ceiling - floor)


def stored_energy(model: Model, store: BatteryStore, every: Index) -> Cells:
    """``E[t+1] = k E[t] + dt (eta_c charge - discharge / eta_d - standby)`` within ``[floor, ceiling]``; the end has
    its value.

    Cells that start outside the window may stay outside, at a price, no further than they are: they recover first. So
    may cells that would be below it by what they lose by themselves.

    Charge and discharge are still to enter the balance; the first of the parts is the energy within the window.
    """
    initial_kwh = units.kilo(store.initial_wh)
    value = np.zeros(len(every))
    value[-1] = -store.end_value_per_kwh
    floor, ceiling = units.kilo(store.floor_wh), units.kilo(store.ceiling_wh)
    energy = model.columns(f"{store.key} energy", every, floor, ceiling, value)
    model.offset += store.end_value_per_kwh * initial_kwh
    start = np.full(len(every), -units.kilo(store.standby_wh))
    start[0] += store.kept_share * initial_kwh
    kept = model.rows(f"{store.key} energy balance", every, start, start)
    _follow(model, kept, energy, 1.0, store.kept_share)
    parts = [(energy, 1.0)]
    price = H * store.outside_price_per_kwh
    if store.lowest_wh(len(every)) < store.floor_wh:
        deepest = np.maximum(floor - (units.kilo(store.alone_wh(len(every))) if store.loses else initial_kwh), 0.0)
        below = model.columns(f"{store.key} below its floor", every, 0.0, deepest, price - value)
        _follow(model, kept, below, -1.0, store.kept_share)
        parts.append((below, -1.0))
    if initial_kwh > ceiling:
        above = model.columns(f"{store.key} above its ceiling", every, 0.0, initial_kwh - ceiling, price)
        _follow(model, kept, above, 1.0, store.kept_share)
        parts.append((above, 1.0))
    if store.end_floor_wh > store.lowest_wh(len(every)):
        _end_floor(model, store, parts)
    return Cells(kept, tuple(parts))


def _kept_within(model: Model, store: BatteryStore, kept: KeptWithin, parts: Sequence[tuple[Index, float]]) -> None:
    """``E + under >= low`` and ``E - over <= high``; each kWh outside and hour has its price."""
    slots = np.arange(kept.first, kept.end, dtype=np.int32)
    low, high, price = units.kilo(kept.low_wh), units.kilo(kept.high_wh), H * kept.price_per_kwh
    reached = {"under": low > 0, "over": kept.high_wh < max(store.capacity_wh, store.initial_wh)}
    for what, bounds, sign in (("under", (low, np.inf), 1.0), ("over", (-np.inf, high), -1.0)):
        if reached[what]:
            outside = model.columns(f"{store.key} {what} its band", slots, 0.0, np.inf, price)
            rows = model.rows(f"{store.key} {what} its band", slots, *bounds)
            for columns, part_sign in parts:
                model.add(rows, columns[slots], part_sign)
            model.add(rows, outside, sign)


def _follow(model: Model, rows: Index, column: Index, sign: float, kept_share: float) -> None:
    """A state, and what is left of the same state one slot before."""
    model.add(rows, column, sign)
    model.add(rows[1:], column[:-1], -sign * kept_share)


def _end_floor(model: Model, store: BatteryStore, parts: list[tuple[Index, float]]) -> None:
    """Energy wanted at the end of the horizon; each kWh missing has its price, also those missing to the floor."""
    last = np.array([len(parts[0][0]) - 1], dtype=np.int32)
    missing = model.columns(f"{store.key} missing at the end", last, 0.0, np.inf, store.outside_price_per_kwh)
    wanted = model.rows(f"{store.key} end floor", last, units.kilo(store.end_floor_wh), np.inf)
    for part, sign in parts:
        model.add(wanted, part[-1:], sign)
    model.add(wanted, missing, 1.0)


def one_way(model: Model, battery: BatteryStore, store: Store, slots: Index) -> Index:
    """A battery charges or discharges, never both, in ``slots``; 1: it charges."""
    charge_kw = np.full(len(slots), units.kilo(battery.charge_limit_w))
    discharge_kw = np.full(len(slots), units.kilo(battery.discharge_limit_w))
    name = f"{battery.key} one way"
    return exclude(model, name, slots, (store.charge[slots], charge_kw), (store.discharge[slots], discharge_kw))


def shared_ac_limit(
    model: Model, problem: Problem, inverter: HybridInverter, groups: list[PvGroup], stores: list[Store]
) -> None:
    """PV and batteries behind one inverter pass one AC connection: ``|pv + discharge - charge| <= limit``."""
    limit = units.kilo(inverter.ac_limit_w)
    every = np.arange(problem.slots, dtype=np.int32)
    rows = model.rows(f"{inverter.key} AC limit", every, -limit, limit)
    for group in groups:
        if problem.pv[group.members[0]].key in inverter.pv:
            model.add(rows, group.column, 1.0)
    for battery, store in zip(problem.batteries, stores, strict=True):
        if battery.key in inverter.batteries:
            model.add(rows, store.discharge, 1.0)
            model.add(rows, store.charge, -1.0)
