"""A battery in a slot of a plan: what it moves, what following the meter would move, and what either is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import BatteryStore, DemandEvent, KeptWithin, covered
from ems_pipeline.plan.result import states
from ems_pipeline.plan.result.plan import Plan

IDLE_W = 50.0
"""Less than this is nothing: meters and inverters do not resolve it."""
EQUAL = 1e-3
"""Share of the price by which two uses of a kWh may differ and still be worth the same."""


@dataclass(frozen=True)
class Moment:
    """A battery in a slot: what it moves (> 0 discharges), what the rest of the site lacks, what following would move.

    ``kept_per_kwh`` is what a kWh in the cells is worth after the slot (None: not computed), ``follow_extra`` what
    following the meter instead of the plan costs (None: not computed, infinite: impossible).
    """

    plan: Plan
    battery: BatteryStore
    slot: int
    power_w: float
    deficit_w: float
    follow_w: float
    before_wh: float
    after_wh: float
    kept_per_kwh: float | None
    follow_extra: float | None

    @property
    def buy(self) -> float:
        """What a kWh bought counts for: its price, and what no bill has."""
        return float(self.plan.problem.import_per_kwh[self.slot])

    @property
    def unbilled(self) -> float:
        """Of `buy`, what no bill has."""
        return self.buy - float(self.plan.problem.buy_per_kwh[self.slot])

    @property
    def sell(self) -> float:
        """Selling price, money per kWh."""
        return float(self.plan.problem.sell_per_kwh[self.slot])

    @cached_property
    def follows(self) -> bool:
        """Whether the plan is what following the meter gives, or is worth no more (not where it buys or sells)."""
        if abs(self.power_w - self.follow_w) <= IDLE_W:
            return True
        if self.follow_extra is None or self.trades or self.plan.problem.ties:
            return False
        return self.is_as_good

    @property
    def is_as_good(self) -> bool:
        """Whether following the meter is known to cost no more than the plan."""
        if self.follow_extra is None:
            return False
        moved_kwh = units.kilo(units.slot_energy_wh(abs(self.power_w - self.follow_w)))
        return self.follow_extra <= EQUAL * abs(self.buy) * moved_kwh

    @property
    def trades(self) -> bool:
        """Whether the battery is charged from or discharged into the grid."""
        return self.power_w < min(0.0, self.deficit_w) - IDLE_W or self.power_w > max(0.0, self.deficit_w) + IDLE_W

    @property
    def kept_floor_wh(self) -> float:
        """Its floor in this slot: a band it is to stay in counts where the plan does not leave it downwards."""
        lows = [k.low_wh for k in self.battery.kept_within if k.first <= self.slot < k.end]
        return max([self.battery.floor_wh, *(low for low in lows if low <= self.after_wh + 1.0)])

    @property
    def spared(self) -> KeptWithin | None:
        """The band that spares it in this slot; a reserve of some hours is none, it costs what every reserve does."""
        reserve_price = self.battery.outside_price_per_kwh
        here = [k for k in self.battery.kept_within if k.first <= self.slot < k.end and k.price_per_kwh < reserve_price]
        return here[0] if here else None

    @property
    def net_event(self) -> DemandEvent | None:
        """An event of this slot that pays for what is fed in, or wants it."""
        events = (e for e in self.plan.problem.grid.events if e.first <= self.slot < e.end)
        return next((e for e in events if e.is_net or (e.limit_w is not None and e.limit_w < 0)), None)

    @property
    def may_buy(self) -> bool:
        """Whether the grid may charge it in this slot."""
        return not covered(self.plan.problem.grid.no_grid_to_battery, self.slot + 1)[-1]

    @property
    def may_sell(self) -> bool:
        """Whether it may be sold in this slot."""
        return not covered(self.plan.problem.grid.no_battery_to_grid, self.slot + 1)[-1]

    @property
    def is_beside_car(self) -> bool:
        """Whether a car charges on what the sun leaves, or spares batteries: none may give, whatever the meter says."""
        cars = zip(self.plan.problem.sessions, self.plan.session_w, strict=True)
        return any(
            (car.spares_batteries and power_w[self.slot] > 0)
            or (car.anywhere_w is not None and power_w[self.slot] > car.anywhere_w[self.slot] + IDLE_W)
            for car, power_w in cars
        )

    @cached_property
    def _efficiencies(self) -> tuple[float, float]:
        """Charging and discharging at the power that is at stake."""
        battery, stake_w = self.battery, max(abs(self.follow_w), abs(self.power_w), IDLE_W)
        before = np.array(self.before_wh)
        gained = float(states.gained_w(battery, before, np.array(stake_w), np.array(0.0)))
        drawn = -float(states.gained_w(battery, before, np.array(0.0), np.array(stake_w)))
        return gained / stake_w, stake_w / drawn

    @property
    def used_saves(self) -> float:
        """What a kWh out of the cells saves when it replaces a bought one, less wear."""
        return (self.buy - self.battery.wear_out_per_kwh) * self._efficiencies[1]

    @property
    def sold_brings(self) -> float:
        """What a kWh out of the cells brings when it is sold, less wear."""
        return (self.sell - self.battery.wear_out_per_kwh) * self._efficiencies[1]

    @property
    def unused_w(self) -> float:
        """What the sun offers and nobody uses, W."""
        return float(self.plan.problem.pv_available_w[self.slot] - self.plan.pv_w[:, self.slot].sum())

    @property
    def stored_brings(self) -> float | None:
        """What a kWh of surplus is worth when it is stored, less wear."""
        if self.kept_per_kwh is None:
            return None
        return self.kept_per_kwh * self._efficiencies[0] - self.battery.wear_per_kwh

    @property
    def may_cover(self) -> bool:
        """Whether covering demand is no worse than keeping the charge; yes where that is not known."""
        kept = self.kept_per_kwh
        return kept is None or self.used_saves >= kept - EQUAL * abs(kept)

    @property
    def may_store(self) -> bool:
        """Whether storing surplus is no worse than feeding it in (or leaving it); yes where that is not known."""
        brings, sold = self.stored_brings, max(self.sell, 0.0)
        return brings is None or brings >= sold - EQUAL * sold - 1e-9


def moments(plan: Plan, i: int) -> Iterator[Moment]:
    """Battery ``i`` slot by slot."""
    battery = plan.problem.batteries[i]
    power_w, before_wh = plan.discharge_w[i] - plan.charge_w[i], states.before_wh(plan, i)
    deficit_w = plan.grid_w + power_w
    follow_w = states.following_w(plan, i)
    extra = {a.slot: np.inf if a.extra is None else a.extra for a in plan.alternatives
             if a.key == battery.key and a.action == "self-use"}  # fmt: skip
    kept = [None] * plan.problem.slots if plan.marginals is None else kept_per_kwh(plan, i).tolist()
    for t in range(plan.problem.slots):
        yield Moment(
            plan, battery, t, float(power_w[t]), float(deficit_w[t]), float(follow_w[t]), float(before_wh[t]),
            float(plan.energy_wh[i, t]), kept[t], extra.get(t),
        )  # fmt: skip


def kept_per_kwh(plan: Plan, i: int) -> Array:
    """What a kWh in the cells of battery ``i`` is worth after each slot; the plan has marginal values."""
    assert plan.marginals is not None
    return np.append(plan.marginals.stored_per_kwh[i][1:], plan.problem.batteries[i].end_value_per_kwh)
