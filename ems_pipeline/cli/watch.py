"""`ems device watch`: a table that goes on, with the last good value of everything and its age."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.live import Live
from rich.table import Column

from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.turns import ALONE, Turns
from ems_pipeline.devices.fleet import DeviceId
from ems_pipeline.devices.fleet.health import Health
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SystemClock

REDRAWN_S = 1.0
"""An age is shown in seconds."""


@dataclass
class Board:
    """The newest reading of everything, and the newest one with a value: what a silent device said last ages."""

    newest: dict[tuple[str, str], Reading] = field(default_factory=dict)
    told: dict[tuple[str, str], Reading] = field(default_factory=dict)

    def take(self, readings: list[Reading]) -> None:
        for reading in readings:
            key = (reading.device, reading.quantity)
            self.newest[key] = reading
            if reading.value is not None:
                self.told[key] = reading

    def table(self, now: datetime) -> Rows:
        table = reading_table("age")
        for key, reading in self.newest.items():
            last = self.told.get(key)
            value, age = ("-", "-") if last is None else (f"{last.value:g}", _age(last, now))
            colour = "" if reading.quality is Quality.GOOD else "yellow"
            quality = words(reading.quality.name.lower().replace("_", " "), colour)
            table.add_row(*key, value, reading.unit, quality, age, reading.reason)
        return table


def reading_table(*more: str) -> Rows:
    """Columns of readings; a long reason gets several lines, everything else stays whole."""
    whole = [Column(name, no_wrap=True) for name in ("device", "quantity", "value", "unit", "quality", *more)]
    return Rows(*whole, Column("reason"))


async def watched(
    site: Site, device: str | None, interval_s: float, count: int | None, console: Console, turns: Turns = ALONE
) -> None:
    """Read every ``interval_s`` and redraw each second, ``count`` times (None: until interrupted).

    Between two readings no connection is held: many devices take one only.
    """
    clock, board, health = SystemClock(), Board(), dict[DeviceId, Health]()
    only = site.model_copy(update={"devices": tuple(d for d in site.devices if device in (None, d.key))})
    opened = fleet.open_site(only, clock)
    with Live(board.table(clock.now()), console=console, auto_refresh=False) as live:
        for number in itertools.count(1):
            sweep = await fleet.read_all([opened], health, clock=clock, turns=turns)
            await opened.close()
            health |= sweep.health
            board.take([r for answer in sweep.readings[site.key] for r in answer])
            live.update(board.table(clock.now()), refresh=True)
            if number == count:
                return
            left_s = interval_s
            while left_s > 0:
                await asyncio.sleep(min(left_s, REDRAWN_S))
                left_s -= REDRAWN_S
                live.update(board.table(clock.now()), refresh=True)


def _age(reading: Reading, now: datetime) -> str:
    return f"{max(0, round((now - reading.reported_at).total_seconds()))} s"
