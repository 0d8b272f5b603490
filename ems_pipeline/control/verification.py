"""Look again: does the device still hold it, did the power move, is it still valid, is the connection within its limit?

Every two minutes: the first look proves the effect, later ones catch a device that forgets (some do after 77 s) or
somebody else who writes. What fails, reverts or expires is released at once and asked again with the next quarter-hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ems_pipeline import time_grid
from ems_pipeline.control import (
    arm_alarms,
    cycle,
    demand,
    effect,
    grid_limit,
    lead,
    lifecycle,
    prepare,
    renewal,
    runner,
    trouble,
)
from ems_pipeline.control.live import Live
from ems_pipeline.control.outcome import Aside, Outcome
from ems_pipeline.control.permit import OVERTAKEN
from ems_pipeline.control.session import SiteSession
from ems_pipeline.control.verdict import Effect, Verdict
from ems_pipeline.devices.driver.contract import Driver
from ems_pipeline.sentence import setpoints as say
from ems_pipeline.sites import Site
from ems_pipeline.sites.timed import in_slot
from ems_pipeline.time_grid import CLOCK_SLACK, Clock
from ems_pipeline.warehouse import Warehouse, alarms, setpoints
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.intents import Intent, Setpoint, State, Step, Unreadable

PATIENCE_S = 0.0
"""A control run under way looks itself; the next verification comes in two minutes."""
EFFECT_PATIENCE = timedelta(minutes=5)
"""How long after the echo a device may do otherwise before it counts as disobedient."""
OVERLOAD = 1.02
OVERLOAD_ALARM = "import-limit"
FORGOTTEN = "it may hold something of ours that nothing stands for"
"""A release that failed is tried again once a quarter-hour: settings live in memory that wears."""


@dataclass(frozen=True)
class Look:
    """What a second look at one set-point brought: its steps, and why the device has to be released (if so)."""

    setpoint: Setpoint
    steps: tuple[Step, ...] = ()
    let_go: str = ""

    @property
    def outcome(self) -> Outcome:
        last = self.steps[-1]
        return Outcome(self.setpoint.site_key, self.setpoint.device, last.after, last.reason)


def run_verification(
    warehouse: Warehouse,
    sites: Iterable[Site],
    now: datetime,
    clock: Clock,
    serves: Callable[[str], bool] = lambda _: True,
) -> list[Outcome]:
    """Look at every set-point that has not ended; outcomes are the ones that changed.

    Args:
        serves: which sites beyond the given ones are looked after, where something stands still though they are out of
            service.
    """
    sites = list(sites)
    with warehouse.begin(runner.JOURNAL_PATIENCE_S) as connection:
        left = setpoints.unfinished_sites(connection) - {site.key for site in sites}

    async def verify(session: SiteSession) -> list[Outcome]:
        await session.read_journal(lambda _: None)
        await arm_alarms.note(session, now)
        why = session.not_steered
        if why == OVERTAKEN:
            return [Outcome(session.site.key, "", Aside.SKIPPED, why)]
        standing = [s for s in session.journal.open if not s.is_shadow]
        inputs = () if why else session.site.demand_inputs
        looks_on = bool(standing or session.journal.steered or inputs)
        live = await _seen(session, whole=bool(inputs)) if looks_on else Live(session.site, {})
        looks = [_look(s, session, live, now) for s in session.journal.open]
        troubled = [look for look in looks if look.let_go and not look.setpoint.intent.is_release]
        let_go = {look.setpoint.device: look.let_go for look in troubled}
        held = {s.device for s in standing}
        forgotten = [d for d, slot in session.journal.steered.items() if d not in held and slot < session.slot]
        let_go |= dict.fromkeys(forgotten, FORGOTTEN)
        if why:
            let_go = dict.fromkeys(session.journal.steered, why) | let_go
        session.owe(let_go)
        await _journal(session, looks, now)
        outcomes = [look.outcome for look in looks if look.steps]
        outcomes += await session.release(let_go)
        if not why:
            outcomes += await _relieve(session, live, now)
            outcomes += await _dim(session, live, now)
            outcomes += await lead.start_early(session, now, cycle.mandate)
            await renewal.renew(session, live)
        return outcomes

    left_ours = sorted(key for key in left if serves(key))
    slot = time_grid.floor_slot(now)
    return runner.run(warehouse, sites, slot, clock, verify, PATIENCE_S, name="verification", left=left_ours)


def _look(setpoint: Setpoint, session: SiteSession, live: Live, now: datetime) -> Look:
    """Steps of one set-point by what its device says now; a device that says nothing is judged by the clock only."""
    if setpoint.intended_at is not None and setpoint.intended_at > now + CLOCK_SLACK:
        why = f"told at {setpoint.intended_at:%H:%M:%S}, which is yet to come: the clock went back"
        return Look(setpoint, _steps(setpoint, State.EXPIRED, now, why), "" if setpoint.is_shadow else why)
    if now >= setpoint.intent.valid_until:
        why = f"valid until {setpoint.intent.valid_until:%H:%M:%S} and not renewed"
        return Look(setpoint, _steps(setpoint, State.EXPIRED, now, why), "" if setpoint.is_shadow else why)
    driver = session.drivers.get(setpoint.device)
    if setpoint.is_shadow or driver is None or live.devices[setpoint.device].fault:
        return Look(setpoint)
    values = live.devices[setpoint.device].values
    absent = prepare.missing(driver.point_map, setpoint, values)
    if isinstance(command := setpoint.intent.command, Unreadable):
        return Look(setpoint, _steps(setpoint, State.FAILED, now, command.fault), command.fault)
    match setpoint.state:
        case State.INTENDED:
            steps = prepare.recovered(setpoint, driver.point_map, values, now)
            return Look(setpoint, tuple(steps), steps[-1].reason if steps[-1].after == State.FAILED else "")
        case State.SENT if absent:
            if now - _since(setpoint) < _settle(setpoint, driver):
                return Look(setpoint)
            return Look(setpoint, _steps(setpoint, State.FAILED, now, f"never echoed: {absent}"), "not echoed")
        case State.SENT:
            end = (State.RELEASED,) if setpoint.intent.is_release else ()
            return Look(setpoint, tuple(lifecycle.path(setpoint, State.ECHOED, *end, at=now, reason="second look")))
        case State.ECHOED | State.EFFECTIVE if absent:
            return Look(setpoint, _steps(setpoint, State.REVERTED, now, absent), f"reverted: {absent}")
        case State.ECHOED if now - _since(setpoint) >= _settle(setpoint, driver):
            return _effect(setpoint, session.site, live, now)
    return Look(setpoint)


def _effect(setpoint: Setpoint, site: Site, live: Live, now: datetime) -> Look:
    command = setpoint.intent.told
    found = effect.judge(site, command, live) if command else Effect(Verdict.OPEN)
    if found.verdict is Verdict.OBEYED:
        path = lifecycle.path(setpoint, State.EFFECTIVE, at=now, reason=found.text, measured=found.measured)
        return Look(setpoint, tuple(path))
    if found.verdict is Verdict.DISOBEYED and now - _since(setpoint) >= EFFECT_PATIENCE:
        path = lifecycle.path(
            setpoint, State.FAILED, at=now, reason=f"no effect: {found.text}", measured=found.measured
        )
        return Look(setpoint, tuple(path), f"no effect: {found.text}")
    return Look(setpoint)


def _steps(setpoint: Setpoint, after: State, now: datetime, reason: str) -> tuple[Step, ...]:
    return tuple(lifecycle.path(setpoint, after, at=now, reason=reason))


def _since(setpoint: Setpoint) -> datetime:
    """When the device was last told: after the writes, or when everything was found standing."""
    known = setpoint.sent_at or setpoint.echoed_at or setpoint.intended_at
    return known if known is not None else setpoint.slot


def _settle(setpoint: Setpoint, driver: Driver) -> timedelta:
    """The longest time one of the changed points needs before it may be judged."""
    points = [driver.point_map.point(w.point) for w in setpoint.intent.changes]
    return timedelta(seconds=max((p.settle_s for p in points), default=0.0))


async def _journal(session: SiteSession, looks: Iterable[Look], now: datetime) -> None:
    """Take the steps; file what a person should know, clear what works again."""
    seen = [look for look in looks if look.steps]

    def journal(connection: Connection) -> None:
        setpoints.take(connection, [step for look in seen for step in look.steps])
        for look in seen:
            if not look.setpoint.is_shadow:
                last = look.steps[-1]
                trouble.file(connection, look.setpoint, last.after, last.reason, now, session.journal.alarms)

    if seen:
        await session.transact(journal)
        session.follow([step for look in seen for step in look.steps])


async def _seen(session: SiteSession, *, whole: bool) -> Live:
    """What the devices say; an input that keeps silent now counts as it was told lately."""
    return await session.know() if whole else await session.wires.observe()


async def _dim(session: SiteSession, live: Live, now: datetime) -> list[Outcome]:
    """What the grid's operator asks for is not put off until the next quarter-hour."""
    standing = {s.device: s.intent for s in session.journal.open if not s.is_shadow}
    commands = {device: intent.told for device, intent in standing.items()}
    given, notes = demand.dimmed(session.site, commands, live)
    until = now + timedelta(minutes=session.site.control.setpoint_ttl_minutes)
    ends = {device: standing[device].valid_until if device in standing else until for device in given}
    intents = [Intent(d, command, Source.GRID, "; ".join(notes), ends[d]) for d, command in given.items()]
    return await session.carry_out([one for one in intents if not live.devices[one.device].fault], live)


async def _relieve(session: SiteSession, live: Live, now: datetime) -> list[Outcome]:
    """Where the connection carries more than it may, those who can give way do so now."""
    site, grid_w = in_slot(session.site, time_grid.floor_slot(now)), live.anyones("grid_power_w")
    if grid_w is None:
        return []
    if grid_w <= site.grid.import_limit_w * OVERLOAD:
        if ("", OVERLOAD_ALARM) in session.journal.alarms:
            await session.transact(lambda connection: alarms.clear(connection, site.key, OVERLOAD_ALARM, now))
        return []
    standing = {s.device: s.intent for s in session.journal.open if not s.is_shadow}
    commands = {device: intent.told for device, intent in standing.items()}
    given, notes = grid_limit.shed(site, commands, 0.0, live)
    watts = {"power": f"{grid_w:.0f} W", "limit": f"{site.grid.import_limit_w:.0f} W"}
    text = say.OVERLOAD(notes="; ".join(notes) or say.NOBODY_YIELDS(), **watts)

    def journal(connection: Connection) -> None:
        alarms.raise_alarm(connection, site.key, OVERLOAD_ALARM, "critical", text, now)

    await session.transact(journal)
    intents = [Intent(d, command, Source.GRID, text, standing[d].valid_until) for d, command in given.items()]
    return await session.carry_out(intents, live)
