"""Heat pumps and what they heat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan.laws.switching import minimum_stay, semicontinuous
from ems_pipeline.plan.model import Index, Model
from ems_pipeline.plan.problem import HeatPumpUnit, HeatStore
from ems_pipeline.plan.record import Array

H = units.SLOT_HOURS


@dataclass(frozen=True)
class Heating:
    """Columns of one heat pump: electric power in kW, on/off (None: no minimum), store temperature within the band."""

    power: Index
    on: Index | None
    temperature: Index


def heat_pump(model: Model, unit: HeatPumpUnit, balance_rows: Index) -> Heating:
    """Electric power 0 or ``[min, max]``, kept on and off for its least times."""
    every = np.arange(len(balance_rows), dtype=np.int32)
    power, on = semicontinuous(model, unit.key, every, units.kilo(unit.min_w), units.kilo(unit.max_w))
    model.add(balance_rows, power, -1.0)
    if on is not None and max(unit.min_run_slots, unit.min_pause_slots) > 1:
        minimum_stay(model, unit.key, every, on, unit.min_run_slots, unit.min_pause_slots, unit.was_on)
    return Heating(power, on, temperature(model, unit.store, [(power, unit.cop)]))


def keep_per_slot(store: HeatStore) -> float:
    """Share of a temperature difference that survives a slot: ``exp(-dt UA / C)``."""
    return float(np.exp(-H * store.loss_w_per_k / store.capacity_wh_per_k))


def temperature(model: Model, store: HeatStore, sources: list[tuple[Index, Array]]) -> Index:
    """``T[t+1] = keep T[t] + (1 - keep) (ambient + (sum cop power + gains) / UA)``, exact for constant slots.

    The column holds the part within the band; kelvin below and above it are columns of their own, at a price.
    """
    every = np.arange(len(store.ambient_c), dtype=np.int32)
    keep = keep_per_slot(store)
    value = np.zeros(len(every))
    value[-1] = -store.end_value_per_k
    within = model.columns(f"{store.key} temperature", every, store.min_c, store.max_c, value)
    model.offset += store.end_value_per_k * store.initial_c
    drift = (1 - keep) * (store.ambient_c + store.gains_w / store.loss_w_per_k)
    drift[0] += keep * store.initial_c
    rows = model.rows(f"{store.key} heat balance", every, drift, drift)
    price = H * store.outside_price_per_kh
    below = model.columns(f"{store.key} too cold", every, 0.0, np.inf, price - value)
    parts = [(within, 1.0), (below, -1.0)]
    hot = np.flatnonzero(free_path_c(store) > store.max_c).astype(np.int32)
    above = model.columns(f"{store.key} too warm", hot, 0.0, np.inf, price + value[hot])
    for part, sign in parts:
        model.add(rows, part, sign)
        model.add(rows[1:], part[:-1], -keep * sign)
    model.add(rows[hot], above, 1.0)
    following = hot < len(every) - 1
    model.add(rows[hot[following] + 1], above[following], -keep)
    for power, cop in sources:
        model.add(rows, power, -(1 - keep) * units.from_kilo(cop) / store.loss_w_per_k)
    if store.end_floor_c > store.min_c:
        _end_floor(model, store, within)
    return within


def free_path_c(store: HeatStore) -> Array:
    """Temperature at the end of each slot with no heat at all: it can only be warmer."""
    keep, path, here = keep_per_slot(store), np.empty(len(store.ambient_c)), store.initial_c
    for i, settled in enumerate(store.ambient_c + store.gains_w / store.loss_w_per_k):
        here = keep * here + (1 - keep) * settled
        path[i] = here
    return path


def _end_floor(model: Model, store: HeatStore, within: Index) -> None:
    """Temperature wanted at the end of the horizon; what is missing is priced."""
    last = np.array([len(within) - 1], dtype=np.int32)
    missing = model.columns(f"{store.key} missing at the end", last, 0.0, np.inf, store.outside_price_per_kh)
    rows = model.rows(f"{store.key} end floor", last, store.end_floor_c, np.inf)
    model.add(rows, within[-1:], 1.0)
    model.add(rows, missing, 1.0)
