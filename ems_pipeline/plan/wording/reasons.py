"""Why a battery does what it does, in a sentence that follows from the plan's own figures.

Every claim is checked against powers, prices, marginal values and room before it is made; where none of them explains
an action, the sentence names the limits that bind, or says that it is not known.
"""

from __future__ import annotations

from ems_pipeline.plan.result.moment import EQUAL, IDLE_W, Moment
from ems_pipeline.plan.result.plan import Plan

FULL_WH = 1.0
"""Closer to a floor or ceiling is at it."""


def battery(now: Moment) -> str:
    """The reason of a battery's action in a slot."""
    if now.trades:
        return _buys(now) if now.power_w < 0 else _sells(now)
    if now.deficit_w < -IDLE_W:
        return _with_surplus(now)
    if now.deficit_w > IDLE_W:
        return _with_demand(now)
    return _in_balance(now)


def price(plan: Plan, per_kwh: float) -> str:
    """A price with its unit."""
    return f"{per_kwh:.{2 if abs(per_kwh) >= 1 else 3}f} {plan.problem.currency}/kWh"


def unknown(plan: Plan, slot: int) -> str:
    """The limits that bind in a slot, where no price explains it."""
    names = "" if plan.marginals is None else plan.marginals.binding[slot]
    return f"What binds here: {names}." if names else "Why is not known."


def at_most(low: float, high: float) -> bool:
    """Whether one price is below another or worth the same."""
    return low <= high + EQUAL * max(abs(low), abs(high))


def _buys(now: Moment) -> str:
    paid, brings = price(now.plan, now.buy), now.stored_brings
    if now.before_wh < now.battery.floor_wh - FULL_WH:
        return f"Charge back to the reserve at {paid}."
    if now.buy < 0:
        return f"Charge from the grid: buying is paid for, {paid}."
    if brings is None:
        return f"Charge from the grid at {paid}."
    if at_most(now.buy, brings):
        return f"Charge from the grid at {paid}: stored, a kWh of it is worth {price(now.plan, brings)}."
    return f"Charge from the grid at {paid}. {unknown(now.plan, now.slot)}"


def _sells(now: Moment) -> str:
    sold, gets = price(now.plan, now.sell), now.sold_brings
    if now.kept_per_kwh is None:
        return f"Sell stored energy at {sold}."
    if at_most(now.kept_per_kwh, gets):
        kept = price(now.plan, now.kept_per_kwh)
        return (
            f"Sell stored energy at {sold}: a kWh in the cells brings {price(now.plan, gets)}, kept it is worth {kept}."
        )
    return f"Sell stored energy at {sold}. {unknown(now.plan, now.slot)}"


def _with_surplus(now: Moment) -> str:
    left_w, sold = now.power_w - now.deficit_w, price(now.plan, now.sell)
    rest = f"the rest is sold at {sold}" if left_w > IDLE_W else ""
    if now.power_w < -IDLE_W and abs(now.power_w - now.follow_w) <= IDLE_W:
        return f"Store what the battery can take of the surplus; {rest}." if rest else "Store the surplus."
    if now.power_w < -IDLE_W:
        return f"Store part of the surplus; {rest}."
    if now.before_wh >= now.battery.ceiling_wh - FULL_WH:
        return f"The battery is full; the surplus is sold at {sold}."
    if now.follow_w > -IDLE_W:
        return f"The battery can take nothing now; the surplus is sold at {sold}."
    if now.follows:
        return "Follow the meter: storing the surplus now or later is worth the same."
    brings = now.stored_brings
    if brings is not None and at_most(brings, now.sell):
        return f"Sell the surplus at {sold}: stored, a kWh of it is worth {price(now.plan, brings)}."
    return f"Sell the surplus at {sold}. {unknown(now.plan, now.slot)}"


def _with_demand(now: Moment) -> str:
    left_w, paid = now.deficit_w - now.power_w, price(now.plan, now.buy)
    if now.power_w > IDLE_W:
        if left_w <= IDLE_W:
            return f"Cover the demand instead of buying at {paid}."
        part = "what the battery can" if abs(now.power_w - now.follow_w) <= IDLE_W else "part of the demand"
        return f"Cover {part}; the rest is bought at {paid}."
    if now.before_wh <= now.battery.floor_wh + FULL_WH:
        return f"The battery is at its floor; buy at {paid}."
    if now.follow_w < IDLE_W:
        return f"The battery can give nothing now; buy at {paid}."
    if now.follows:
        return "Follow the meter: stored energy is worth the same now and later."
    kept = now.kept_per_kwh
    if kept is not None and at_most(now.used_saves, kept):
        saves = price(now.plan, now.used_saves)
        return f"Keep the charge: a kWh in the cells is worth {price(now.plan, kept)}, used now it would save {saves}."
    return f"Keep the charge and buy at {paid}. {unknown(now.plan, now.slot)}"


def _in_balance(now: Moment) -> str:
    if now.unused_w <= IDLE_W:
        return "Nothing to store or to cover."
    if now.before_wh >= now.battery.ceiling_wh - FULL_WH:
        return "The battery is full; what the sun gives beyond the demand is left."
    brings = now.stored_brings
    if brings is not None and not now.may_store:
        return f"Leave room: a kWh of the sun stored now is worth {price(now.plan, brings)}."
    return f"The sun gives more than is used. {unknown(now.plan, now.slot)}"
