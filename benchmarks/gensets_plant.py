"""A set of the virtual plant as the walk sees one: its physics, its registers, the shipped map, the keys as pulses.

The plant is written from the facts and not from the map, so a wrong register of the map would be seen here, too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

from ems_pipeline.gensets.link.poll import Place, Polled
from ems_pipeline.gensets.link.tell import Told
from ems_pipeline.gensets.map.file import load
from ems_pipeline.gensets.sequence.keys import POWER
from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.gensets.states import BreakerState, EngineState
from ems_pipeline.plant.gensets.hall import Hall
from ems_pipeline.plant.gensets.hgm9520n import Hgm9520n
from ems_pipeline.plant.gensets.keys import press
from ems_pipeline.plant.gensets.switches import SWITCHES, switch_all_off, switch_off, switch_on

OF_A_SET = [kind for kind, switch in SWITCHES.items() if "set" in switch.of and not kind.startswith(("meter", "wrap"))]
OFTEN = [
    "crank-fail",
    "sync-never",
    "echo-no-effect",
    "clamp",
    "breaker-stuck",
    "stop-fail",
    "local-manual",
    "gas-leak",
]
LOST = ("link_stale", "link_down")
MAIN, OTHER = "set-1", "set-2"
COILS = {"start": 0, "stop": 1, "auto": 3, "manual": 4}


class PlantSet:
    """One of two sets in a hall with mains and load; ``at``: the clock of all."""

    is_serial = False

    def __init__(self, chance: random.Random, at: datetime) -> None:
        self.random, self._begun_at = chance, at
        self.hall = Hall({MAIN: 160e3, OTHER: 160e3}, seed=chance.randint(1, 10**6), load_w=250e3)
        self.set = self.hall.sets[MAIN]
        self.lock = RLock()
        self.controller = Hgm9520n(self, self.hall, self.set)
        whole = load("hgm9520n")
        confirmed = whole.model_copy(update={"verified": True})
        self.polled = Polled(Place(site="site01", device=MAIN, slave=1), confirmed, self, self)
        self.told = Told(confirmed, self, 1, self._sleep)
        self.faults: set[str] = set()
        self.loop = asyncio.new_event_loop()
        self.last: Snapshot | None = None

    # the clock and the place of the hall
    @property
    def at(self) -> datetime:
        """Now."""
        return self._begun_at + timedelta(seconds=self.hall.now_s)

    def now(self) -> datetime:
        """The same, for a poll."""
        return self.at

    def advance(self) -> None:
        """Time passes with the walk alone."""

    def pass_time(self, seconds: float) -> None:
        """Live on."""
        self.hall.advance(seconds)

    async def _sleep(self, seconds: float) -> None:
        self.hall.advance(seconds)

    # a line without a wire
    @asynccontextmanager
    async def turn(self, _slave: int) -> AsyncIterator[None]:
        """Nobody else is there."""
        yield

    async def read(self, _slave: int, function: int, start: int, count: int) -> tuple[int, ...]:
        """Registers."""
        return tuple(self.controller.read(function, start, count))

    async def write(self, _slave: int, function: int, address: int, word: int) -> None:  # type: ignore[override]
        """A coil or a register."""
        self.controller.write(function, address, [word])

    # what the walk knows of an engine
    @property
    def state(self) -> EngineState:
        """Where it is in truth."""
        return self.set.state

    @property
    def breaker(self) -> BreakerState:
        """In truth."""
        return self.set.breaker.state

    def press(self, key: str) -> None:
        """A key, as a pulse over the map's coil."""
        self.loop.run_until_complete(self.told.pulse(key))

    def set_power(self, pct: float) -> None:
        """The target."""
        self.loop.run_until_complete(self.told.write(POWER, pct))

    def snapshot(self) -> Snapshot:
        """What the poller makes of the registers; with a lost link, what it had."""
        if self.last is not None and (lost := self.faults & set(LOST)):
            link = Link.DOWN if "link_down" in lost else Link.STALE
            return _with(self.last, link=link, alarms=None)
        self.last = self.loop.run_until_complete(self.polled.poll())
        return self.last

    def meddle(self, is_at_rest: bool) -> None:
        """Faults that come and go, people at the panel, a load that moves, mains that fail."""
        chance, hall = self.random.random, self.hall
        if chance() < 0.004:
            switch_on(hall, self.random.choice(OF_A_SET if chance() < 0.5 else OFTEN), MAIN)
        if self.set.faults and chance() < 0.02:
            switch_off(hall, self.random.choice(sorted(self.set.faults)), MAIN)
        if chance() < 0.0008:
            switch_on(hall, "blackout", hall.board_key)
        if hall.board.faults and chance() < 0.01:
            switch_off(hall, "blackout", hall.board_key)
        if chance() < 0.003:
            self.faults ^= {self.random.choice(LOST)}
        if self.faults and chance() < 0.05:
            self.faults.clear()
        if chance() < 0.0015:
            press(self.set, COILS[self.random.choice(sorted(COILS))])
        if chance() < 0.002:
            hall.load_w = self.random.uniform(20e3, 350e3)
        if chance() < 0.002:  # a service: everything mended, reset, AUTO chosen
            switch_all_off(hall)
            self.set.panel.reset()
            press(self.set, COILS["auto"])
        if is_at_rest and chance() < 0.01:
            press(self.set, COILS["auto"])
        hall.touch()


def _with(snapshot: Snapshot, **changes: Any) -> Snapshot:
    names = ("site", "device", "model", "taken_at", "link", "values", "bits", "alarms")
    return Snapshot(**{name: getattr(snapshot, name) for name in names} | changes)
