"""A site with two sets and a switchboard in the database, and one set in the abstract behind a controller."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from benchmarks.gensets_engine import Engine
from ems_pipeline.gensets.sequence.keys import POWER
from ems_pipeline.gensets.snapshot import Leave, Snapshot, freely
from ems_pipeline.scada.sequences import Sequences
from ems_pipeline.sites import Site
from ems_pipeline.sites.wiring import Device, Gateway
from ems_pipeline.warehouse import Warehouse, genset_commands
from ems_pipeline.warehouse import sites as registry

SITE, SET = "home01", "set-1"
RATED = {"rated_power_w": 160_000.0}


def with_sets(site: Site, start_by: str = "manual") -> Site:
    """The site, and behind gateways of their own two sets and the controller of their switchboard."""
    gateways = tuple(
        Gateway(key=f"line-{n}", transport="modbus-tcp", host="127.0.0.1", port=15000 + n) for n in (1, 2, 3)
    )
    options: dict[str, Any] = {**RATED, "start_by": start_by, "default_power_pct": 100.0}
    sets = tuple(Device(key=f"set-{n}", map="smartgen-hgm9520n", gateway=f"line-{n}", options=options) for n in (1, 2))
    board = Device(key="board", map="smartgen-hgm9560", gateway="line-3", options=RATED)
    return site.model_copy(update={"gateways": (*site.gateways, *gateways), "devices": (*site.devices, *sets, board)})


@dataclass
class Hand:
    """The controller as the poller has it; what reaches it is noted."""

    engine: Engine
    told: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    """What happens while the line belongs to others."""

    async def pulse(self, command: str, leave: Leave = freely) -> None:
        self.meanwhile()
        await leave()
        self.told.append(command)
        self.engine.press(command)

    async def write(self, command: str, value: float, leave: Leave = freely) -> None:
        assert command == POWER
        self.meanwhile()
        await leave()
        self.told.append(f"{value:g} %")
        self.engine.set_power(value)


@dataclass
class Hall:
    """A set, who runs its commands, and the clock of both: the database's, which is the machine's."""

    warehouse: Warehouse
    at: datetime
    why_not: str = ""
    engine: Engine = field(init=False)
    hand: Hand = field(init=False)
    sequences: Sequences = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(random.Random(1), self.at)
        self.hand = Hand(self.engine)
        self.restart()

    def restart(self) -> None:
        """The poller's process anew."""
        self.sequences = Sequences(self.warehouse, lambda *_: self.hand, lambda *_: self.why_not)

    def snapshot(self) -> Snapshot:
        found = self.engine.snapshot()
        names = ("taken_at", "link", "values", "bits", "alarms", "model")
        return Snapshot(site=SITE, device=SET, **{name: getattr(found, name) for name in names})

    def look(self, times: int = 1) -> None:
        """So many rounds of the poller, 2 s each; each action is told before the next."""

        async def rounds() -> None:
            for _ in range(times):
                self.engine.pass_time(2)
                await self.sequences.seen(self.engine.at, [self.snapshot()])
                await self.sequences.rest()

        asyncio.run(rounds())

    def until_end(self, number: int) -> tuple[str, str]:
        """Look until a command has ended: its state, and why."""
        for _ in range(900):
            state, reason = self.state(number)
            if state not in ("confirmed", "running", "backing-out"):
                return state, reason
            self.look()
        raise AssertionError(f"command {number} has no end")

    def state(self, number: int) -> tuple[str, str]:
        with self.warehouse.begin() as connection:
            row = connection.execute(
                sa.text("SELECT state, state_reason FROM ems.genset_command WHERE genset_command_id = :n"),
                {"n": number},
            ).one()
        return row.state, row.state_reason

    def ask(self, run: bool, power_kw: float | None = 96.0, minutes: int = 30) -> dict[str, Any]:
        """What a plan asks over the poller's socket."""
        at, power_w = self.engine.at, None if power_kw is None else power_kw * 1000
        return asyncio.run(
            self.sequences.ask(SITE, SET, at, run=run, power_w=power_w, until_at=at + timedelta(minutes=minutes))
        )

    def command(self, kind: str, by: str = "web:anna", **more: Any) -> int:
        """Filed and confirmed."""
        with self.warehouse.begin() as connection:
            filed = genset_commands.file(connection, by, SITE, SET, kind, "as asked", **more)
        with self.warehouse.begin() as connection:
            genset_commands.confirm(connection, by, filed.number, filed.code)
        return filed.number

    def rows(self, statement: str) -> list[Any]:
        with self.warehouse.begin() as connection:
            return list(connection.execute(sa.text(statement)).all())


def fresh(warehouse: Warehouse, home01: Site, at: datetime, start_by: str = "manual") -> None:
    """Nothing filed, nothing remembered, the site with its sets registered."""
    with warehouse.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE ems.genset_command, ems.genset_memory, ems.genset_lockout, ems.alarm CASCADE"
        )
        registry.register(connection, [with_sets(home01, start_by)], at)
