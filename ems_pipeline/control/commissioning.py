"""One point of one device set by a person: checked, journalled like any set-point, read back, put back.

The same two opt-ins as for the controller, the same journal, the same lock on the gateways. Only a site whose file does
not enable control may be written to without them, for minutes and at a person's explicit wish; see docs/control.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from ems_pipeline import time_grid
from ems_pipeline.control import footing, lifecycle, prepare, runner
from ems_pipeline.control.footing import Footing
from ems_pipeline.control.gateways import reading
from ems_pipeline.control.live import Live
from ems_pipeline.control.order import Order, Standing, check_opt_ins, driver_of, observe
from ems_pipeline.control.order import standing as stands
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.control.session import SiteSession
from ems_pipeline.control.verification import OVERLOAD
from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.command import PointCommand
from ems_pipeline.devices.driver.contract import Driver, SetpointRefused
from ems_pipeline.devices.driver.translation import changed
from ems_pipeline.devices.installed.address import at_address
from ems_pipeline.devices.points.reading import good_values
from ems_pipeline.devices.points.sampling import names_in
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import Warehouse, arming, setpoints
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.intents import Intent, Setpoint, State

MARGIN = timedelta(minutes=2)
"""How long after its end a value that nobody put back is left to whoever wrote it; then the device is released."""
LOOK_S = 5.0
PATIENCE_S = 30.0
Wait = Callable[[float], Awaitable[None]]
"""Lets so many seconds pass."""


def look(warehouse: Warehouse, order: Order, clock: Clock) -> Standing:
    """What stands now. Nothing is written, and everything that would refuse the order refuses it here.

    Raises:
        SetpointRefused: an opt-in is missing, or the value is outside map or site, or what stands is not known.
        LookupError: no such device or point, or the site is not registered.
    """
    with warehouse.begin() as connection:
        (told,) = footing.told(connection, [order.site])
        standing = arming.standings(connection, [order.site.key]).get(order.site.key)
    current = footing.current(told)
    if current is None:
        raise LookupError(f"site {order.site.key} is not registered; `ems site add FILE` registers it")
    if current.fault:
        raise LookupError(current.fault)
    check_opt_ins(order, current, standing, clock.now())
    opened = fleet.open_site(current.site, clock, current.maps)
    driver = driver_of(opened.drivers, order.device)

    async def ask() -> Standing:
        with reading(warehouse, "device write") as turns:
            async with turns.turn(at_address(current.wires[order.device])):
                try:
                    live = await observe(driver, order.site, order.point)
                finally:
                    await opened.close()
        return stands(driver, order, live.devices[order.device])

    return asyncio.run(ask())


def write(warehouse: Warehouse, order: Order, clock: Clock, wait: Wait, say: Callable[[str], None]) -> list[Outcome]:
    """Write the value once, read it back and, where asked, put back what stood before.

    Args:
        say: told each step as it is taken.

    Raises:
        SetpointRefused, LookupError: as for `look`; nothing was written.
    """
    refusal: list[Exception] = []

    async def work(session: SiteSession) -> list[Outcome]:
        try:
            visit = await _Visit.begun(session, order, wait, say)
        except (SetpointRefused, LookupError) as error:
            refusal.append(error)
            return []
        return await visit.made()

    slot = time_grid.floor_slot(clock.now())
    name = f"device write {order.device} {order.point} by {order.who}"
    outcomes = runner.run(warehouse, [order.site], slot, clock, work, PATIENCE_S, name=name, ask_the_dead=True)
    if refusal:
        raise refusal[0]
    return outcomes


def _refusal(order: Order, on: Footing, standing: arming.Standing | None, now: datetime) -> str:
    """Why an order must not be carried out any more; empty when it may."""
    try:
        check_opt_ins(order, on, standing, now)
    except (SetpointRefused, LookupError) as refusal:
        return str(refusal)
    return ""


@dataclass
class _Visit:
    """One order under way, the gateways being ours."""

    session: SiteSession
    order: Order
    wait: Wait
    say: Callable[[str], None]
    live: Live
    standing: Standing
    was_steered: bool
    """Whether the device held something of ours before: then it goes on being watched afterwards."""
    until: datetime | None
    """When what the device held before ends, if anything does."""

    @classmethod
    async def begun(cls, session: SiteSession, order: Order, wait: Wait, say: Callable[[str], None]) -> _Visit:
        driver = driver_of(session.drivers, order.device)
        await session.read_journal(lambda _: None)
        check_opt_ins(order, session.footing, session.standing, session.clock.now())
        session.permit = replace(session.permit, may=partial(_refusal, order, session.footing))
        live = await observe(driver, order.site, order.point)
        standing = stands(driver, order, live.devices[order.device])
        until = max((s.intent.valid_until for s in session.journal.of(order.device) if not s.is_shadow), default=None)
        return cls(session, order, wait, say, live, standing, order.device in session.journal.steered, until)

    async def made(self) -> list[Outcome]:
        order, seconds, now = self.order, self.order.restore_after_s, self.session.clock.now()
        writes = self._driver.translate(order.command, self._values)
        if not changed(self._driver.point_map, writes, self._values):
            self.say(f"{order.point} stands at {self.standing.value:g} already; nothing was written")
            return []
        reason = f"commissioning by {order.who}"
        if seconds is None:
            until = now + timedelta(minutes=order.site.control.setpoint_ttl_minutes)
            return await self._carried_out(order.command, until, reason)
        outcomes, why = list[Outcome](), "interrupted"
        try:
            outcomes += await self._carried_out(order.command, now + timedelta(seconds=seconds) + MARGIN, reason)
            why = "the write failed" if outcomes[0].state is State.FAILED else await self._stood(seconds)
        finally:
            outcomes += await self._put_back(why)
        return outcomes

    @property
    def _driver(self) -> Driver:
        return self.session.drivers[self.order.device]

    @property
    def _values(self) -> Mapping[str, float]:
        return self.live.devices[self.order.device].values

    async def _carried_out(self, command: PointCommand, until: datetime, reason: str) -> list[Outcome]:
        """One set-point's way to its echo, a slow device's settling included. What failed and is not to be put back
        is released, as always."""
        intent = Intent(command.device, command, Source.OVERRIDE, reason, until)
        release_failed = command.restores or self.order.restore_after_s is None
        outcomes = await self.session.carry_out([intent], self.live, release_failed=release_failed)
        if outcomes[0].state is State.SENT:
            await self.session.off_the_wire(self.wait(self.standing.point.settle_s))
            outcomes = [await self._settled()]
            if release_failed and outcomes[0].state is State.FAILED:
                outcomes += await self.session.release({command.device: f"failed: {outcomes[0].text}"})
        for outcome in outcomes:
            self.say(str(outcome))
        self.live = await observe(self._driver, self.order.site, self.order.point)
        found, unit = self._values.get(self.standing.point.key), self.standing.point.unit
        self.say(f"{command.point} " + ("is not known now" if found is None else f"reads {found:g} {unit}".rstrip()))
        return outcomes

    async def _settled(self) -> Outcome:
        """Judge a write that the device had not echoed at once."""
        row = self.session.journal.of(self.order.device)[-1]
        echoes = await self._driver.read_back(row.intent.changes)
        wrong = "; ".join(prepare.difference(e) for e in echoes if not e.matches)
        after = State.FAILED if wrong else State.ECHOED
        await self._step(row, after, wrong or f"echoed within {self.standing.point.settle_s:g} s")
        return Outcome(self.order.site.key, self.order.device, after, wrong)

    async def _step(self, row: Setpoint, after: State, reason: str) -> None:
        steps = lifecycle.path(row, after, at=self.session.clock.now(), reason=reason)
        await self.session.transact(lambda connection: setpoints.take(connection, steps))
        self.session.follow(steps)

    async def _stood(self, seconds: float) -> str:
        """Let the value stand; less long when the connection carries more than it may."""
        limit_w, left_s = self.order.site.grid.import_limit_w, seconds
        while left_s > 0:
            step_s = min(LOOK_S, left_s)
            await self.session.off_the_wire(self.wait(step_s))
            left_s -= step_s
            grid_w = await self._grid_w()
            if grid_w is not None and grid_w > limit_w * OVERLOAD:
                return f"the connection carries {grid_w:.0f} W, {limit_w:.0f} W are allowed"
        return f"{seconds:g} s are over"

    async def _grid_w(self) -> float | None:
        for driver in self.session.drivers.values():
            if "grid_power_w" in names_in(driver.point_map):
                found = good_values(await driver.read(["grid_power_w"]))
                if "grid_power_w" in found:
                    return found["grid_power_w"]
        return None

    async def _put_back(self, why: str) -> list[Outcome]:
        """What stood before, in the device and in the journal: who held nothing of ours holds nothing again."""
        command = PointCommand(self.order.device, self.order.point, self.standing.value, restores=True)
        until = max(self.until or self.session.clock.now(), self.session.clock.now() + MARGIN)
        outcomes = await self._carried_out(command, until, f"put back what stood before: {why}")
        if outcomes[0].state is State.ECHOED and not self.was_steered:
            row = self.session.journal.of(self.order.device)[-1]
            await self._step(row, State.RELEASED, "the device held nothing of ours before")
        return outcomes
