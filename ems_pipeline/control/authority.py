"""Who decides: envelope > grid limit > override > schedule > plan > release, one `Intent` per device with its reason.

Pure. `Mandate` is what the database knows of a slot, `Live` what the devices say. A new authority is a `Source` and its
place in `_claims`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline import time_grid
from ems_pipeline.control import beside_car, commands, demand, envelope, fleet, grid_limit
from ems_pipeline.control.live import Live
from ems_pipeline.devices.driver.command import Command, SignalCommand
from ems_pipeline.devices.driver.contract import SetpointRefused
from ems_pipeline.devices.installed import obedience
from ems_pipeline.sentence import setpoints as say
from ems_pipeline.sites import Battery, Schedule, Site, schedule
from ems_pipeline.sites.goal import Goal, comforted
from ems_pipeline.sites.timed import in_slot
from ems_pipeline.warehouse.claims import Claim, Planned, Source
from ems_pipeline.warehouse.intents import Intent

SIGNALS = {"ems_battery_power": "battery_w", "ems_buy_price": "buy_per_kwh"}
"""Points of a home controller and what the plan tells it by them."""


@dataclass(frozen=True)
class Mandate:
    """What may be asked of a site in a slot.

    ``plan``: None where no executable one covers the slot; ``buy_per_kwh``: the slot's price, None when unknown.
    """

    slot: datetime
    plan: Planned | None
    overrides: Mapping[str, Claim]
    buy_per_kwh: float | None = None
    goals: Sequence[Goal] = ()
    """Those that hold, in the order they were filed: what comfort is, while they do."""

    def plan_fault(self, site: Site, now: datetime) -> str:
        """Why the plan must not be followed; empty when it may."""
        if self.plan is None:
            return say.NO_PLAN(time=f"{self.slot:%H:%M}")
        age = now - self.plan.decided_at
        limit = timedelta(minutes=site.control.max_plan_age_minutes)
        if age > limit:
            minutes = f"{age // time_grid.MINUTE:.0f} min", f"{limit // time_grid.MINUTE:.0f}"
            return say.OLD_PLAN(age=minutes[0], most=minutes[1])
        return ""


def resolve(
    site: Site, mandate: Mandate, live: Live, signals: Mapping[str, frozenset[str]], now: datetime
) -> list[Intent]:
    """What every steerable device of a site shall do in the mandate's slot, released ones included.

    Args:
        signals: which of `SIGNALS` each home controller of the site takes.
    """
    site, plan_fault = comforted(in_slot(site, mandate.slot), mandate.goals), mandate.plan_fault(site, now)
    claims = _claims(site, mandate, () if plan_fault or mandate.plan is None else mandate.plan.claims)
    claims = fleet.as_one(site, claims, live)
    intents = [_device(site, mandate, device.key, claims, plan_fault) for device in site.devices]
    found = [_within_envelope(site, one, live) for one in intents if one is not None]
    found = _within_demand(site, _within_grid(site, _beside_cars(site, found, live), live), live)
    return found + _signals(site, mandate, claims.values(), found, signals, plan_fault)


def _claims(site: Site, mandate: Mandate, planned: Iterable[Claim]) -> dict[str, Claim]:
    """By asset: the override, else the schedule, else the plan row of whoever obeys; who wins says what it wins over.

    Of what only measures the plan says what it expects.
    """
    zone, deaf = time_grid.zone(site.timezone), obedience.deaf(site)
    acting = schedule.acting(site.schedules, mandate.slot, zone)
    claims = {claim.asset_key: claim for claim in planned if claim.asset_key not in deaf}
    for higher in ({asset: _scheduled(site, one) for asset, one in acting.items()}, mandate.overrides):
        claims |= {asset: _instead_of(claims.get(asset), claim) for asset, claim in higher.items()}
    return claims


def _scheduled(site: Site, schedule: Schedule) -> Claim:
    wish = site.wish(schedule.asset, schedule.mode, schedule.limits)
    reason = say.SCHEDULE(schedule=schedule.key, mode=schedule.mode)
    return Claim(schedule.asset, wish, wish.expected_w, reason, Source.SCHEDULE)


def _instead_of(lower: Claim | None, claim: Claim) -> Claim:
    """The claim, saying which one of less authority it takes the place of."""
    if lower is None:
        return claim
    reason = say.INSTEAD(reason=claim.reason, source=lower.source, wish=str(lower.wish), lower=lower.reason)
    return replace(claim, reason=reason)


def _device(site: Site, mandate: Mandate, device: str, claims: Mapping[str, Claim], plan_fault: str) -> Intent | None:
    """What is claimed of one device; None when nothing of the site is steered through it."""
    assets = commands.assets_of(site, device)
    if not assets:
        return None
    until = mandate.slot + timedelta(minutes=site.control.setpoint_ttl_minutes)
    used = [claims[a.key] for a in assets if a.key in claims]
    source = next((s for s in Source if any(c.source is s for c in used)), Source.RELEASE)
    try:
        command = commands.for_device(device, assets, claims)
    except commands.WrongWish as fault:
        return Intent(device, None, source, say.NO_COMMAND(), until, fault=str(fault))
    if command is None:
        return Intent(device, None, Source.RELEASE, plan_fault or say.NO_ROW(device=device), until)
    deciding = [c for c in used if c.source is source]
    overriding = [c for c in used if c.source is Source.OVERRIDE]
    batteries = {a.key for a in assets if isinstance(a, Battery)}
    return Intent(
        device,
        command,
        source,
        "; ".join(dict.fromkeys(c.reason for c in deciding if c.reason)) or say.AS_PLANNED(),
        _until(mandate, until, overriding),
        power_w=sum(c.power_w for c in used if c.asset_key in batteries),
        override_id=overriding[0].override_id if overriding else None,
        **_provenance(mandate, used),
    )


def _until(mandate: Mandate, until: datetime, overriding: list[Claim]) -> datetime:
    """An override that ends within the slot takes its set-point along; otherwise the next slot decides anew in time."""
    ends = [c.until_at for c in overriding if c.until_at is not None]
    return min([until, *(end for end in ends if mandate.slot < end < mandate.slot + time_grid.SLOT)])


def _provenance(mandate: Mandate, claims: Iterable[Claim]) -> dict[str, Any]:
    """The plan and its rows among the claims; those that an override or a schedule decides tell nothing."""
    planned = tuple(c.asset_key for c in claims if c.source is Source.PLAN)
    if not planned or mandate.plan is None:
        return {}
    run = {"planning_run_id": mandate.plan.planning_run_id, "plan_decided_at": mandate.plan.decided_at}
    return {"asset_keys": planned} | run


def _within_envelope(site: Site, intent: Intent, live: Live) -> Intent:
    if intent.told is None or live.devices[intent.device].fault:
        return intent
    try:
        command, notes = envelope.bound(site, intent.told, live)
    except SetpointRefused as refusal:
        return replace(intent, fault=str(refusal))
    return _corrected(intent, command, Source.ENVELOPE, notes)


def _beside_cars(site: Site, found: list[Intent], live: Live) -> list[Intent]:
    """Batteries that are kept out of cars rest while one charges."""
    given, notes = beside_car.resting(site, {one.device: None if one.fault else one.told for one in found}, live)
    return [_corrected(one, given[one.device], Source.ENVELOPE, notes) if one.device in given else one for one in found]


def _within_grid(site: Site, found: list[Intent], live: Live) -> list[Intent]:
    """Everybody's commands within the import limit; what gave way passes the envelope once more."""
    wanted = {one.device: None if one.fault else one.told for one in found}
    given, notes = grid_limit.shed(site, wanted, sum(one.power_w for one in found), live)
    return [
        _within_envelope(site, _corrected(one, given[one.device], Source.GRID, notes), live)
        if one.device in given
        else one
        for one in found
    ]


def _within_demand(site: Site, found: list[Intent], live: Live) -> list[Intent]:
    """What the grid's operator asks to draw less; also of devices that would be left to themselves."""
    given, notes = demand.dimmed(site, {one.device: None if one.fault else one.told for one in found}, live)
    return [
        _within_envelope(site, _corrected(one, given[one.device], Source.GRID, notes), live)
        if one.device in given and not one.fault
        else one
        for one in found
    ]


def _corrected(intent: Intent, command: Command, source: Source, notes: list[str]) -> Intent:
    """With the corrected command; the note comes first, what was asked stays readable behind it."""
    if not notes:
        return replace(intent, command=command)
    return replace(
        intent, command=command, source=source, reason=say.ASKED(notes="; ".join(notes), reason=intent.reason)
    )


def _signals(
    site: Site,
    mandate: Mandate,
    claims: Iterable[Claim],
    found: list[Intent],
    signals: Mapping[str, frozenset[str]],
    plan_fault: str,
) -> list[Intent]:
    """What home controllers are told: price and planned battery power of the slot; nothing when there is no plan."""
    told = {one.device for one in found}
    until = mandate.slot + timedelta(minutes=site.control.setpoint_ttl_minutes)
    price = None if mandate.buy_per_kwh is None else round(mandate.buy_per_kwh, 4)
    # Rounded to what a controller displays: more digits would never be read back.
    values = {"battery_w": float(round(sum(one.power_w for one in found))), "buy_per_kwh": price}
    provenance = _provenance(mandate, claims)
    result = []
    for device, points in signals.items():
        if device in told:  # it steers an asset itself; its command carries permission and heartbeat, too
            continue
        if plan_fault:
            result.append(Intent(device, None, Source.RELEASE, plan_fault, until))
            continue
        named = ((point, values[SIGNALS[point]]) for point in sorted(points))
        command = SignalCommand(device, tuple((point, value) for point, value in named if value is not None))
        result.append(Intent(device, command, Source.PLAN, say.SIGNALS(), until, **provenance))
    return result
