"""Runs commands to generating sets: shown every round of polls, one sequence per controller at a time.

A person's command goes before a plan's, which waits meanwhile. What a sequence does next is decided and committed in
one transaction with both opt-ins; only then it is told, and never twice: whoever dies in between finds a step that
waits for an effect.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

from ems_pipeline.gensets.sequence.advance import advance, opened
from ems_pipeline.gensets.sequence.keys import POWER, Press
from ems_pipeline.gensets.sequence.order import Kind
from ems_pipeline.gensets.sequence.progress import Act, Progress
from ems_pipeline.gensets.sequence.view import View
from ems_pipeline.gensets.snapshot import Controller, Snapshot
from ems_pipeline.plain_text import told as said
from ems_pipeline.scada import asked, journal
from ems_pipeline.scada.known import Allowed, Known
from ems_pipeline.scada.remembered import Remembered
from ems_pipeline.scada.steered import Steered
from ems_pipeline.sentence import gensets as say
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import Warehouse, alarms, genset_locks
from ems_pipeline.warehouse import genset_commands as commands
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.genset_commands import Change, Command, Controlled


class Decided(NamedTuple):
    """What a command is to tell, and where its sequence stood before."""

    command: Command
    before: Progress
    act: Act


class Withheld(RuntimeError):
    """An action that must not be told any more, and why."""


T = TypeVar("T")
PATIENCE_S = 5.0
"""How long a transaction waits for what somebody else has locked: then nothing is told in this round."""
FAILED = "genset-command"
"""The kind of the alarm that a command did not come to its end."""
Controllers = Callable[[str, str], Controller | None]
"""The controller of a site's device, None where there is none any more."""
WhyNot = Callable[[Connection, str, datetime], str]
logger = logging.getLogger(__name__)


class Sequences:
    """A follower of the poller's rounds (`gensets.snapshot.Follower`)."""

    def __init__(
        self, warehouse: Warehouse, controllers: Controllers, why_not: WhyNot | None = None, clock: Clock | None = None
    ) -> None:
        """``clock``: by it a round that had to wait is as old as it is; None: a round is of when it says."""
        self._warehouse, self._controllers, self._clock = warehouse, controllers, clock
        self._why_not = why_not or Steered().why_not
        self._known = Known()
        self._snapshots: dict[Controlled, Snapshot] = {}
        self._remembered = Remembered()
        self._telling: dict[Controlled, asyncio.Task[None]] = {}
        self._wishes: dict[Controlled, asked.Wish] = {}
        self._turn = asyncio.Lock()

    async def seen(self, now_at: datetime, snapshots: Sequence[Snapshot]) -> None:
        """Take a round, and let every sequence take its next step."""
        now_at = now_at if self._clock is None else self._clock.now()
        async with self._turn:
            self._snapshots |= {(one.site, one.device): one for one in snapshots}
            new = {(one.site, one.device) for one in snapshots}
            under_way, allowed, locks = await self._remembering(partial(self._read, new, now_at=now_at))
            for site in dict.fromkeys(one.site for one in under_way):
                here = [one for one in _first_of_each(under_way) if one.site == site]
                free = [one for one in here if (site, one.device) not in self._telling]
                try:
                    acts = await self._remembering(partial(self._decide, free, allowed, locks, now_at=now_at))
                except Exception:  # a site's trouble is not another's
                    logger.exception("commands of %s were not looked at; the next round does", site)
                    continue
                for one in acts:
                    self._tell(one, now_at)

    async def ask(
        self, site: str, device: str, now_at: datetime, *, run: bool, power_w: float | None, until_at: datetime
    ) -> dict[str, Any]:
        """What a plan wants of a set until an instant (see `scada.asked`); ``fault`` says why it is not taken."""
        async with self._turn:
            snapshot = self._snapshots.get((site, device))
            wish = asked.Wish(site, device, run, power_w, until_at)
            if snapshot is None:
                return {"fault": f"{device} of {site} was never polled; see that its gateway answers"}
            answer = await self._transact(partial(self._asked, wish, snapshot, now_at=now_at))
            if "fault" not in answer:
                self._wishes[site, device] = wish
            return answer

    async def let_go(self, site: str, device: str, now_at: datetime) -> dict[str, Any]:
        """Nothing is wanted of a set any more; it is released, not stopped."""
        key = (site, device)
        async with self._turn:
            self._wishes.pop(key, None)
            snapshot = self._snapshots.get(key)
            if snapshot is None:
                return {"fault": f"{device} of {site} was never polled; see that its gateway answers"}
            view = View(now_at=now_at, snapshot=snapshot)
            return await self._transact(
                lambda connection: asked.let_go(connection, key, view, commands.under_way(connection, key))
            )

    async def held(self, site: str, device: str, now_at: datetime) -> dict[str, float]:
        """What of a plan stands at a set (see `asked.held`)."""
        key = (site, device)
        under_way = await self._transact(lambda connection: commands.under_way(connection, key))
        return asked.held(self._wishes.get(key), under_way, now_at)

    async def look_again(self, now_at: datetime) -> None:
        """Something was filed: look at once, at what was seen last."""
        await self.seen(now_at, [])

    async def rest(self) -> None:
        """Wait until what is being told is told; for whoever stops the process."""
        await asyncio.gather(*self._telling.values(), return_exceptions=True)

    def _asked(
        self, wish: asked.Wish, snapshot: Snapshot, connection: Connection, *, now_at: datetime
    ) -> dict[str, Any]:
        key = (wish.site, wish.device)
        allowed = self._known.look(connection, [wish.site]).get(key)
        under_way = commands.under_way(connection, key)
        locks = genset_locks.standing(connection, [key]).get(key, ())
        withdrawn = self._why_not(connection, wish.site, now_at)
        if allowed is None or allowed.rules is None:
            return {"fault": allowed.fault if allowed else f"{wish.device} is no controller of a set at {wish.site}"}
        view = self._view(key, snapshot, allowed, locks, withdrawn, "", now_at)
        return asked.take(connection, wish, allowed.rules, view, under_way)

    def _read(
        self, new: Collection[Controlled], connection: Connection, *, now_at: datetime
    ) -> tuple[list[Command], dict[Controlled, Allowed], dict[Controlled, tuple[str, ...]]]:
        """What is under way; what was seen of the sets is kept first: of the new ones, where the others are known."""
        self._remembered.look(connection, self._snapshots, new, now_at)
        commands.lapse(connection, now_at)
        under_way = [one for one in commands.under_way(connection) if (one.site, one.device) in self._snapshots]
        devices = {(one.site, one.device) for one in under_way}
        if not devices:
            return [], {}, {}
        allowed = self._known.look(connection, {site for site, _ in devices})
        return under_way, allowed, genset_locks.standing(connection, devices)

    def _decide(
        self,
        free: Sequence[Command],
        allowed: Mapping[Controlled, Allowed],
        locks: Mapping[Controlled, tuple[str, ...]],
        connection: Connection,
        *,
        now_at: datetime,
    ) -> list[Decided]:
        """What each command of a site does next, committed with this transaction."""
        if not free:
            return []
        withdrawn = self._why_not(connection, free[0].site, now_at)
        changes: list[Change] = []
        acts: list[Decided] = []
        for command in free:
            key = (command.site, command.device)
            try:
                found, act = self._next(command, allowed.get(key), locks.get(key, ()), withdrawn, now_at)
            except Exception as error:
                logger.exception("command %s", command.number)
                found, act = Change(number=command.number, state="failed", reason=said(error), step="fault"), None
            changes += [found] if found is not None else []
            acts += [Decided(command, _progress(command, now_at), act)] if act is not None else []
        commands.journal(connection, changes, now_at)
        self._tell_people(connection, free, changes, now_at)
        self._remembered.keep(connection, [(one.site, one.device) for one in free], now_at)
        return acts

    def _next(
        self, command: Command, allowed: Allowed | None, locks: tuple[str, ...], withdrawn: str, now_at: datetime
    ) -> tuple[Change | None, Act | None]:
        key, snapshot = (command.site, command.device), self._snapshots[command.site, command.device]
        if allowed is None or allowed.rules is None:
            why = allowed.fault if allowed else say.IN_FILE_NO_MORE(device=command.device, site=command.site)
            return Change(number=command.number, state="failed", reason=why, step="fault"), None
        before = _progress(command, now_at)
        view = self._view(key, snapshot, allowed, locks, withdrawn, command.cancelled_by, now_at)
        if withdrawn and command.progress is None:
            would = self._view(key, snapshot, allowed, locks, "", command.cancelled_by, now_at)
            after, answer = advance(command.order, allowed.rules, before, would)
            return journal.shadow(command, after, answer, withdrawn, snapshot), None
        after, answer = advance(command.order, allowed.rules, before, view)
        if isinstance(answer, Act):
            self._remembered.told(key, answer.action, now_at, view.mode)
        act = answer if isinstance(answer, Act) else None
        return journal.change(command, before, after, answer, snapshot), act

    def _view(
        self, key: Controlled, snapshot: Snapshot, allowed: Allowed, locks: tuple[str, ...], withdrawn: str,
        cancelled: str, now_at: datetime,
    ) -> View:  # fmt: skip
        memory = self._remembered.memory(key, now_at, (*locks, *allowed.locks))
        return View(now_at=now_at, snapshot=snapshot, memory=memory, withdrawn=withdrawn, cancelled=cancelled)

    @staticmethod
    def _tell_people(connection: Connection, here: Sequence[Command], changes: Sequence[Change], at: datetime) -> None:
        """A command that failed is an alarm, until the next of that controller comes to its end."""
        by_number = {one.number: one for one in here}
        for change in changes:
            command = by_number[change.number]
            if change.state == "failed":
                order, why = command.order, change.reason
                text = (
                    say.PLANS_FAILED(kind=order.kind, why=why)
                    if order.is_dispatch
                    else say.FAILED(kind=order.kind, name=order.asked_by, why=why)
                )
                alarms.raise_alarm(connection, command.site, FAILED, "warning", text, at, command.device)
            elif change.state == "done" and command.order.kind not in (Kind.MUTE, Kind.RELEASE):
                alarms.clear(connection, command.site, FAILED, at, command.device)

    def _tell(self, one: Decided, now_at: datetime) -> None:
        key = (one.command.site, one.command.device)
        task = asyncio.create_task(self._told(one, now_at))
        self._telling[key] = task
        task.add_done_callback(lambda _: self._telling.pop(key, None))

    async def _told(self, one: Decided, now_at: datetime) -> None:
        """Press or write, once; what the wire says against it is noted, what came of it the next looks show."""
        command, action = one.command, one.act.action
        controller, leave = self._controllers(command.site, command.device), partial(self._leave, one, now_at)
        try:
            if controller is None:
                raise LookupError(f"{command.device} is not polled any more")
            if isinstance(action, Press):
                await controller.pulse(str(action.key), leave)
            else:
                await controller.write(POWER, action.power_pct, leave)
        except Withheld as withheld:
            logger.warning("command %s: %s was not told: %s", command.number, action, withheld)
        except Exception as error:
            logger.warning("command %s: %s was not echoed: %s", command.number, action, said(error))
            why = say.WIRE(said=said(error))
            await self._transact(
                lambda connection: commands.note(connection, command.number, "wire", str(action), why, now_at)
            )

    async def _leave(self, one: Decided, now_at: datetime) -> None:
        """Both opt-ins once more: whoever waited for a busy bus must not tell what was allowed before. Withheld: one is
        taken back; the sequence stands where it stood before, and its next look ends it or leads the set back."""
        if one.act.hands_back:
            return
        command, key = one.command, (one.command.site, one.command.device)
        asked_at = now_at if self._clock is None else self._clock.now()
        why = await self._transact(lambda connection: self._why_not(connection, command.site, asked_at))
        if not why:
            return

        def take_back(connection: Connection) -> None:
            commands.journal(connection, [journal.withheld(command, one.before, one.act, why)], asked_at)
            self._remembered.withheld(key, one.act.action, now_at)
            self._remembered.keep(connection, [key], asked_at)

        async with self._turn:
            await self._remembering(take_back)
        raise Withheld(why)

    async def _remembering(self, work: Callable[[Connection], T]) -> T:
        """A transaction that keeps what is remembered; where it fails, what was kept before counts."""
        try:
            return await self._transact(work)
        except BaseException:
            self._remembered.forget()
            raise

    async def _transact(self, work: Callable[[Connection], T]) -> T:
        def transaction() -> T:
            with self._warehouse.begin(PATIENCE_S) as connection:
                return work(connection)

        return await asyncio.to_thread(transaction)


def _progress(command: Command, now_at: datetime) -> Progress:
    return opened(now_at) if command.progress is None else Progress.read(command.progress)


def _first_of_each(under_way: Sequence[Command]) -> list[Command]:
    """One command of each controller: a person's before a plan's."""
    found: dict[Controlled, Command] = {}
    for one in sorted(under_way, key=lambda one: one.order.is_dispatch):
        found.setdefault((one.site, one.device), one)
    return list(found.values())
