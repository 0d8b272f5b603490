"""Heat pumps and what they heat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ems_pipeline import units
from ems_pipeline.plan.laws.obligations import first, must_pause, must_run
from ems_pipeline.plan.laws.switching import Switched, minimum_stay, semicontinuous
from ems_pipeline.plan.model import Index, Model
from ems_pipeline.plan.problem import HeatPumpUnit, HeatStore
from ems_pipeline.plan.record import Array

H = units.SLOT_HOURS


@dataclass(frozen=True)
class Heating:
    """Columns of one heat pump: electric power for the house and for the tank, temperatures within their bands."""

    house: Switched
    temperature: Index
    tank: Switched | None = None
    tank_temperature: Index | None = None


def heat_pump(model: Model, unit: HeatPumpUnit, balance_rows: Index, dearest: float) -> Heating:
    """Electric power 0 or ``[min, max]``, kept on and off for its least times, into the house or into the tank.

    ``dearest`` is the highest price per kWh: where discomfort costs more than any heating could save, the band is hard
    in the slots that full power can keep warm.
    """
    every = np.arange(len(balance_rows), dtype=np.int32)
    low, high = units.kilo(unit.min_w), units.kilo(unit.max_w)
    wanted = first(len(every), must_run(unit, len(every)))
    may = 1 - first(len(every), must_pause(unit, len(every)))
    alone = wanted if unit.tank is None else 0.0
    house = semicontinuous(model, unit.key, every, low, high, alone, may)
    house.draw(model, balance_rows, -1.0)
    least_w, most_w = units.from_kilo(low) * wanted, units.from_kilo(high) * may
    indoor = temperature(model, unit.store, house, unit.cop, least_w, most_w, dearest)
    running, heating = house.on, Heating(house, indoor)
    if unit.tank is not None and unit.tank_cop is not None:
        tank = semicontinuous(model, f"{unit.key} tank", every, low, high, 0.0, may)
        tank.draw(model, balance_rows, -1.0)
        running = one_at_a_time(model, unit, house, tank, wanted)
        hot_water = temperature(model, unit.tank, tank, unit.tank_cop, least_w, most_w, dearest)
        heating = Heating(house, indoor, tank, hot_water)
    if running is not None and max(unit.min_run_slots, unit.min_pause_slots) > 1:
        minimum_stay(model, unit.key, every, running, unit.min_run_slots, unit.min_pause_slots, unit.was_on)
    return heating


def one_at_a_time(model: Model, unit: HeatPumpUnit, house: Switched, tank: Switched, wanted: Array) -> Index | None:
    """``running = house on + tank on <= 1``: one refrigerant circuit, one supply temperature. Returns ``running``."""
    if house.on is None or tank.on is None:
        shared = model.rows(f"{unit.key} shared power", house.slots, -np.inf, units.kilo(unit.max_w))
        model.add(shared, house.above, 1.0)
        model.add(shared, tank.above, 1.0)
        return None
    running = model.columns(f"{unit.key} running", house.slots, wanted, 1.0)
    rows = model.rows(f"{unit.key} house or tank", house.slots, 0.0, 0.0)
    model.add(rows, running, 1.0)
    model.add(rows, house.on, -1.0)
    model.add(rows, tank.on, -1.0)
    return running


def keep_per_slot(store: HeatStore) -> float:
    """Share of a temperature difference that survives a slot: ``exp(-dt UA / C)``."""
    return float(np.exp(-H * store.loss_w_per_k / store.capacity_wh_per_k))


def temperature(
    model: Model, store: HeatStore, power: Switched, cop: Array, least_w: Array, most_w: Array, dearest: float
) -> Index:
    """``T[t+1] = keep T[t] + (1 - keep) (ambient + (cop power + gains) / UA)``, exact for constant slots.

    The column holds the part within the band; kelvin below and above it are columns of their own, at a price, above
    only where ``least_w`` of electric power already lead there.
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
    cold = every if discomfort_can_pay(store, cop, dearest) else _slots(path_c(store, cop * most_w) < store.min_c)
    below = model.columns(f"{store.key} too cold", cold, 0.0, np.inf, price - value[cold])
    hot = _slots(path_c(store, cop * least_w) > store.max_c)
    above = model.columns(f"{store.key} too warm", hot, 0.0, np.inf, price)
    for part, sign, slots in ((within, 1.0, every), (below, -1.0, cold), (above, 1.0, hot)):
        model.add(rows[slots], part, sign)
        following = slots < len(every) - 1
        model.add(rows[slots[following] + 1], part[following], -keep * sign)
    power.draw(model, rows, -(1 - keep) * units.from_kilo(cop) / store.loss_w_per_k)
    if store.end_floor_c > store.min_c:
        _end_floor(model, store, within)
    _warm_enough_to_be_off(model, store, power, within, below, cold, drift)
    return within


def discomfort_can_pay(store: HeatStore, cop: Array, dearest: float) -> bool:
    """Whether a kelvin too cold for one slot costs less than the dearest electricity that could heat it."""
    kwh_per_k = units.kilo(store.capacity_wh_per_k) / float(cop.min())
    return store.outside_price_per_kh * H <= 2.0 * dearest * kwh_per_k


def _warm_enough_to_be_off(
    model: Model, store: HeatStore, power: Switched, within: Index, below: Index, cold: Index, drift: Array
) -> None:
    """Off in slot t, the store must have been warm enough to cool: ``T[t-1] >= T_min + loss (1 - on[t])``.

    Follows from the other laws, but not from their linear relaxation, which holds the edge with a trickle no machine
    can give.
    """
    if power.on is None:
        return
    keep = keep_per_slot(store)
    cooling_k = (store.min_c - drift) / keep - store.min_c
    slots = _slots(cooling_k > 0)
    slots = slots[slots > 0]
    rows = model.rows(f"{store.key} warm enough to be off", slots, store.min_c + cooling_k[slots], np.inf)
    model.add(rows, within[slots - 1], 1.0)
    model.add(rows, power.on[slots], cooling_k[slots])
    here = np.isin(slots, cold)
    model.add(rows[here], below[np.isin(cold, slots)], 1.0 / keep)


def path_c(store: HeatStore, heat_w: Array) -> Array:
    """Temperature at the end of each slot under ``heat_w``."""
    keep, path, here = keep_per_slot(store), np.empty(len(heat_w)), store.initial_c
    for i, settled in enumerate(store.ambient_c + (heat_w + store.gains_w) / store.loss_w_per_k):
        here = keep * here + (1 - keep) * settled
        path[i] = here
    return path


def _slots(condition: NDArray[np.bool_]) -> Index:
    return np.flatnonzero(condition).astype(np.int32)


def _end_floor(model: Model, store: HeatStore, within: Index) -> None:
    """Temperature wanted at the end of the horizon; what is missing is priced."""
    last = np.array([len(within) - 1], dtype=np.int32)
    missing = model.columns(f"{store.key} missing at the end", last, 0.0, np.inf, store.outside_price_per_kh)
    rows = model.rows(f"{store.key} end floor", last, store.end_floor_c, np.inf)
    model.add(rows, within[-1:], 1.0)
    model.add(rows, missing, 1.0)
