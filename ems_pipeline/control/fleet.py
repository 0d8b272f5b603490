"""What is wanted of a fleet, shared out to its batteries by what each of them holds now. Pure.

The plan shares out by the charge it expects; here it is done again by the charge that is measured, and for whatever
else is wanted of the whole. Then the law that holds whoever asks: of a fleet nobody gives while another takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ems_pipeline.control.live import Live
from ems_pipeline.sites import Battery, Fleet, Site
from ems_pipeline.sites.fleet import FULL_PCT, by_charge, shares, stop_pct
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.sites.wish import Limits, Wish
from ems_pipeline.warehouse.claims import Claim, Source

Claims = Mapping[str, Claim]
RANK = {source: rank for rank, source in enumerate(Source)}
ONE_WAY = frozenset({BatteryMode.CHARGE, BatteryMode.DISCHARGE})


def as_one(site: Site, claims: Claims, live: Live) -> dict[str, Claim]:
    """The claims with those of fleets as those of their batteries."""
    found = dict(claims)
    for fleet in site.fleets:
        members = fleet.members(site.batteries)
        whole = found.pop(fleet.key, None)
        own = {b.key: found[b.key] for b in members if b.key in found}
        if whole is not None:  # whoever asks the whole asks each that nobody of the same or more authority asks himself
            below = [b for b in members if b.key not in own or RANK[whole.source] < RANK[own[b.key].source]]
            own |= _shared(fleet, whole, below, live)
        found |= _one_way(_planned(fleet, own, members, live))
    return found


def _planned(fleet: Fleet, own: Claims, members: list[Battery], live: Live) -> dict[str, Claim]:
    """The plan's claims put together and shared out anew; what others ask of single batteries stands."""
    planned = [b for b in members if b.key in own and own[b.key].source is Source.PLAN]
    wishes = [own[b.key].wish for b in planned]
    modes = {wish.mode for wish in wishes if isinstance(wish, Wish)}
    if len(modes) != 1 or len(planned) < 2 or not all(isinstance(wish, Wish) for wish in wishes):
        return dict(own)
    first = own[planned[0].key]
    limits = [wish.limits for wish in wishes if isinstance(wish, Wish)]
    together = replace(
        limits[0],
        charge_limit_w=_sum([one.charge_limit_w for one in limits]),
        discharge_limit_w=_sum([one.discharge_limit_w for one in limits]),
    )
    power_w = sum(own[b.key].power_w for b in planned)
    whole = replace(first, wish=Wish(modes.pop(), together), power_w=power_w)
    return {**own, **_shared(fleet, whole, planned, live)}


def _shared(fleet: Fleet, whole: Claim, members: list[Battery], live: Live) -> dict[str, Claim]:
    """One claim as claims of the members, by what each holds and may."""
    if not isinstance(whole.wish, Wish):
        return {b.key: replace(whole, asset_key=b.key) for b in members}
    limits, soc_pct = whole.wish.limits, _charges(members, live)
    ends_with_slot = whole.source is Source.PLAN and whole.wish.mode in ONE_WAY
    target_pct = None if ends_with_slot else limits.target_soc_pct
    take = by_charge(members, soc_pct, charging=True, to_pct=FULL_PCT if target_pct is None else target_pct)
    give = by_charge(members, soc_pct, charging=False, to_pct=target_pct or 0.0)
    charge_w = _parts(limits.charge_limit_w, take, [b.charge_limit_w for b in members])
    discharge_w = _parts(limits.discharge_limit_w, give, [b.discharge_limit_w for b in members])
    is_charging = whole.power_w < 0
    most_w = [b.charge_limit_w if is_charging else b.discharge_limit_w for b in members]
    powers_w = shares(abs(whole.power_w), take if is_charging else give, most_w)
    found = {}
    for i, battery in enumerate(members):
        own = replace(limits, charge_limit_w=charge_w[i], discharge_limit_w=discharge_w[i])
        power_w = -powers_w[i] if is_charging else powers_w[i]
        if ends_with_slot and battery.key in soc_pct:
            own = replace(own, target_soc_pct=stop_pct(battery, soc_pct[battery.key], power_w))
        wish, reason = Wish(whole.wish.mode, own), f"{whole.reason} (its share of {fleet.key})"
        found[battery.key] = replace(whole, asset_key=battery.key, wish=wish, power_w=power_w, reason=reason)
    return found


def _one_way(own: Claims) -> dict[str, Claim]:
    """Where one is told to charge or to discharge, the rest does the same or nothing: the highest authority decides."""
    trading = [c for c in own.values() if isinstance(c.wish, Wish) and c.wish.mode in ONE_WAY]
    if not trading:
        return dict(own)
    leading = min(trading, key=lambda claim: RANK[claim.source])
    return {key: claim if _goes_along(claim, leading) else _rested(claim, leading) for key, claim in own.items()}


def _goes_along(claim: Claim, leading: Claim) -> bool:
    """A battery that keeps may still store a surplus, and there is none where another gives it."""
    if not isinstance(claim.wish, Wish) or not isinstance(leading.wish, Wish):
        return True
    keeps = claim.wish.mode is BatteryMode.HOLD and leading.wish.mode is BatteryMode.CHARGE
    return keeps or claim.wish.mode is leading.wish.mode


def _rested(claim: Claim, leading: Claim) -> Claim:
    wish = Wish(BatteryMode.HOLD, Limits(charge_limit_w=0.0))
    reason = f"rests while {leading.asset_key} is to {leading.wish} ({claim.reason})"
    return replace(claim, wish=wish, power_w=0.0, reason=reason)


def _charges(members: list[Battery], live: Live) -> dict[str, float]:
    """Measured charge of those that answer."""
    said = {b.key: live.of(b.device, "battery_soc_pct") for b in members}
    return {key: value for key, value in said.items() if value is not None}


def _parts(limit_w: float | None, weights: list[float], limits_w: list[float]) -> list[float | None]:
    """A limit shared out; one that is not named is nobody's."""
    return [None] * len(weights) if limit_w is None else [*shares(limit_w, weights, limits_w)]


def _sum(limits: list[float | None]) -> float | None:
    known = [float(limit) for limit in limits if limit is not None]
    return sum(known) if known and len(known) == len(limits) else None
