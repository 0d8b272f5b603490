"""Batteries: what goes in and out, what is lost, where the cells may stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.bus import PvGroup, exclude
from ems_pipeline.plan.model.laws.efficiency import Cells, into_cells
from ems_pipeline.plan.problem import BatteryStore, HybridInverter, KeptWithin, Problem, Taper

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
    if store.tapers and store.initial_wh > store.ceiling_wh:
        _full_before_above(model, store, energy, cells.parts[-1][0])
    for kept in store.kept_within:
        _kept_within(model, store, kept, cells.parts)
    return Store(charge, discharge, energy, tuple(cells.parts))


def _taper(model: Model, store: BatteryStore, taper: Taper, charge: Index, energy: Index) -> None:
    """``charge[t] <= limit - slope (E[t-1] - from)``: a nearly full battery takes less."""
    every = np.arange(len(charge), dtype=np.int32)
    most = units.kilo(taper.limit_w) + taper.slope_w_per_wh * units.kilo(taper.from_wh)
    upper = np.full(len(every), most)
    within_wh = min(max(store.initial_wh, store.floor_wh), store.ceiling_wh)
    upper[0] = most - taper.slope_w_per_wh * units.kilo(within_wh)
    rows = model.rows(f"{store.key} taper", every, -np.inf, upper)
    model.add(rows, charge, 1.0)
    model.add(rows[1:], energy[:-1], taper.slope_w_per_wh)


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


def stored_energy(model: Model, store: BatteryStore, every: Index) -> Cells:
    """``E[t+1] = E[t] + dt (eta_c charge - discharge / eta_d)`` within ``[floor, ceiling]``; the end has its value.

    Cells that start outside the window may stay outside, at a price, no further than they are: they recover first.

    Charge and discharge are still to enter the balance; the first of the parts is the energy within the window.
    """
    initial_kwh = units.kilo(store.initial_wh)
    value = np.zeros(len(every))
    value[-1] = -store.end_value_per_kwh
    floor, ceiling = units.kilo(store.floor_wh), units.kilo(store.ceiling_wh)
    energy = model.columns(f"{store.key} energy", every, floor, ceiling, value)
    model.offset += store.end_value_per_kwh * initial_kwh
    start = np.zeros(len(every))
    start[0] = initial_kwh
    kept = model.rows(f"{store.key} energy balance", every, start, start)
    _follow(model, kept, energy, 1.0)
    parts = [(energy, 1.0)]
    price = H * store.outside_price_per_kwh
    if initial_kwh < floor:
        below = model.columns(f"{store.key} below its floor", every, 0.0, floor - initial_kwh, price - value)
        _follow(model, kept, below, -1.0)
        parts.append((below, -1.0))
    if initial_kwh > ceiling:
        above = model.columns(f"{store.key} above its ceiling", every, 0.0, initial_kwh - ceiling, price)
        _follow(model, kept, above, 1.0)
        parts.append((above, 1.0))
    if store.end_floor_wh > min(store.floor_wh, store.initial_wh):
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


def _follow(model: Model, rows: Index, column: Index, sign: float) -> None:
    """A state and the same state one slot before."""
    model.add(rows, column, sign)
    model.add(rows[1:], column[:-1], -sign)


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
