"""Why a battery does what it does, in a sentence that follows from the plan's own figures.

Every claim is checked against powers, prices, marginal values and room before it is made; where none of them explains
an action, the sentence names the limits that bind, or says that it is not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from ems_pipeline import units
from ems_pipeline.plan.result.moment import EQUAL, IDLE_W, Moment
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.wording import sentences as say

CHOSEN = {
    "early": say.PREFERS_EARLY(),
    "level": say.PREFERS_LEVEL(),
    "order": say.PREFERS_ORDER(),
    "quiet": say.PREFERS_QUIET(),
}
"""What an owner's first choice among equals is called."""
FULL_WH = 1.0
"""Closer to a floor or ceiling is at it."""


def battery(now: Moment) -> str:
    """The reason of a battery's action in a slot, and what it may not do though it would pay."""
    return " ".join([_action(now), *_forbidden(now), *_beside(now)])


def _action(now: Moment) -> str:
    if now.trades:
        return _buys(now) if now.power_w < 0 else _sells(now)
    if now.deficit_w < -IDLE_W:
        return _with_surplus(now)
    if now.deficit_w > IDLE_W:
        return _with_demand(now)
    return _in_balance(now)


def _forbidden(now: Moment) -> Iterator[str]:
    if now.is_beside_car and now.deficit_w > IDLE_W and now.follow_w > IDLE_W:
        yield say.RESTS_FOR_CAR()
    brings, kept = now.stored_brings, now.kept_per_kwh
    if brings is None or kept is None:
        return
    has_room = now.before_wh < now.battery.ceiling_wh - FULL_WH
    if not now.may_buy and has_room and now.buy < brings and not at_most(brings, now.buy):
        yield say.NO_GRID_CHARGE(paid=price(now.plan, now.buy), worth=price(now.plan, brings))
    has_charge = now.before_wh > now.battery.floor_wh + FULL_WH
    if not now.may_sell and has_charge and not at_most(now.sold_brings, kept):
        yield say.NO_GRID_SALE(brings=price(now.plan, now.sold_brings), worth=price(now.plan, kept))


def _beside(now: Moment) -> Iterator[str]:
    """What else a battery pays or is paid for here: a band it leaves, an event that counts what is fed in."""
    if now.unbilled > 0 and (now.power_w > IDLE_W or now.power_w < min(0.0, now.deficit_w) - IDLE_W):
        yield say.UNBILLED(unbilled=price(now.plan, now.unbilled))
    band = now.spared
    if band is not None:
        goes_below = now.power_w > IDLE_W and now.after_wh < band.low_wh - FULL_WH
        if goes_below or (now.power_w < -IDLE_W and now.after_wh > band.high_wh + FULL_WH):
            low, high = _pct(now, band.low_wh), _pct(now, band.high_wh)
            yield say.LEAVES_BAND(low=low, high=high, price=price(now.plan, band.price_per_kwh))
    if now.plan.problem.ties and now.is_as_good and abs(now.power_w - now.follow_w) > IDLE_W and not now.trades:
        yield CHOSEN[now.plan.problem.ties[0]]
    event = now.net_event
    if event is None or now.power_w <= IDLE_W or now.deficit_w - now.power_w >= -IDLE_W:
        return
    if event.limit_w is not None and event.limit_w < 0:
        yield say.EVENT_WANTS(event=event.key, least=_kw(-event.limit_w))
    elif event.price_per_kwh > 0 and not now.trades:
        yield say.EVENT_PAYS(event=event.key, pays=price(now.plan, event.price_per_kwh))


def _pct(now: Moment, energy_wh: float) -> str:
    return f"{100 * energy_wh / now.battery.capacity_wh:.0f} %"


def _kw(power_w: float) -> str:
    return f"{units.kilo(power_w):.2f} kW"


def price(plan: Plan, per_kwh: float) -> str:
    """A price with its unit."""
    return f"{per_kwh:.{2 if abs(per_kwh) >= 1 else 3}f} {plan.problem.currency}/kWh"


def unknown(plan: Plan, slot: int) -> str:
    """The limits that bind in a slot, where no price explains it."""
    names = "" if plan.marginals is None else plan.marginals.binding[slot]
    return say.BINDS(limits=names) if names else say.UNKNOWN()


def at_most(low: float, high: float) -> bool:
    """Whether one price is below another or worth the same."""
    return low <= high + EQUAL * max(abs(low), abs(high))


def _buys(now: Moment) -> str:
    paid, brings = price(now.plan, now.buy), now.stored_brings
    if now.before_wh < now.battery.floor_wh - FULL_WH:
        return say.BACK_TO_RESERVE(paid=paid)
    if now.buy < 0:
        return say.PAID_TO_BUY(paid=paid)
    if brings is None:
        return say.BUY(paid=paid)
    if at_most(now.buy, brings):
        return say.BUY_STORED(paid=paid, worth=price(now.plan, brings))
    return f"{say.BUY(paid=paid)} {unknown(now.plan, now.slot)}"


def _sells(now: Moment) -> str:
    sold, gets = price(now.plan, now.sell), now.sold_brings
    if now.kept_per_kwh is None:
        return say.SELL_STORED(sold=sold)
    if at_most(now.kept_per_kwh, gets):
        kept = price(now.plan, now.kept_per_kwh)
        return say.SELL_KEPT(sold=sold, brings=price(now.plan, gets), worth=kept)
    event = now.net_event
    if event is not None and at_most(now.kept_per_kwh, gets + event.price_per_kwh):
        pays, kept = price(now.plan, event.price_per_kwh), price(now.plan, now.kept_per_kwh)
        return say.EVENT_SALE(event=event.key, pays=pays, sold=sold, worth=kept)
    return f"{say.SELL_STORED(sold=sold)} {unknown(now.plan, now.slot)}"


def _with_surplus(now: Moment) -> str:
    left_w, sold = now.power_w - now.deficit_w, price(now.plan, now.sell)
    band = now.spared
    if band is not None and left_w > IDLE_W and abs(now.after_wh - band.high_wh) <= FULL_WH:
        edge = _pct(now, band.high_wh)
        return say.SPARED_ABOVE(edge=edge, price=price(now.plan, band.price_per_kwh), sold=sold)
    if now.power_w < -IDLE_W and abs(now.power_w - now.follow_w) <= IDLE_W:
        return say.STORE_MOST(sold=sold) if left_w > IDLE_W else say.STORE()
    if now.power_w < -IDLE_W:
        return say.STORE_PART_SELL(sold=sold) if left_w > IDLE_W else say.STORE_PART()
    if now.before_wh >= now.battery.ceiling_wh - FULL_WH:
        return say.FULL(sold=sold)
    if -now.deficit_w < now.battery.least_charge_w:
        return say.LESS_THAN_TAKES(left=_kw(-now.deficit_w), least=_kw(now.battery.least_charge_w))
    if now.follow_w > -IDLE_W:
        return say.TAKES_NOTHING(sold=sold)
    if now.follows:
        return say.SAME_STORED()
    brings = now.stored_brings
    if brings is not None and at_most(brings, now.sell):
        return say.SELL_STORED_LESS(sold=sold, worth=price(now.plan, brings))
    return f"{say.SELL_AT(sold=sold)} {unknown(now.plan, now.slot)}"


def _with_demand(now: Moment) -> str:
    left_w, paid = now.deficit_w - now.power_w, price(now.plan, now.buy)
    if now.power_w > IDLE_W:
        if left_w <= IDLE_W:
            return say.COVER(paid=paid)
        gives_all = abs(now.power_w - now.follow_w) <= IDLE_W
        return say.COVER_MOST(paid=paid) if gives_all else say.COVER_PART(paid=paid)
    if now.before_wh <= now.kept_floor_wh + FULL_WH:
        return _at_floor(now, paid)
    if now.deficit_w < now.battery.least_discharge_w:
        return say.LESS_THAN_GIVES(missing=_kw(now.deficit_w), least=_kw(now.battery.least_discharge_w))
    if now.follow_w < IDLE_W:
        return say.GIVES_NOTHING(paid=paid)
    if now.follows:
        return say.SAME_USED()
    kept = now.kept_per_kwh
    if kept is not None and at_most(now.used_saves, kept):
        saves = price(now.plan, now.used_saves)
        return say.KEEP(worth=price(now.plan, kept), saves=saves)
    return f"{say.KEEP_BUY(paid=paid)} {unknown(now.plan, now.slot)}"


def _at_floor(now: Moment, paid: str) -> str:
    """Its own floor, that of a band that spares it, or a reserve of these hours."""
    if now.kept_floor_wh <= now.battery.floor_wh + FULL_WH:
        return say.AT_FLOOR(paid=paid)
    edge, band = _pct(now, now.kept_floor_wh), now.spared
    if band is not None and band.low_wh == now.kept_floor_wh:
        return say.SPARED_BELOW(edge=edge, price=price(now.plan, band.price_per_kwh), paid=paid)
    return say.KEPT_BACK(edge=edge, paid=paid)


def _in_balance(now: Moment) -> str:
    if now.unused_w <= IDLE_W:
        return say.NOTHING()
    if now.before_wh >= now.battery.ceiling_wh - FULL_WH:
        return say.FULL_LEFT()
    brings = now.stored_brings
    if brings is not None and not now.may_store:
        return say.LEAVE_ROOM(worth=price(now.plan, brings))
    return f"{say.SUN_UNUSED()} {unknown(now.plan, now.slot)}"
