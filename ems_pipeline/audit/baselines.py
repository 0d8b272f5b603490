"""What the grid would have seen under a simple rule, given the same measured consumption and production.

The comparison changes the battery only: cars and the heat pump draw what they drew, so what was won by moving them is
not counted. PV is taken as measured: energy that was curtailed stays lost in every baseline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.audit.storage import Storage

TIMER_SLOTS = 16
"""Four hours: as many as a timer charges in."""


@dataclass(frozen=True)
class Course:
    """A baseline per slot: grid_w and battery_w (NaN where nothing was measured), soc_pct at the slot's end."""

    grid_w: Array
    battery_w: Array
    soc_pct: Array


def no_battery(deficit_w: Array, export_limit_w: float) -> Array:
    """Grid power without a battery, W: the deficit itself, exports cut at the limit of the connection.

    Args:
        deficit_w: consumption minus production (load + ev + heat pump - pv - genset), NaN where not measured.
    """
    return np.maximum(deficit_w, -export_limit_w)


def self_use(deficit_w: Array, storage: Storage, start_soc_pct: float, export_limit_w: float) -> Course:
    """The rule every hybrid inverter ships with: surplus charges the battery, deficit discharges it, never the grid.

    Through slots without a measurement the battery stands still.

    Args:
        deficit_w: as in `no_battery`.
        start_soc_pct: charge before the first slot.
    """
    return _played(deficit_w, deficit_w, storage, start_soc_pct, export_limit_w)


def timer(
    deficit_w: Array, buy_per_kwh: Array, days: Array, storage: Storage, start_soc_pct: float, export_limit_w: float
) -> Course:
    """Full charge in the `TIMER_SLOTS` cheapest quarter-hours of each day, self-use in the rest.

    A quarter-hour that costs what the day's dearest costs is not cheap: on a flat tariff the timer never charges from
    the grid, and nothing is saved that self-use does not save.

    Args:
        deficit_w, start_soc_pct: as in `self_use`.
        days: of each slot, which day it belongs to: any numbers.
    """
    asked_w = deficit_w.copy()
    for day in np.unique(days):
        here = np.flatnonzero(days == day)
        price = buy_per_kwh[here]
        cheapest = np.argsort(price, kind="stable")[:TIMER_SLOTS]
        asked_w[here[cheapest[price[cheapest] < np.fmax.reduce(price)]]] = -storage.charge_limit_w
    return _played(asked_w, deficit_w, storage, start_soc_pct, export_limit_w)


def blindly(told_w: Array, deficit_w: Array, storage: Storage, start_soc_pct: float, export_limit_w: float) -> Course:
    """A plan's battery powers (W, > 0 discharges), whatever comes, as far as the battery can."""
    return _played(told_w, deficit_w, storage, start_soc_pct, export_limit_w)


def _played(asked_w: Array, deficit_w: Array, storage: Storage, start_soc_pct: float, export_limit_w: float) -> Course:
    """A battery that is asked for ``asked_w`` (> 0 discharges) and gives or takes what it can."""
    stored_wh = start_soc_pct / 100 * storage.capacity_wh
    battery_w, soc_pct = np.full(len(deficit_w), np.nan), np.empty(len(deficit_w))
    for i, wanted_w in enumerate(asked_w):
        if np.isfinite(wanted_w) and np.isfinite(deficit_w[i]):
            if wanted_w > 0:
                battery_w[i] = storage.discharge_w(stored_wh, wanted_w)
            else:
                battery_w[i] = -storage.charge_w(stored_wh, -wanted_w)
            stored_wh += storage.stored_change_wh(battery_w[i])
        soc_pct[i] = 100 * stored_wh / storage.capacity_wh
    return Course(np.maximum(deficit_w - battery_w, -export_limit_w), battery_w, soc_pct)
