"""A controller asked in turns, and what it said as a snapshot.

In every cycle what moves fast; in every fifth the rest; alarm words while something is wrong, was wrong at the last
look, or has not been looked at. What was not answered stays as it was read, and the snapshot says so; after three polls
without any answer nothing is known.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.gensets.link.blocks import READ_COILS, Block, planned, singly
from ems_pipeline.gensets.link.decode import believed, decode, meanings
from ems_pipeline.gensets.link.hours import RunHours
from ems_pipeline.gensets.link.line import Line
from ems_pipeline.gensets.link.numbers import Value
from ems_pipeline.gensets.map.record import Poll
from ems_pipeline.gensets.map.whole import ControllerMap
from ems_pipeline.gensets.snapshot import AlarmBit, Link, Snapshot
from ems_pipeline.time_grid import Clock

SLOW_EVERY, LOST_AFTER = 5, 3
HOURS = "run_hours"
HOURS_PARTS_READ = frozenset({"run_whole_hours", "run_minutes"})
logger = logging.getLogger("scada")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which controller, and how it stands in its site."""

    site: str
    device: str
    slave: int
    mains_sign: int = 1


@dataclass(slots=True)
class _Said:
    """What one poll heard."""

    values: dict[str, Value] = field(default_factory=dict)
    bits: dict[str, bool] = field(default_factory=dict)
    alarms: set[AlarmBit] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    answers: int = 0
    has_alarms: bool = False
    """Every alarm word that was due has come; what was not due is known to be empty: nothing was wrong."""


class Polled:
    """One controller behind a line."""

    def __init__(self, place: Place, whole: ControllerMap, line: Line, clock: Clock) -> None:
        self.place, self.whole, self.line = place, whole, line
        self._clock = clock
        kinds: tuple[Poll, ...] = ("fast", "slow", "alarm", "once")
        sign = place.mains_sign
        self._blocks = {k: list(planned(whole, k, is_serial=line.is_serial, mains_sign=sign)) for k in kinds}
        self._values: dict[str, Value] = dict.fromkeys(register.name for register in whole.registers)
        self._bits: dict[str, bool] = {}
        self._alarms: frozenset[AlarmBit] | None = None
        self._meanings = meanings(whole)
        self._hours = RunHours()
        self._polls = self._missed = 0
        self._taken_at: datetime | None = None
        self.trouble = ""
        """What the last poll lacks, and why; empty where it lacks nothing."""

    async def poll(self) -> Snapshot:
        """Ask it once; never raises for a controller that fails."""
        if self.whole.link.renew_polls and self._polls and self._polls % self.whole.link.renew_polls == 0:
            await self.line.renew()
        said = _Said()
        try:
            async with self.line.turn(self.place.slave):
                await self._ask(said)
        except DeviceFault as fault:
            said.failed.append(fault.reason)
        self._polls += 1
        self.trouble = "; ".join(dict.fromkeys(said.failed))
        return self._taken(said)

    async def _ask(self, said: _Said) -> None:
        """Everything that is due, until it falls silent."""
        if not await self._have(said, "fast"):
            return
        is_slow, has_fast = self._polls % SLOW_EVERY == 0 or self._missed > 0, not said.failed
        is_wrong = said.bits.get("common_alarm", True) or self._alarms is None or bool(self._alarms)
        if (is_wrong or is_slow) and not await self._have(said, "alarm"):
            return
        said.has_alarms = has_fast and not said.failed
        if is_slow and not await self._have(said, "slow"):
            return
        if not self._polls:
            await self._have(said, "once")

    async def _have(self, said: _Said, kind: Poll) -> bool:
        """The blocks of a kind; whether it is worth to ask on."""
        for block in tuple(self._blocks[kind]):
            try:
                words = await self._read(block)
            except DeviceFault as fault:
                lacks_coils = fault.illegal_function and block.function == READ_COILS
                if lacks_coils or (fault.illegal_address and block.count == 1):
                    self._give_up(kind, block)
                    continue
                if fault.illegal_address:
                    self._blocks[kind] = self._split(kind, block)
                said.failed.append(fault.reason)
                if fault.device_wide:
                    return False
                continue
            said.answers += 1
            decode(block, words, said.values, said.bits, said.alarms)
        return True

    async def _read(self, block: Block) -> tuple[int, ...]:
        return await self.line.read(self.place.slave, block.function, block.start, block.count)

    def _split(self, kind: Poll, block: Block) -> list[Block]:
        """The requests of a kind with one taken apart, because it asks for something that this controller lacks."""
        parts = singly(self.whole, block, kind, self.place.mains_sign)
        return list(chain.from_iterable(parts if one is block else (one,) for one in self._blocks[kind]))

    def _give_up(self, kind: Poll, block: Block) -> None:
        self._blocks[kind].remove(block)
        self._values |= dict.fromkeys(block.names)
        logger.warning(
            "%s/%s has no %s %d (%s); list what it lacks in `absent` of a controller map of your own",
            self.place.site,
            self.place.device,
            "coil" if block.function == READ_COILS else "register",
            block.start,
            ", ".join((*block.names, *block.bit_names)),
        )

    def _taken(self, said: _Said) -> Snapshot:
        now_at = self._clock.now()
        if not said.answers:
            self._missed += 1
            link = Link.DOWN if self._missed >= LOST_AFTER else Link.STALE
            if link is Link.DOWN:
                self._values, self._bits = dict.fromkeys(self._values), {}
            return self._snapshot(link, dict(self._values), None)
        self._missed, self._taken_at = 0, now_at
        if said.values.keys() >= HOURS_PARTS_READ:
            said.values[HOURS] = self._hours.take(said.values, now_at)
        self._values |= said.values
        self._bits |= said.bits
        alarms = frozenset(said.alarms) if said.has_alarms else None
        self._alarms = alarms
        link = Link.STALE if said.failed else Link.GOOD
        return self._snapshot(link, believed(self._meanings, self._values), alarms)

    def _snapshot(self, link: Link, values: Mapping[str, Value], alarms: frozenset[AlarmBit] | None) -> Snapshot:
        return Snapshot(
            site=self.place.site,
            device=self.place.device,
            model=self.whole.model,
            taken_at=self._taken_at,
            link=link,
            values=values,
            bits=dict(self._bits),
            alarms=alarms,
        )
