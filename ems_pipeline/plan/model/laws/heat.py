"""Heat pumps and what they heat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index, Mask
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.obligations import first, must_pause, must_run
from ems_pipeline.plan.model.laws.switching import Switched, minimum_stay, semicontinuous
from ems_pipeline.plan.problem import HeatPumpUnit, HeatStore

H = units.SLOT_HOURS
NOTHING_KH = 0.1 * H
"""A tenth of a kelvin during one slot: less than a thermometer can tell."""


@dataclass(frozen=True)
class Heating:
    """Columns of one heat pump: electric power for the house and for the tank, temperatures within their bands."""

    house: Switched
    temperature: Index
    tank: Switched | None = None


@dataclass(frozen=True)
class Extremes:
    """Electric power a store gets at least, at least where no other store can take what the pump owes, and at most, W.

    ``stakes``: money beyond which no plan can be better than one already known.
    """

    surely_w: Array
    owed_w: Array
    most_w: Array
    stakes: float


def heat_pump(model: Model, unit: HeatPumpUnit, balance_rows: Index, stakes: float) -> Heating:
    """Electric power 0 or ``[min, max]``, kept on and off for its least times, into the house or into the tank.

    ``stakes``: money beyond which no plan can be better than one already known (`temperature`).
    """
    every = np.arange(len(balance_rows), dtype=np.int32)
    low, high = units.kilo(unit.min_w), units.kilo(unit.max_w)
    wanted = first(len(every), must_run(unit, len(every)))
    may = 1 - first(len(every), must_pause(unit, len(every)))
    has_tank = unit.tank is not None
    house = semicontinuous(model, unit.key, every, low, high, 0.0 if has_tank else wanted, may, switched=has_tank)
    house.draw(model, balance_rows, -1.0)
    owed_w, most_w = units.from_kilo(low) * wanted, units.from_kilo(high) * may
    extremes = Extremes(0.0 * owed_w if has_tank else owed_w, owed_w, most_w, stakes)
    indoor = temperature(model, unit.store, house, unit.cop, extremes)
    running, heating = house.on, Heating(house, indoor)
    if unit.tank is not None and unit.tank_cop is not None:
        tank = semicontinuous(model, f"{unit.key} tank", every, low, high, 0.0, may, switched=True)
        tank.draw(model, balance_rows, -1.0)
        running = one_at_a_time(model, unit, house, tank, wanted)
        temperature(model, unit.tank, tank, unit.tank_cop, extremes)
        heating = Heating(house, indoor, tank)
    if running is not None and low > 0 and max(unit.min_run_slots, unit.min_pause_slots) > 1:
        minimum_stay(model, unit.key, every, running, unit.min_run_slots, unit.min_pause_slots, unit.was_on)
    return heating


def one_at_a_time(model: Model, unit: HeatPumpUnit, house: Switched, tank: Switched, wanted: Array) -> Index:
    """``running = house on + tank on <= 1``: one refrigerant circuit, one supply temperature. Returns ``running``."""
    running = model.columns(f"{unit.key} running", house.slots, wanted, 1.0)
    rows = model.rows(f"{unit.key} house or tank", house.slots, 0.0, 0.0)
    model.add(rows, running, 1.0)
    for part in (house, tank):
        if part.on is not None:
            model.add(rows, part.on, -1.0)
    return running


def keep_per_slot(store: HeatStore) -> float:
    """Share of a temperature difference that survives a slot: ``exp(-dt UA / C)``."""
    return float(np.exp(-H * store.loss_w_per_k / store.capacity_wh_per_k))


def temperature(model: Model, store: HeatStore, power: Switched, cop: Array, extremes: Extremes) -> Index:
    """``T[t+1] = keep T[t] + (1 - keep) (ambient + (cop power + gains) / UA)``, exact for constant slots.

    The column holds the part within the band; kelvin below and above it are columns of their own, at a price, where the
    pump can lead there at all. Where the price is so high that not even `NOTHING_KH` could pay within the stakes, they
    exist only where it cannot keep the band; not where bands differ, for no heating may keep both.
    """
    every = np.arange(len(store.ambient_c), dtype=np.int32)
    keep = keep_per_slot(store)
    value = np.zeros(len(every))
    value[-1] = -store.end_value_per_k
    within = model.columns(f"{store.key} temperature", every, store.least_c, store.most_c, value)
    model.offset += store.end_value_per_k * store.initial_c
    drift = (1 - keep) * (store.ambient_c + store.gains_w / store.loss_w_per_k)
    drift[0] += keep * store.initial_c
    rows = model.rows(f"{store.key} heat balance", every, drift, drift)
    price = H * store.outside_price_per_kh
    coldest_c, warmest_c = path_c(store, cop * extremes.surely_w), path_c(store, cop * extremes.most_w)
    floor_binds = store.end_floor_c > coldest_c[-1]
    if not store.bands and store.outside_price_per_kh * NOTHING_KH > extremes.stakes:
        coldest_c, warmest_c = warmest_c, path_c(store, cop * extremes.owed_w)
    cold, hot = _slots(coldest_c < store.least_c), _slots(warmest_c > store.most_c)
    below = model.columns(f"{store.key} too cold", cold, 0.0, np.inf, price - value[cold])
    above = model.columns(f"{store.key} too warm", hot, 0.0, np.inf, price)
    parts = ((within, 1.0, every), (below, -1.0, cold), (above, 1.0, hot))
    for part, sign, slots in parts:
        model.add(rows[slots], part, sign)
        following = slots < len(every) - 1
        model.add(rows[slots[following] + 1], part[following], -keep * sign)
    power.draw(model, rows, -(1 - keep) * units.from_kilo(cop) / store.loss_w_per_k)
    if floor_binds:
        _end_floor(model, store, parts)
    _warm_enough_to_be_off(model, store, power, parts, drift)
    return within


def _warm_enough_to_be_off(
    model: Model, store: HeatStore, power: Switched, parts: tuple[tuple[Index, float, Index], ...], drift: Array
) -> None:
    """Off in slot t, the store must have been warm enough to cool: ``T[t-1] >= T_min[t-1] + more (1 - on[t])``.

    Follows from the other laws, but not from their linear relaxation, which holds the edge with a trickle no machine
    can give.
    """
    if power.on is None or not power.low_kw:
        return
    (within, _, _), (below, _, cold), (above, _, hot) = parts
    keep, least_c = keep_per_slot(store), store.least_c
    enough_c = (least_c - drift) / keep
    cooling_k = enough_c - np.roll(least_c, 1)
    slots = _slots(cooling_k > 0)
    slots = slots[slots > 0]
    rows = model.rows(f"{store.key} warm enough to be off", slots, enough_c[slots], np.inf)
    model.add(rows, within[slots - 1], 1.0)
    model.add(rows, power.on[slots], cooling_k[slots])
    model.add(rows[np.isin(slots, cold)], below[np.isin(cold, slots)], 1.0 / keep)
    model.add(rows[np.isin(slots - 1, hot)], above[np.isin(hot, slots - 1)], 1.0)


def path_c(store: HeatStore, heat_w: Array) -> Array:
    """Temperature at the end of each slot under ``heat_w``."""
    keep, path, here = keep_per_slot(store), np.empty(len(heat_w)), store.initial_c
    for i, settled in enumerate(store.ambient_c + (heat_w + store.gains_w) / store.loss_w_per_k):
        here = keep * here + (1 - keep) * settled
        path[i] = here
    return path


def _slots(condition: Mask) -> Index:
    return np.flatnonzero(condition).astype(np.int32)


def _end_floor(model: Model, store: HeatStore, parts: tuple[tuple[Index, float, Index], ...]) -> None:
    """Temperature wanted at the end of the horizon; each kelvin missing has its price, also those below the band."""
    last = len(store.ambient_c) - 1
    ends = [(part[-1:], sign) for part, sign, slots in parts if len(slots) and slots[-1] == last]
    at = np.array([last], dtype=np.int32)
    missing = model.columns(f"{store.key} missing at the end", at, 0.0, np.inf, store.outside_price_per_kh)
    row = model.rows(f"{store.key} end floor", at, store.end_floor_c, np.inf)
    for part, sign in ends:
        model.add(row, part, sign)
    model.add(row, missing, 1.0)
