"""What holds of batteries and fuses at some hours only, as fields of the problem, slot by slot."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan.problem import BatteryStore, Fuse, KeptWithin
from ems_pipeline.sites import Battery, FuseGroup


def fuse(group: FuseGroup, starts: list[datetime], zone: ZoneInfo) -> Fuse:
    """A fuse with what it carries in each slot, where some carry less."""
    most_w = np.array([group.at(at, zone).limit_w for at in starts]) if group.at_times else None
    return Fuse(group.key, group.limit_w, group.chargers, most_w)


def battery(store: BatteryStore, of: Battery, starts: list[datetime], zone: ZoneInfo) -> BatteryStore:
    """A battery with its limits of power in each slot, and where it is to stand.

    A reserve of some hours costs what the one that always holds does: cells that come too late are not impossible.
    """
    store = _lasting(store, len(starts))
    kept = list(_spared(of, len(starts)))
    if not of.at_times:
        return dataclasses.replace(store, kept_within=tuple(kept))
    held = [of.at(at, zone) for at in starts]
    first = 0
    for edges, slots in groupby((b.reserve_soc_pct, b.max_soc_pct) for b in held):
        end = first + len(list(slots))
        if edges != (of.reserve_soc_pct, of.max_soc_pct):
            low, high = (of.capacity_wh * pct / 100 for pct in edges)
            kept.append(KeptWithin(first, end, low, high, store.outside_price_per_kwh))
        first = end
    return dataclasses.replace(
        store,
        charge_most_w=np.array([b.charge_limit_w for b in held]),
        discharge_most_w=np.array([b.discharge_limit_w for b in held]),
        kept_within=tuple(kept),
    )


def _lasting(store: BatteryStore, slots: int) -> BatteryStore:
    """A battery that draws no more for itself than its cells can go on giving: when they are empty it switches off."""
    lowest_wh = min(store.floor_wh, store.initial_wh)
    left = dataclasses.replace(store, initial_wh=lowest_wh, standby_w=0.0).alone_wh(slots)[-1]
    most_w = float(units.slot_power_w(float(left))) / slots
    return dataclasses.replace(store, standby_w=min(store.standby_w, most_w)) if store.standby_w else store


def _spared(of: Battery, slots: int) -> Iterator[KeptWithin]:
    band = of.spare_band
    if band is not None:
        low, high = (of.capacity_wh * pct / 100 for pct in (band.low_soc_pct, band.high_soc_pct))
        yield KeptWithin(0, slots, low, high, band.price_per_kwh_h)
