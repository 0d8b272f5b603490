"""From planned powers to modes with limits: what a device is told, so that it does well between plans.

A mode says what to do when reality differs from the forecast. A battery follows the meter (self-use) unless the plan
wants what the meter cannot tell (buying for later, keeping, selling) and doing without it would cost money. What is
then still open is decided by the marginal value of stored energy: a battery that sells its surplus covers a cloud all
the same where that pays. Limits stand at the meter, never at a forecast of PV or load.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan.result.moment import IDLE_W, Moment, moments
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.wording import modes_devices, reasons
from ems_pipeline.plan.wording import sentences as say
from ems_pipeline.plan.wording.decision import Decision
from ems_pipeline.plan.wording.next_best import NextBest
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.sites.wish import Limits, Wish

WORTH_A_WORD = 0.005
"""Money below which an alternative is as good."""
VERBS = {"self-use": say.FOLLOW(), "hold": say.HOLD(), "charge": say.CHARGE(), "discharge": say.DISCHARGE()}


def device_decisions(plan: Plan) -> Iterator[Decision]:
    """Every device in every slot, in the order batteries, PV, chargers, heat pumps, gensets, machines."""
    for series in battery_decisions(plan):
        yield from series
    yield from modes_devices.decisions(plan)


def battery_decisions(plan: Plan) -> list[list[Decision]]:
    """One list of decisions per battery; its deficit is what the rest of the site lacks without it."""
    return [[battery_decision(now) for now in moments(plan, i)] for i in range(len(plan.problem.batteries))]


def battery_decision(now: Moment) -> Decision:
    """What a battery is told in a slot, and why."""
    wish = _wish(now)
    if now.sell < 0 and now.deficit_w - now.power_w > -IDLE_W:
        wish = replace(wish, limits=replace(wish.limits, export_limit_w=0.0))
    soc_pct = 100.0 * now.after_wh / now.battery.capacity_wh
    reason = reasons.battery(now)
    if now.plan.weighed:
        reason += f" {say.WEIGHED(count=str(now.plan.weighed))}"
    return Decision(now.slot, now.battery.key, now.power_w, wish, reason, soc_pct)


def _wish(now: Moment) -> Wish:
    target_pct = round(100.0 * now.after_wh / now.battery.capacity_wh, 1)
    if now.trades and now.power_w < 0:
        return Wish(BatteryMode.CHARGE, Limits(charge_limit_w=round(-now.power_w, 1), target_soc_pct=target_pct))
    if now.trades:
        return Wish(BatteryMode.DISCHARGE, Limits(discharge_limit_w=round(now.power_w, 1), target_soc_pct=target_pct))
    limits = Limits(charge_limit_w=_charge_limit_w(now))
    covers = now.may_cover if now.deficit_w <= IDLE_W else now.follows or now.power_w > IDLE_W
    if not covers or now.is_beside_car:
        return Wish(BatteryMode.HOLD, limits)
    most_w = round(now.power_w, 1) if not now.follows and now.power_w > IDLE_W else None
    return Wish(BatteryMode.SELF_USE, replace(limits, discharge_limit_w=most_w, target_soc_pct=_reserve_pct(now)))


def _charge_limit_w(now: Moment) -> float | None:
    """What a battery that follows the meter, or keeps, may take at most; None: all it can."""
    if not (now.follows or now.deficit_w > 0):
        return round(max(0.0, -now.power_w), 1)
    return 0.0 if not now.may_store and now.deficit_w > -IDLE_W else None


def _reserve_pct(now: Moment) -> float | None:
    """Where the floor can be reached within the slot, it is told: a device's own floor may be lower."""
    battery, floor_wh = now.battery, now.kept_floor_wh
    within_wh = units.slot_energy_wh(battery.discharge_limit_w) / battery.discharge_efficiency
    if floor_wh <= 0 or now.before_wh > floor_wh + within_wh:
        return None
    return round(100.0 * floor_wh / battery.capacity_wh, 1)


def site_reasons(plan: Plan, decisions: list[list[Decision]], other: NextBest | None) -> list[str]:
    """One sentence per slot: the battery's reason where there is one, else what the meter does; and the alternative.

    A plan of the simple rule that is not known to be the best says so first.
    """
    told = list(_site_reasons(plan, decisions, other))
    return [f"{say.BY_RULE()} {reason}" for reason in told] if plan.by_rule and plan.status == "feasible" else told


def _site_reasons(plan: Plan, decisions: list[list[Decision]], other: NextBest | None) -> list[str]:
    if not decisions:
        meter = (say.BUY_MISSING(), say.SELL_SURPLUS(), say.BALANCED())
        return [meter[0] if w > IDLE_W else meter[1] if w < -IDLE_W else meter[2] for w in plan.grid_w]
    told = [d.reason for d in decisions[0]]
    if other is None:
        return told
    return [f"{reason}{_alternative(plan, other, t)}" for t, reason in enumerate(told)]


def _alternative(plan: Plan, other: NextBest, t: int) -> str:
    """What the next best action would cost, and which are no choice at all."""
    said, extra = "", other.extra[t]
    if np.isfinite(extra) and extra >= WORTH_A_WORD:
        dearer = say.DEARER if other.kind[t] == "re-solved" else say.ABOUT_DEARER
        said = " " + dearer(action=VERBS[other.action[t]], money=f"{extra:.2f} {plan.problem.currency}")
    if other.impossible[t]:
        said += " " + say.IMPOSSIBLE(action=" or ".join(VERBS[name] for name in other.impossible[t]))
    return said
