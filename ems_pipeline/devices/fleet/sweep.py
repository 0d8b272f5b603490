"""All devices of all sites, asked at once: nobody's failure touches a neighbour.

Gateways are asked concurrently, the devices behind one gateway one after the other. A sweep always returns a reading
for everything that was due, and the health each device has earned.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import uvloop

from ems_pipeline.devices.driver.contract import DeviceFault, Driver
from ems_pipeline.devices.driver.turns import ALONE, Turns
from ems_pipeline.devices.fleet.health import Health, before_attempt, failed, may_attempt, next_probe_at, succeeded
from ems_pipeline.devices.fleet.opening import DeviceId, OpenSite, open_site
from ems_pipeline.devices.installed.address import address_now
from ems_pipeline.devices.points.reading import Quality, Readings
from ems_pipeline.devices.points.samples import Sample
from ems_pipeline.devices.points.sampling import Answer, Selection, due, silent_answer, understood
from ems_pipeline.plain_text import told
from ems_pipeline.sites import Gateway, Site
from ems_pipeline.time_grid import Clock, SystemClock

UNKNOWN = Health()
LIVE, EVERYTHING = ("live",), ("live", "slow", "setting")
"""Groups of points that are read each minute, and with counters and settings."""
LONGEST_TURN_S = 1.0
"""How long a sweep keeps a gateway before it lets others go first; one device more is asked whatever it takes."""
KEPT = "not asked: somebody else was talking to its gateway all the time"
logger = logging.getLogger(__name__)


@dataclass(repr=False)  # asyncio's runner writes out the result of what it ran, of a fleet for half a second
class Sweep:
    """What one sweep brought: by site what each device said, and every device's health after it."""

    readings: dict[str, list[Readings]] = field(default_factory=dict)
    health: dict[DeviceId, Health] = field(default_factory=dict)


WAITING = 64
"""HTTP devices that are asked at once; a thread is made when the first needs it."""


def runner() -> asyncio.Runner:
    """Where many devices are talked to: libuv's loop takes four fifths of the time of asyncio's own."""
    return asyncio.Runner(loop_factory=_loop)


def _loop() -> asyncio.AbstractEventLoop:
    """Requests over HTTP wait in threads, and asyncio's own handful would make a sweep wait for them in turn."""
    loop = uvloop.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(WAITING, "devices"))
    return loop


async def read_all(
    sites: Iterable[OpenSite],
    health: Mapping[DeviceId, Health] | None = None,
    groups: Collection[str] = LIVE,
    clock: Clock | None = None,
    turns: Turns = ALONE,
) -> Sweep:
    """Read the due groups of every device of every site, gateways concurrently; never raises for hardware.

    Args:
        health: what earlier sweeps learned, from `device_health`; devices with an open circuit are not asked.
        groups: point groups that are due, see `due_groups`.
        turns: where others may be talking to the same gateways.
    """
    opened, known, ticking = list(sites), health or {}, clock or SystemClock()
    wanted = frozenset(groups)
    jobs = [_in_turns(o, g, known, wanted, ticking, turns) for o in opened for g in o.site.gateways]
    heard = [item for behind in await asyncio.gather(*jobs) for item in behind]
    sweep = Sweep({o.site.key: [] for o in opened})
    answers = understood([answer for *_, answer in heard])
    for (site, before, was_asked, _), readings in zip(heard, answers, strict=True):
        sweep.readings[site].append(readings)
        sweep.health[site, readings.device] = judged(before, readings) if was_asked else before
    return sweep


async def read_site(site: Site, groups: Collection[str], clock: Clock, turns: Turns) -> list[Readings]:
    """Read the devices of one site once, over wires that are opened for it and closed again."""
    opened = open_site(site, clock)
    try:
        sweep = await read_all([opened], groups=groups, clock=clock, turns=turns)
    finally:
        await opened.close()
    return sweep.readings[site.key]


def due_groups(minute_at: datetime) -> tuple[str, ...]:
    """Which groups a telemetry tick reads: live values always, counters and settings with each quarter-hour."""
    return EVERYTHING if minute_at.minute % 15 == 0 else LIVE


Heard = tuple[str, Health, bool, Answer]
"""Site, the device's health before, whether it was asked, what it said."""


async def _in_turns(
    opened: OpenSite,
    gateway: Gateway,
    known: Mapping[DeviceId, Health],
    groups: frozenset[str],
    clock: Clock,
    turns: Turns,
) -> list[Heard]:
    """The devices behind one gateway, in as many turns at its wire as keep nobody waiting for long."""
    site, drivers = opened.site.key, opened.behind(gateway.key)
    if turns is ALONE:
        return await _ask_gateway(site, drivers, known, groups, clock)
    heard: list[Heard] = []
    address = await address_now(gateway)
    while len(heard) < len(drivers):
        left = drivers[len(heard) :]
        if not await turns.take(address):
            return heard + [_not_asked(site, driver, known, groups, clock) for driver in left]
        try:
            heard += await _ask_gateway(site, left, known, groups, clock, LONGEST_TURN_S)
        finally:
            await left[0].close()
            await turns.give_back(address)
    return heard


def _not_asked(
    site: str, driver: Driver, known: Mapping[DeviceId, Health], groups: frozenset[str], clock: Clock
) -> Heard:
    """A device whose wire somebody else had all the time: that says nothing about its health."""
    selection, kept = due(driver.point_map, groups), Sample(None, Quality.NO_ANSWER, KEPT)
    silent = silent_answer(driver.device, driver.point_map, selection, kept, clock.now())
    return site, known.get((site, driver.device), UNKNOWN), False, silent


async def _ask_gateway(
    site: str,
    drivers: list[Driver],
    known: Mapping[DeviceId, Health],
    groups: frozenset[str],
    clock: Clock,
    longest_s: float = math.inf,
) -> list[Heard]:
    """The devices behind one gateway one after the other; once nobody listens there, the rest need not try.

    Args:
        longest_s: after so long the rest is left for another turn.
    """
    down: Sample | None = None
    is_heard = False
    heard: list[Heard] = []
    began = time.monotonic()
    for driver in drivers:
        if heard and time.monotonic() - began >= longest_s:
            break
        selection = due(driver.point_map, groups)
        before = before_attempt(known.get((site, driver.device), UNKNOWN), driver.device, clock.now())
        if not may_attempt(before):
            probe = next_probe_at(before, driver.device)
            pause = Sample(None, Quality.NO_ANSWER, f"not asked before {probe:%H:%M:%S} UTC: {before.last_error}")
            silent = silent_answer(driver.device, driver.point_map, selection, pause, clock.now())
            heard.append((site, before, False, silent))
            continue
        if not is_heard:
            down = down or await _connect(driver)
        answer = await _ask(driver, selection, down, clock)
        is_heard = not answer.is_silent
        heard.append((site, before, True, answer))
    return heard


async def _connect(driver: Driver) -> Sample | None:
    """None, or why the gateway cannot be reached."""
    try:
        await driver.connect()
    except DeviceFault as fault:
        return Sample(None, fault.quality, fault.reason)
    return None


async def _ask(driver: Driver, selection: Selection, down: Sample | None, clock: Clock) -> Answer:
    if down is None:
        try:
            return await driver.ask(selection)
        except Exception as error:
            # A driver promises not to raise. If one does, its neighbours' telemetry is worth more than the crash.
            logger.exception("the driver of %s failed", driver.device)
            down = Sample(None, Quality.GARBAGE, f"driver error {told(error)}; please report it")
    return silent_answer(driver.device, driver.point_map, selection, down, clock.now())


def judged(health: Health, readings: Readings) -> Health:
    """Health after an answer: alive as soon as one point was answered, be it with "not ready" or out of range."""
    silence, at = readings.silence, readings.received_at
    return succeeded(health, at) if silence is None else failed(health, at, silence)
