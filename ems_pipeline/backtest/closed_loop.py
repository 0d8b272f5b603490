"""A battery home planned anew in every quarter-hour and executed: what plans are worth when forecasts err.

Prices are known until the end of the local day, from 13:15 on until the end of the next. The plan's first row is told
to a battery that obeys by arithmetic (`obeyed_w`); what really was drawn and produced then flows over the meter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.history import Expected, Record
from ems_pipeline.plan import Plan, PlanInputs, SiteState, assemble, solve
from ems_pipeline.plan.assembly import courses
from ems_pipeline.plan.problem import Course
from ems_pipeline.plan.solving.solve import EFFORT
from ems_pipeline.plan.wording.modes import device_decisions
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.sites.wish import Wish

MEMORY_DAYS = 14
"""Days that say how much the sun may give, and what prices may be."""


@dataclass(frozen=True)
class Lived:
    """Per slot what came of it: ``grid_w`` (> 0 import), ``battery_w`` (> 0 discharges), ``soc_pct`` at the slot's end,
    the battery's mode (none where nobody told it one).
    """

    grid_w: Array
    battery_w: Array
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


def under_plans(site: Site, actual: Record, expected: Expected, slots: range, start_soc_pct: float) -> Lived:
    """Live ``slots`` of ``actual`` under plans made anew in each, as `steps.deciding` makes the rolling ones.

    Args:
        site: one battery and one PV array; no other device is planned.
    """
    storage = Storage.of(site.batteries)
    if storage is None or len(site.pv) != 1:
        raise ValueError(f"{site.key} has no battery or not exactly one PV array; the simulation needs both")
    stored_wh, previous = start_soc_pct / 100 * storage.capacity_wh, dict[str, Array]()
    grid_w, battery_w, soc_pct, modes = np.empty(len(slots)), np.empty(len(slots)), np.empty(len(slots)), []
    for i, t in enumerate(slots):
        plan = plan_at(site, actual, expected, t, 100 * stored_wh / storage.capacity_wh, previous)
        told = {d.kind: d for d in device_decisions(plan) if d.slot == 0}
        previous = {site.batteries[0].key: np.round(plan.battery_w[1:])}
        battery, pv = told["battery"], told["pv"]
        used_w = min(actual.pv_w[t], _most(pv.wish.limits.pv_limit_w))
        deficit_w = float(actual.load_w[t] - used_w)
        battery_w[i] = obeyed_w(battery.wish, storage, stored_wh, deficit_w)
        most_w = min(_most(d.wish.limits.export_limit_w, site.grid.export_limit_w) for d in (battery, pv))
        grid_w[i] = max(deficit_w - battery_w[i], -most_w)
        stored_wh += storage.stored_change_wh(battery_w[i])
        soc_pct[i] = 100 * stored_wh / storage.capacity_wh
        modes.append(battery.wish.mode)
    return Lived(grid_w, battery_w, soc_pct, tuple(modes))


def plan_at(
    site: Site, actual: Record, expected: Expected, t: int, soc_pct: float, previous: Mapping[str, Array]
) -> Plan:
    """The plan made at the begin of slot ``t``: of what comes it knows prices until they are out, and nothing else."""
    until = actual.known_until(t, site.timezone)
    load_w, pv_w = expected.at(t, until + courses.DAY)
    inputs = PlanInputs(
        starts=actual.starts[t:until],
        buy_per_kwh=actual.buy_per_kwh[t:until],
        sell_per_kwh=actual.sell_per_kwh[t:until],
        load_w=load_w[: until - t],
        pv_w={site.pv[0].key: pv_w[: until - t]},
        outdoor_c=None,
        sessions=(),
        state=SiteState(at=actual.starts[t], soc_pct={b.key: soc_pct for b in site.batteries}),
        previous_w=previous,
        courses=_courses(actual, expected, t, until, load_w, pv_w) if site.planning.courses else (),
    )
    return solve(assemble(site, inputs), **EFFORT["rolling"], resolved_slots=1)


def _courses(
    actual: Record, expected: Expected, t: int, until: int, load_w: Array, pv_w: Array
) -> tuple[Course, ...]:  # fmt: skip
    """Ways in which things may go, from what was measured before slot ``t`` and the prices known in it."""
    since = max(0, t - MEMORY_DAYS * courses.DAY)
    days = actual.pv_w[t - (t - since) // courses.DAY * courses.DAY : t].reshape(-1, courses.DAY)
    if not len(days):
        return ()
    prices = (side[since:until] for side in (actual.buy_per_kwh, actual.sell_per_kwh))
    return courses.courses(load_w, pv_w, expected.missed(actual, t), days.max(axis=0), until - t, *prices)
