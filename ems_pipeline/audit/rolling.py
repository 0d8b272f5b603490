"""A battery home planned anew in every quarter-hour, executed and paid for: what plans are worth when forecasts err.

Prices are known until the end of the local day, from 13:15 on until the end of the next. The plan's first row is told
to a battery that obeys by arithmetic (`obeyed_w`); what really was drawn and produced then flows over the meter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

import numpy as np

from ems_pipeline import time_grid, units
from ems_pipeline.arrays import Array
from ems_pipeline.audit.storage import Storage
from ems_pipeline.plan import PlanInputs, SiteState, assemble, solve
from ems_pipeline.plan.wording.decision import Decision
from ems_pipeline.plan.wording.modes import device_decisions
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.sites.wish import Wish

PRICES_OUT = time(13, 15)
"""Local time from which the next day's prices are known."""


@dataclass(frozen=True)
class Record:
    """What is known and what happens, per slot of ``starts`` (UTC, consecutive): prices per kWh, powers in W >= 0."""

    starts: list[datetime]
    buy_per_kwh: Array
    sell_per_kwh: Array
    load_w: Array
    pv_w: Array


@dataclass(frozen=True)
class Lived:
    """Per slot what came of it: ``grid_w`` (> 0 import), ``soc_pct`` at the slot's end, the battery's mode."""

    grid_w: Array
    soc_pct: Array
    modes: tuple[str, ...]


def obeyed_w(wish: Wish, storage: Storage, stored_wh: float, deficit_w: float) -> float:
    """Mean power of a battery (W, > 0 discharges) that is told its part of a plan row while the site lacks
    ``deficit_w``.

    Args:
        stored_wh: energy in the cells at the slot's begin.
    """
    mode, limits = wish.mode, wish.limits
    target_pct, give_w, take_w = limits.target_soc_pct, _most(limits.discharge_limit_w), _most(limits.charge_limit_w)
    if mode == BatteryMode.CHARGE:
        until = storage if target_pct is None else replace(storage, ceiling_pct=target_pct)
        return -until.charge_w(stored_wh, min(take_w, storage.charge_limit_w))
    above = storage if target_pct is None else replace(storage, floor_pct=max(storage.floor_pct, target_pct))
    if mode == BatteryMode.DISCHARGE:
        room_w = max(0.0, deficit_w) + _most(limits.export_limit_w)
        return above.discharge_w(stored_wh, min(give_w, room_w, storage.discharge_limit_w))
    if deficit_w <= 0:
        return -storage.charge_w(stored_wh, min(-deficit_w, take_w))
    return 0.0 if mode == BatteryMode.HOLD else above.discharge_w(stored_wh, min(deficit_w, give_w))


def _most(limit_w: float | None, otherwise_w: float = math.inf) -> float:
    return otherwise_w if limit_w is None else limit_w


def under_plans(site: Site, actual: Record, forecast: Record, slots: int, start_soc_pct: float) -> Lived:
    """The first ``slots`` of ``actual`` under plans made from ``forecast``; both reach two days further.

    Args:
        site: one battery and one PV array; no other device is planned.
    """
    storage = Storage.of(site.batteries)
    if storage is None or len(site.pv) != 1:
        raise ValueError(f"{site.key} has no battery or not exactly one PV array; the simulation needs both")
    stored_wh = start_soc_pct / 100 * storage.capacity_wh
    grid_w, soc_pct, modes = np.empty(slots), np.empty(slots), []
    for t in range(slots):
        told = {d.kind: d for d in _decisions(site, actual, forecast, t, 100 * stored_wh / storage.capacity_wh)}
        battery, pv = told["battery"], told["pv"]
        used_w = min(actual.pv_w[t], _most(pv.wish.limits.pv_limit_w))
        deficit_w = float(actual.load_w[t] - used_w)
        power_w = obeyed_w(battery.wish, storage, stored_wh, deficit_w)
        most_w = min(_most(d.wish.limits.export_limit_w, site.grid.export_limit_w) for d in (battery, pv))
        grid_w[t] = max(deficit_w - power_w, -most_w)
        stored_wh += storage.stored_change_wh(power_w)
        soc_pct[t] = 100 * stored_wh / storage.capacity_wh
        modes.append(battery.wish.mode)
    return Lived(grid_w, soc_pct, tuple(modes))


def _decisions(site: Site, actual: Record, forecast: Record, t: int, soc_pct: float) -> Iterator[Decision]:
    """What the devices are told in slot ``t`` by a plan made at its begin."""
    known = slice(t, _known_until(actual.starts, t, site.timezone))
    inputs = PlanInputs(
        starts=actual.starts[known],
        buy_per_kwh=actual.buy_per_kwh[known],
        sell_per_kwh=actual.sell_per_kwh[known],
        load_w=forecast.load_w[known],
        pv_w={site.pv[0].key: forecast.pv_w[known]},
        outdoor_c=None,
        sessions=(),
        state=SiteState(at=actual.starts[t], soc_pct={b.key: soc_pct for b in site.batteries}),
    )
    plan = solve(assemble(site, inputs), resolved_slots=1)
    return (decision for decision in device_decisions(plan) if decision.slot == 0)


def _known_until(starts: list[datetime], t: int, timezone: str) -> int:
    """Index of the first slot without a known price at the begin of slot ``t``."""
    zone = time_grid.zone(timezone)
    today = time_grid.local_day(starts[t], zone)
    is_out = starts[t] >= time_grid.local_instant(today, PRICES_OUT, zone)
    _, end = time_grid.day_bounds(today + timedelta(days=int(is_out)), zone)
    return t + time_grid.count_slots(starts[t], min(end, starts[-1] + time_grid.SLOT))


def cost(record: Record, grid_w: Array, stored_change_wh: float, stored_per_kwh: float) -> float:
    """Money at the meter over the lived slots, less what the change in stored energy is worth."""
    n = len(grid_w)
    bought, sold = units.slot_energy_wh(np.maximum(grid_w, 0)), units.slot_energy_wh(np.maximum(-grid_w, 0))
    money = units.kilo(bought) @ record.buy_per_kwh[:n] - units.kilo(sold) @ record.sell_per_kwh[:n]
    return float(money - stored_per_kwh * units.kilo(stored_change_wh))
