"""Decisions of a day made anew from the problems as they were stored: what was known then, and another charge.

Of two planners neither gets what it wanted from the battery but one: the live one. To compare them, both live the day
through from the charge that was measured at its begin. Each stored problem is solved again from what the battery holds
by then, so nothing can be looked at that was not known at the decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from ems_pipeline import units
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.closed_loop import Told, lived
from ems_pipeline.backtest.history import Record
from ems_pipeline.backtest.settled import settled
from ems_pipeline.plan import Plan, Problem, solve
from ems_pipeline.plan.problem import PreviousPower
from ems_pipeline.plan.result.moment import moments
from ems_pipeline.plan.wording.modes import battery_decision
from ems_pipeline.plan.wording.modes_devices import pv_decision
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import PvMode
from ems_pipeline.sites.wish import Limits, Wish

NO_TIME_LIMIT_S = 60.0
"""A comparison must not depend on how busy a machine is; no home's problem needs so long."""


@dataclass(frozen=True)
class Asked:
    """What was asked of one planner on a day.

    Attributes:
        problems: by slot the one decided for it, of one battery; in a slot without one the plan before goes on.
        options: of `solve`, as they were stored with the plans.
    """

    problems: Mapping[int, Problem]
    options: Mapping[str, Any]


class ByRecord:
    """Decides as `closed_loop.Decides` says, from what was stored."""

    def __init__(self, asked: Asked) -> None:
        self._problems, self._options = asked.problems, {**asked.options, "time_limit_s": NO_TIME_LIMIT_S}
        self._made: tuple[int, Plan] | None = None

    def told(self, t: int, stored_wh: float) -> Told:
        """See `closed_loop.Decides`."""
        if t in self._problems:
            self._made = t, solve(self._from(t, stored_wh), **self._options)
        if self._made is None:
            raise LookupError(f"nothing was decided for slot {t} or before")
        begun, plan = self._made
        at = t - begun
        return Told(battery_decision(next(islice(moments(plan, 0), at, None))).wish, sun(plan, at))

    def _from(self, t: int, stored_wh: float) -> Problem:
        """The stored problem, had the battery held so much, and had its own plan been the one before."""
        problem = self._problems[t]
        battery = replace(problem.batteries[0], initial_wh=stored_wh)
        previous = problem.previous
        if self._made is not None and (past := t - self._made[0]) < self._made[1].problem.slots:
            before = PreviousPower(battery.key, np.round(self._made[1].battery_w[past:])[: problem.slots])
            previous = (before, *(one for one in previous if one.key != battery.key))
        return replace(problem, batteries=(battery,), previous=previous)


def sun(plan: Plan, at: int) -> Wish:
    """What all arrays together are told: as much as each may give, and no more than the meter may let out."""
    told = [pv_decision(plan, i, at).wish.limits for i in range(len(plan.problem.pv))]
    if all(one == Limits() for one in told):
        return Wish(PvMode.PRODUCE)
    most_w = [
        float(source.available_w[at]) if one.pv_limit_w is None else one.pv_limit_w
        for source, one in zip(plan.problem.pv, told, strict=True)
    ]
    out_w = [one.export_limit_w for one in told if one.export_limit_w is not None]
    limit_w = sum(most_w) if all(one.pv_limit_w is not None for one in told) else None
    return Wish(PvMode.CURTAIL, Limits(pv_limit_w=limit_w, export_limit_w=min(out_w, default=None)))


def net_costs(home: Site, actual: Record, start_soc_pct: float, asked: Asked) -> pl.DataFrame:
    """Whole local days lived through as was ``asked``, by the audit's own rule: ``[day, net_cost]``.

    ``net_cost`` is money at the meter less what the change in stored energy is worth (`audit.settlement.settle_days`).

    Args:
        home: one battery and one PV array (`month.as_lived`).
        actual: nothing but these days.
    """
    storage, slots = Storage.of(home.batteries), range(len(actual.starts))
    assert storage is not None
    run = lived(home, actual, slots, start_soc_pct, ByRecord(asked))
    days = settled(home, storage, actual, slots, run, start_soc_pct)
    kept = pl.col("stored_value_per_kwh") * units.kilo(pl.col("stored_change_wh"))
    return days.select("day", net_cost=pl.col("cost") - kept)
