"""A battery home planned anew in every quarter-hour and executed: what plans are worth when forecasts err.

Prices are known until the end of the local day, from 13:15 on until the end of the next. The plan's first row is told
to a battery that obeys by arithmetic (`obeyed_w`); what really was drawn and produced then flows over the meter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.history import Expected, Record
from ems_pipeline.plan import Plan, PlanInputs, Problem, SiteState, assemble, solve
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


@dataclass(frozen=True)
class Told:
    """What battery and PV are told for a slot."""

    battery: Wish
    pv: Wish


class Decides(Protocol):
    """Who decides, at the begin of slot ``t``, from what is known then."""

    def told(self, t: int, stored_wh: float) -> Told:
        """What is told while the cells hold ``stored_wh``; slots are asked for in order."""


class ByPlans:
    """A plan made anew in every slot, as `steps.deciding` makes the rolling ones.

    Args:
        site: one battery and one PV array; no other device is planned.
        options: of `solve`, where they differ from those of a rolling plan.
    """

    def __init__(
        self, site: Site, actual: Record, expected: Expected, options: Mapping[str, Any] | None = None
    ) -> None:
        self._site, self._actual, self._expected = site, actual, expected
        self._options = {**EFFORT["rolling"], "resolved_slots": 1, **(options or {})}
        self._previous: tuple[int, Array] | None = None

    def told(self, t: int, stored_wh: float) -> Told:
        """See `Decides`."""
        plan = self.plan(t, stored_wh)
        self._previous = t, np.round(plan.battery_w)
        told = {decision.kind: decision.wish for decision in device_decisions(plan) if decision.slot == 0}
        return Told(told["battery"], told["pv"])

    def plan(self, t: int, stored_wh: float) -> Plan:
        """The plan made at the begin of slot ``t``."""
        return solve(self.problem(t, stored_wh), **self._options)

    def problem(self, t: int, stored_wh: float) -> Problem:
        """What is to be planned at the begin of slot ``t``."""
        return assemble(self._site, self._inputs(t, stored_wh))

    def _inputs(self, t: int, stored_wh: float) -> PlanInputs:
        site, battery = self._site, self._site.batteries[0]
        buy_per_kwh, sell_per_kwh = self._actual.prices_at(t, site.timezone)
        until = t + len(buy_per_kwh)
        load_w, pv_w = self._expected.at(t, until + courses.DAY)
        previous_w = {}
        if self._previous is not None and t - self._previous[0] < len(self._previous[1]):
            previous_w[battery.key] = self._previous[1][t - self._previous[0] :]
        return PlanInputs(
            starts=self._actual.starts[t:until],
            buy_per_kwh=buy_per_kwh,
            sell_per_kwh=sell_per_kwh,
            load_w=load_w[: until - t],
            pv_w={site.pv[0].key: pv_w[: until - t]},
            outdoor_c=None,
            sessions=(),
            state=SiteState(at=self._actual.starts[t], soc_pct={battery.key: 100 * stored_wh / battery.capacity_wh}),
            previous_w=previous_w,
            courses=self.courses(t, (buy_per_kwh, sell_per_kwh), load_w, pv_w),
        )

    def courses(self, t: int, known: tuple[Array, Array], load_w: Array, pv_w: Array) -> tuple[Course, ...]:
        """Ways in which things may go, from what was measured before slot ``t`` and the prices known in it; none of a
        site that does not ask for them.

        Args:
            load_w, pv_w: forecasts, as far as they reach.
        """
        if not self._site.planning.courses:
            return ()
        actual = self._actual
        since = max(0, t - MEMORY_DAYS * courses.DAY)
        days = actual.pv_w[t - (t - since) // courses.DAY * courses.DAY : t].reshape(-1, courses.DAY)
        missed = self._expected.missed(actual, t)
        before = actual.buy_per_kwh[since:t], actual.sell_per_kwh[since:t]
        prices = [np.concatenate(side) for side in zip(before, known, strict=True)]
        if not len(days) or not missed or not np.isfinite(prices).all():
            return ()
        most_w = np.nan_to_num(np.fmax.reduce(days))
        return courses.courses(load_w, pv_w, missed, most_w, len(known[0]), *prices)


def under_plans(site: Site, actual: Record, expected: Expected, slots: range, start_soc_pct: float) -> Lived:
    """Live ``slots`` of ``actual`` under plans made anew in each; see `ByPlans`."""
    return lived(site, actual, slots, start_soc_pct, ByPlans(site, actual, expected))


def lived(site: Site, actual: Record, slots: range, start_soc_pct: float, decides: Decides) -> Lived:
    """Live ``slots`` of ``actual``: in each something is told, obeyed, and what really came flows over the meter.

    Args:
        site: one battery and one PV array.
    """
    storage = Storage.of(site.batteries)
    if storage is None or len(site.batteries) != 1 or len(site.pv) != 1:
        raise ValueError(f"{site.key} has not exactly one battery and one PV array; the simulation needs both")
    stored_wh = start_soc_pct / 100 * storage.capacity_wh
    grid_w, battery_w, soc_pct, modes = np.empty(len(slots)), np.empty(len(slots)), np.empty(len(slots)), []
    load_w, pv_w = actual.load_w.tolist(), actual.pv_w.tolist()
    for i, t in enumerate(slots):
        told = decides.told(t, stored_wh)
        deficit_w = load_w[t] - min(pv_w[t], _most(told.pv.limits.pv_limit_w))
        battery_w[i] = moved_w = obeyed_w(told.battery, storage, stored_wh, deficit_w)
        most_w = min(_most(wish.limits.export_limit_w, site.grid.export_limit_w) for wish in (told.battery, told.pv))
        grid_w[i] = max(deficit_w - moved_w, -most_w)
        stored_wh += storage.stored_change_wh(moved_w)
        soc_pct[i] = 100 * stored_wh / storage.capacity_wh
        modes.append(told.battery.mode)
    return Lived(grid_w, battery_w, soc_pct, tuple(modes))
