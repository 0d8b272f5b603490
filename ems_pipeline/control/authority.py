"""Who decides: envelope > grid limit > override > schedule > plan > release, one `Desired` per device with its reason.

Pure. `Mandate` is what the database knows of a slot, `Live` what the devices say. A new authority is a `Source` and its
place in `_wishes`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.control import commands, envelope, grid_limit
from ems_pipeline.control.desired import Desired, Source, Wish
from ems_pipeline.control.live import Live
from ems_pipeline.devices.driver.command import SignalCommand
from ems_pipeline.devices.driver.contract import SetpointRefused
from ems_pipeline.devices.installed import obedience
from ems_pipeline.sites import Battery, Schedule, Site, schedule
from ems_pipeline.warehouse.overrides import Override

SIGNALS = {"ems_battery_power": "battery_w", "ems_buy_price": "buy_per_kwh"}
"""Points of a home controller and what the plan tells it by them."""


@dataclass(frozen=True)
class Mandate:
    """What may be asked of a site in a slot.

    ``plan``: rows as `warehouse.plans.device_rows` gives them; ``buy_per_kwh``: the slot's price, None when unknown.
    """

    slot: datetime
    plan: pl.DataFrame
    overrides: Mapping[str, Override]
    buy_per_kwh: float | None = None

    def plan_fault(self, site: Site, now: datetime) -> str:
        """Why the plan must not be followed; empty when it may."""
        if self.plan.is_empty():
            return f"no verified plan covers {self.slot:%H:%M}"
        age = now - self.plan["decided_at"][0]
        limit = timedelta(minutes=site.control.max_plan_age_minutes)
        if age > limit:
            return f"the plan is {age // time_grid.MINUTE:.0f} min old, {limit // time_grid.MINUTE:.0f} are accepted"
        return ""


def resolve(
    site: Site, mandate: Mandate, live: Live, signals: Mapping[str, frozenset[str]], now: datetime
) -> list[Desired]:
    """What every steerable device of a site shall do in the mandate's slot, released ones included.

    Args:
        signals: which of `SIGNALS` each home controller of the site takes.
    """
    plan_fault = mandate.plan_fault(site, now)
    wishes = _wishes(site, mandate, {} if plan_fault else _planned(site, mandate))
    desired = [_device(site, mandate, device.key, wishes, plan_fault) for device in site.devices]
    found = [_within_envelope(site, d, live) for d in desired if d is not None]
    found = _within_grid(site, found, live)
    return found + _signals(site, mandate, wishes, found, signals, plan_fault)


def _wishes(site: Site, mandate: Mandate, planned: Mapping[str, Wish]) -> dict[str, Wish]:
    """By asset: the override, else the schedule, else the plan row; who wins says what it wins over."""
    zone = time_grid.zone(site.timezone)
    scheduled = {a: _scheduled(s) for a, s in schedule.acting(site.schedules, mandate.slot, zone).items()}
    overriding = {asset: _overriding(asset, override) for asset, override in mandate.overrides.items()}
    wishes = dict(planned)
    for higher in (scheduled, overriding):
        wishes |= {asset: _instead_of(wishes.get(asset), wish) for asset, wish in higher.items()}
    return wishes


def _planned(site: Site, mandate: Mandate) -> dict[str, Wish]:
    """What the plan asks of whoever obeys; of what only measures it says what it expects."""
    deaf = obedience.deaf(site)
    return {
        row["asset_key"]: Wish(
            row["asset_key"], row["mode"], json.loads(row["limits"]), row["power_w"], row["reason"], Source.PLAN
        )
        for row in mandate.plan.rows(named=True)
        if row["asset_key"] not in deaf
    }


def _scheduled(schedule: Schedule) -> Wish:
    return Wish(
        schedule.asset,
        schedule.mode,
        schedule.limits,
        commands.expected_w(schedule.mode, schedule.limits),
        f"schedule {schedule.key}: {schedule.mode}",
        Source.SCHEDULE,
    )


def _overriding(key: str, override: Override) -> Wish:
    reason = f"override {override.override_id} by {override.created_by} until {override.until_at:%d.%m. %H:%M} UTC"
    power_w = commands.expected_w(override.mode, override.limits)
    return Wish(key, override.mode, override.limits, power_w, reason, Source.OVERRIDE, override.override_id)


def _instead_of(lower: Wish | None, wish: Wish) -> Wish:
    """The wish, saying which one of less authority it takes the place of."""
    if lower is None:
        return wish
    limits = "".join(f" {name}={value}" for name, value in lower.limits.items())
    return replace(wish, reason=f"{wish.reason}, where the {lower.source} has {lower.mode}{limits} ({lower.reason})")


def _device(site: Site, mandate: Mandate, device: str, wishes: Mapping[str, Wish], plan_fault: str) -> Desired | None:
    """The wish for one device; None when nothing of the site is steered through it."""
    assets = commands.assets_of(site, device)
    if not assets:
        return None
    until = mandate.slot + timedelta(minutes=site.control.setpoint_ttl_minutes)
    used = [wishes[a.key] for a in assets if a.key in wishes]
    source = next((s for s in Source if any(w.source is s for w in used)), Source.RELEASE)
    try:
        command = commands.for_device(device, assets, wishes)
    except commands.WrongWish as fault:
        return Desired(device, None, source, "no command can be made of it", until, refused=str(fault))
    if command is None:
        return Desired(device, None, Source.RELEASE, plan_fault or f"the plan has no row for {device}", until)
    deciding = [w for w in used if w.source is source]
    overriding = [w for w in used if w.source is Source.OVERRIDE]
    batteries = {a.key for a in assets if isinstance(a, Battery)}
    return Desired(
        device,
        command,
        source,
        "; ".join(dict.fromkeys(w.reason for w in deciding if w.reason)) or "as planned",
        _until(mandate, until, overriding),
        power_w=sum(w.power_w for w in used if w.asset_key in batteries),
        override_id=overriding[0].override_id if overriding else None,
        **_provenance(mandate, [w for w in used if w.source is Source.PLAN]),
    )


def _until(mandate: Mandate, until: datetime, overriding: list[Wish]) -> datetime:
    """An override that ends within the slot takes its set-point along; otherwise the next slot decides anew in time."""
    ends = [mandate.overrides[w.asset_key].until_at for w in overriding]
    return min([until, *(end for end in ends if mandate.slot < end < mandate.slot + time_grid.SLOT)])


def _provenance(mandate: Mandate, planned: list[Wish]) -> dict[str, Any]:
    if not planned:
        return {}
    return {
        "asset_keys": tuple(w.asset_key for w in planned),
        "planning_run_id": mandate.plan["planning_run_id"][0],
        "plan_decided_at": mandate.plan["decided_at"][0],
    }


def _within_envelope(site: Site, desired: Desired, live: Live) -> Desired:
    if desired.command is None or live.devices[desired.device].fault:
        return desired
    try:
        command, notes = envelope.bound(site, desired.command, live)
    except SetpointRefused as refusal:
        return replace(desired, refused=str(refusal))
    return _corrected(desired, command, Source.ENVELOPE, notes)


def _within_grid(site: Site, found: list[Desired], live: Live) -> list[Desired]:
    """Everybody's commands within the import limit; what gave way passes the envelope once more."""
    wanted = {d.device: None if d.refused else d.command for d in found}
    given, notes = grid_limit.shed(site, wanted, sum(d.power_w for d in found), live)
    return [
        _within_envelope(site, _corrected(d, given[d.device], Source.GRID, notes), live) if d.device in given else d
        for d in found
    ]


def _corrected(desired: Desired, command: Any, source: Source, notes: list[str]) -> Desired:
    """With the corrected command; the note comes first, what was asked stays readable behind it."""
    if not notes:
        return replace(desired, command=command)
    return replace(desired, command=command, source=source, reason=f"{'; '.join(notes)} (asked: {desired.reason})")


def _signals(
    site: Site,
    mandate: Mandate,
    wishes: Mapping[str, Wish],
    found: list[Desired],
    signals: Mapping[str, frozenset[str]],
    plan_fault: str,
) -> list[Desired]:
    """What home controllers are told: price and planned battery power of the slot; nothing when there is no plan."""
    told = {d.device for d in found}
    until = mandate.slot + timedelta(minutes=site.control.setpoint_ttl_minutes)
    price = None if mandate.buy_per_kwh is None else round(mandate.buy_per_kwh, 4)
    # Rounded to what a controller displays: more digits would never be read back.
    values = {"battery_w": float(round(sum(d.power_w for d in found))), "buy_per_kwh": price}
    # Rows of assets that an override or schedule decides told it nothing.
    provenance = _provenance(mandate, [w for w in wishes.values() if w.source is Source.PLAN])
    result = []
    for device, points in signals.items():
        if device in told:  # it steers an asset itself; its command carries permission and heartbeat, too
            continue
        if plan_fault:
            result.append(Desired(device, None, Source.RELEASE, plan_fault, until))
            continue
        named = ((point, values[SIGNALS[point]]) for point in sorted(points))
        command = SignalCommand(device, tuple((point, value) for point, value in named if value is not None))
        result.append(Desired(device, command, Source.PLAN, "signals of the plan", until, **provenance))
    return result
