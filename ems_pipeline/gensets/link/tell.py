"""Keys pressed and numbers written, each echoed; what came of it the next polls show.

Only what the map offers, within its range, and not before its owner has confirmed it; `map.allowed` is below all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ems_pipeline.errors import EmsError
from ems_pipeline.gensets.link.line import Line
from ems_pipeline.gensets.link.tcp import ON
from ems_pipeline.gensets.map.record import Command
from ems_pipeline.gensets.map.whole import ControllerMap
from ems_pipeline.gensets.snapshot import Leave, freely

OFF = 0
Sleep = Callable[[float], Awaitable[None]]


class CommandRefused(EmsError, ValueError):
    """A command that this controller must not get; nothing was written."""

    usual = "see `ems gensets map show`"


class Told:
    """A controller as a sequence steers it (`snapshot.Controller`)."""

    def __init__(self, whole: ControllerMap, line: Line, slave: int, sleep: Sleep = asyncio.sleep) -> None:
        self.whole, self.line, self.slave = whole, line, slave
        self._sleep = sleep

    async def pulse(self, command: str, leave: Leave = freely) -> None:
        """Press a key: off, on, off. CommandRefused, or DeviceFault: a step was not echoed."""
        key = self._offered(command, "pulse_coil")
        async with self.line.turn(self.slave):
            await leave()
            await self._set(key, OFF)
            await self._sleep(key.off_before_ms / 1000)
            try:
                await self._set(key, ON)
                await self._sleep(key.on_ms / 1000)
            finally:  # a key that stays pressed would be pressed again by nobody
                await asyncio.shield(self._set(key, OFF))

    async def write(self, command: str, value: float, leave: Leave = freely) -> None:
        """Write a number in the unit of the command; errors as `pulse`."""
        number = self._offered(command, "write_register")
        low, high = number.range or (0.0, 0.0)
        if not low <= value <= high:
            raise CommandRefused(f"{command} of {value:g} is not within {low:g} to {high:g} {number.unit}".rstrip())
        async with self.line.turn(self.slave):
            await leave()
            await self.line.write(self.slave, 6, number.address, round(value / number.scale))

    async def _set(self, key: Command, word: int) -> None:
        await self.line.write(self.slave, 5, key.address, word)

    def _offered(self, name: str, kind: str) -> Command:
        command = self.whole.by_command.get(name)
        if command is None or command.kind != kind:
            known = ", ".join(one.name for one in self.whole.commands if one.kind == kind)
            raise CommandRefused(f"the map of {self.whole.model} offers no {name!r}; it has {known or 'none'}")
        if command.requires_verified and not self.whole.is_verified(command):
            raise CommandRefused(
                f"{name}: the map of {self.whole.model} is not confirmed",
                "compare it with the manual of the controller, then say `verified: true` in a map of your own",
            )
        return command
