"""What a day cost more than it had to, part by part: of two ways to live it that differ in one thing, the difference.

From the day as it was measured to the one of who knew all of it, one thing after another is put right and stays right.
So the parts add up to the whole, whatever they are; how large each is depends on the order (docs/audit.md has it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.closed_loop import Decides, Told, lived
from ems_pipeline.backtest.history import Record
from ems_pipeline.backtest.intervals import costs
from ems_pipeline.backtest.recorded import NO_TIME_LIMIT_S, sun
from ems_pipeline.plan import Plan, Problem, solve
from ems_pipeline.plan.problem import BatteryStore, GridLimits, PvSource
from ems_pipeline.plan.result.moment import moments
from ems_pipeline.plan.wording.modes import battery_decision
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import BatteryMode, PvMode
from ems_pipeline.sites.wish import Wish

FORECASTS: Mapping[str, tuple[str, ...]] = {
    "pv": ("pv_available_w",), "load": ("load_w",), "car": ("ev_w",), "heat_pump": ("heat_pump_w",),
    "genset": ("genset_w",), "price": ("buy_per_kwh", "sell_per_kwh"),
}  # fmt: skip
"""What plans expected, in the order in which it becomes known, by columns of ``ems.planning_interval``."""
PARTS = ("model", "execution", "aims", "data", *FORECASTS, "gap", "mode")
"""In the order in which each is put right."""
TOTAL, TOGETHER = "total", "together"
DIGITS = 4
"""Of money: sums of parts are exact in these."""
EXACT: Mapping[str, Any] = {"gap": 0.0, "tolerance": 0.0}
PRODUCE = Wish(PvMode.PRODUCE)


@dataclass(frozen=True)
class Field:
    """A local day to be lived again.

    Attributes:
        home: one battery, whose window holds what was measured, and one array.
        actual: what came; PV with generating sets, and all that draws.
        limits_w: of import and export.
        worth: money per kWh that is in the cells at the end.
    """

    home: Site
    actual: Record
    start_soc_pct: float
    limits_w: tuple[float, float]
    worth: float

    @property
    def storage(self) -> Storage:
        """The battery by its few numbers."""
        found = Storage.of(self.home.batteries)
        assert found is not None
        return found

    @property
    def slots(self) -> range:
        """All of the day."""
        return range(len(self.actual.starts))

    def net_cost(self, grid_w: Array, soc_pct: Array) -> float:
        """Money at the meter less what the change in stored energy is worth."""
        return float(
            costs(self.actual, self.slots, grid_w, soc_pct, self.start_soc_pct, self.storage, self.worth).sum()
        )

    def under(self, decides: Decides) -> float:
        """Net money of the day under decisions that are obeyed."""
        run = lived(self.home, self.actual, self.slots, self.start_soc_pct, decides)
        return self.net_cost(run.grid_w, run.soc_pct)


@dataclass(frozen=True)
class Believed:
    """What the plans of a day expected.

    Attributes:
        series: by column of ``ems.planning_interval``: a row per slot of what was believed at its begin of every slot
            of the day; what is before the slot is never looked at.
        is_fresh: whether a plan was made for a slot; else the one before went on.
        misread_wh: energy in the cells as it was told to that plan, less what was measured.
        options: of `solve`, as they were stored with the plans.
    """

    series: Mapping[str, Array]
    is_fresh: Array
    misread_wh: Array
    options: Mapping[str, Any]

    def complete(self) -> Believed:
        """A plan for every slot, from the charge that is there."""
        return replace(self, is_fresh=np.ones_like(self.is_fresh), misread_wh=np.zeros_like(self.misread_wh))

    def knowing(self, came: Mapping[str, Array]) -> Believed:
        """The same, had some series been known."""
        known = {name: np.tile(values, (len(values), 1)) for name, values in came.items()}
        return replace(self, series={**self.series, **known})

    def says(self, other: Believed) -> bool:
        """Whether the other one leads to the same decisions."""
        ahead = np.triu_indices(len(self.is_fresh))
        return (
            np.array_equal(self.is_fresh, other.is_fresh)
            and np.array_equal(self.misread_wh, other.misread_wh)
            and self.options == other.options
            and all(np.array_equal(self.series[name][ahead], other.series[name][ahead]) for name in self.series)
        )


class AsTold:
    """Decides as devices were told; where they were told nothing, the battery goes by itself."""

    def __init__(self, wishes: Sequence[Wish | None]) -> None:
        self._wishes = wishes

    def told(self, t: int, stored_wh: float) -> Told:  # noqa: ARG002 - it was told for another charge
        """See `closed_loop.Decides`. PV is left alone: what was measured of it is what it was told to give."""
        return Told(self._wishes[t] or Wish(BatteryMode.SELF_USE), PRODUCE)


class ForTheDay:
    """Decides anew from what was believed, for the money of this day alone: no wear, no reserve, no day after."""

    def __init__(self, field: Field, believed: Believed) -> None:
        self._field, self._believed = field, believed
        self._options = {**believed.options, "time_limit_s": NO_TIME_LIMIT_S, "resolved_slots": 1}
        self._made: tuple[int, Plan] | None = None

    def told(self, t: int, stored_wh: float) -> Told:
        """See `closed_loop.Decides`."""
        if self._believed.is_fresh[t] or self._made is None:
            self._made = t, solve(self._problem(t, stored_wh + self._believed.misread_wh[t]), **self._options)
        begun, plan = self._made
        at = t - begun
        return Told(battery_decision(next(islice(moments(plan, 0), at, None))).wish, sun(plan, at))

    def _problem(self, t: int, stored_wh: float) -> Problem:
        field, storage = self._field, self._field.storage
        now = {name: rows[t, t:] for name, rows in self._believed.series.items()}
        count, (import_w, export_w) = len(field.slots) - t, field.limits_w
        low_wh, high_wh = (pct / 100 * storage.capacity_wh for pct in (storage.floor_pct, storage.ceiling_pct))
        battery = BatteryStore(
            "battery", storage.capacity_wh, storage.charge_limit_w, storage.discharge_limit_w,
            storage.charge_efficiency, storage.discharge_efficiency, low_wh, high_wh,
            float(np.clip(stored_wh, low_wh, high_wh)), end_value_per_kwh=field.worth,
        )  # fmt: skip
        return Problem(
            field.home.key, field.home.currency, field.actual.starts[t], now["buy_per_kwh"], now["sell_per_kwh"],
            now["load_w"] + now["ev_w"] + now["heat_pump_w"],
            GridLimits(np.full(count, import_w), np.full(count, export_w)),
            pv=(PvSource("sun", np.maximum(now["pv_available_w"] + now["genset_w"], 0.0)),), batteries=(battery,),
        )  # fmt: skip


@dataclass(frozen=True)
class Link:
    """The day with one thing more put right.

    Attributes:
        part: what that was.
        net_cost: what it cost so; None: nobody can say, ``missing`` says why.
    """

    part: str
    net_cost: float | None
    missing: str | None = None


@dataclass(frozen=True)
class Part:
    """Money that a thing cost; below 0: it earned. None: not known by itself, ``missing`` says why."""

    part: str
    amount: float | None
    missing: str | None = None


def decided(field: Field, believed: Believed, came: Mapping[str, Array]) -> list[Link]:
    """The day decided again, from what was believed to what came; parts ``aims`` to ``gap``."""
    steps = [("aims", believed), ("data", believed := believed.complete())]
    for part, names in FORECASTS.items():
        steps.append((part, believed := believed.knowing({name: came[name] for name in names})))
    steps.append(("gap", replace(believed, options={**believed.options, **EXACT})))
    links, before = list[Link](), None
    for part, now in steps:
        same = before is not None and before.says(now)
        links.append(Link(part, links[-1].net_cost if same else field.under(ForTheDay(field, now))))
        before = now
    return links


def split(measured: float, links: Sequence[Link]) -> list[Part]:
    """Parts of what a day cost more than the last of the ``links``, which is known.

    Where one in between is not, the parts around it are told together: their sum is known, none of them is.
    """
    parts, since, together, at = list[Part](), list[Link](), 0.0, round(measured, DIGITS)
    for link in links:
        since.append(link)
        if link.net_cost is None:
            continue
        amount, at = round(at - round(link.net_cost, DIGITS), DIGITS), round(link.net_cost, DIGITS)
        if len(since) == 1:
            parts.append(Part(link.part, amount))
        else:
            together += amount
            why = next(one.missing for one in since if one.missing)
            parts += [Part(one.part, None, one.missing or why) for one in since]
        since = []
    return [*parts, Part(TOGETHER, round(together, DIGITS)), Part(TOTAL, round(round(measured, DIGITS) - at, DIGITS))]


def unknown(missing: str) -> list[Part]:
    """All parts of a day of which none can be known."""
    return [Part(name, None, missing) for name in (*PARTS, TOGETHER, TOTAL)]
