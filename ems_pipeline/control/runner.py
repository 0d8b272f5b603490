"""All sites at once: become master of the gateways, open drivers, work, let go. No site's trouble reaches another's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar

from ems_pipeline.control import footing, missed
from ems_pipeline.control import permit as permits
from ems_pipeline.control.footing import Footing, Told
from ems_pipeline.control.gateways import Gateways, Hold
from ems_pipeline.control.outcome import Aside, Outcome
from ems_pipeline.control.permit import Permit, Word, not_steered
from ems_pipeline.control.session import SiteSession, Turn
from ems_pipeline.control.together import Together
from ems_pipeline.control.wires import Wires
from ems_pipeline.devices import fleet
from ems_pipeline.devices.fleet import DeviceId
from ems_pipeline.devices.fleet.health import Health
from ems_pipeline.plain_text import told as said
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse, control_misses
from ems_pipeline.warehouse import health as device_health
from ems_pipeline.warehouse.engine import Blocked, Connection
from ems_pipeline.warehouse.gateway_lock import GatewayLocks, gateway_locks
from ems_pipeline.warehouse.intents import Held, State
from ems_pipeline.warehouse.setpoints import StaleStep

T = TypeVar("T")
JOURNAL_THREADS = 8
"""Transactions at a time, a connection each: they wait for the disk, which commits several as fast as one."""
JOURNAL_PATIENCE_S = 5.0
"""How long a transaction waits for what somebody else has locked: then nothing is written."""
FRESH_LOOKS = 3
"""How often a site is looked up anew because its file was registered while its gateways were waited for."""
logger = logging.getLogger(__name__)

Work = Callable[[SiteSession], Awaitable[list[Outcome]]]


def run(
    warehouse: Warehouse,
    sites: Iterable[Site],
    slot: datetime,
    clock: Clock,
    work: Work,
    patience_s: float,
    *,
    name: str = "controller",
    left: Collection[str] = (),
    ask_the_dead: bool = False,
    insists: bool = False,
) -> list[Outcome]:
    """Do the work in a session of every site, concurrently; outcomes in the order of the sites.

    A site whose devices hold something of ours elsewhere than its newest configuration says gets a session for each of
    them first (see `footing`).

    Args:
        sites: as last registered; one registered meanwhile is worked on in its newest configuration.
        patience_s: how long to wait for a gateway whose master is another controller.
        name: what the run does, for whoever finds it master of a gateway.
        left: keys of further sites, out of service, in which something stands still.
        ask_the_dead: also devices whose circuit is open after too many failures.
        insists: go to the wires although somebody reads there for too long: to let go matters more than his readings.

    Raises:
        DatabaseUnavailable, Blocked: without a journal nothing is written.
    """
    known = list(sites)
    with warehouse.begin(JOURNAL_PATIENCE_S) as connection:
        told = footing.told(connection, known, left)
        misses = control_misses.counted(connection, [t.site_key for t in told])
        health = {} if ask_the_dead else device_health.load(connection)
    with gateway_locks(warehouse, name) as locks, ThreadPoolExecutor(JOURNAL_THREADS, "journal") as threads:
        desk = _Desk(warehouse, clock, slot, health, locks, threads, misses)
        with fleet.runner() as loop:
            return loop.run(desk.serve(told, work, Hold(patience_s, insists)))


async def _guarded(session: SiteSession, work: Work) -> list[Outcome]:
    """The work; when it fails in a way nobody foresaw, every device of the site is let go, journalled if possible."""
    try:
        return await work(session)
    except StaleStep as stale:  # somebody else is at work on this site: any further write would contradict
        return [Outcome(session.site.key, "", Aside.SKIPPED, str(stale))]
    except DatabaseUnavailable:
        await session.let_go_unjournalled()
        raise
    except Blocked as blocked:
        await session.let_go_unjournalled()
        return [Outcome(session.site.key, "", State.FAILED, f"the journal is blocked: {blocked}")]
    except Exception as error:
        logger.exception("control of %s failed", session.site.key)
        why = said(error)
        try:
            released = await session.release(dict.fromkeys(session.drivers, why))
        except Exception:
            await session.let_go_unjournalled()
            raise
        return [Outcome(session.site.key, "", State.FAILED, why), *released]


class _Desk:
    def __init__(
        self,
        warehouse: Warehouse,
        clock: Clock,
        slot: datetime,
        health: dict[DeviceId, Health],
        locks: GatewayLocks,
        threads: ThreadPoolExecutor,
        misses: dict[str, int],
    ) -> None:
        self._warehouse, self._clock, self._slot, self._health = warehouse, clock, slot, health
        self._threads, self._misses, self._party_id = threads, misses, locks.party_id
        self._gateways = Gateways(locks, self._in_thread)
        self._words = Together(self._asked)

    async def serve(self, told: Sequence[Told], work: Work, hold: Hold) -> list[Outcome]:
        found = await asyncio.gather(*(self._site(site, work, hold) for site in told), return_exceptions=True)
        outcomes: list[Outcome] = []
        for site, result in zip(told, found, strict=True):
            if isinstance(result, DatabaseUnavailable):
                raise result
            if isinstance(result, BaseException):
                logger.error("control of %s failed", site.site_key, exc_info=result)
                result = [Outcome(site.site_key, "", State.FAILED, said(result))]
            outcomes += result
        return outcomes

    async def _site(self, told: Told, work: Work, hold: Hold) -> list[Outcome]:
        """Sessions on all footings of a site once its gateways are ours, counted when it could not be served."""
        addresses: set[str] = set()
        try:
            outcomes = await self._served(told, work, hold, addresses)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            logger.exception("control of %s failed", told.site_key)
            outcomes = [Outcome(told.site_key, "", State.FAILED, said(error))]
        reason, before = missed.why(outcomes), self._misses.get(told.site_key, 0)
        if reason or before:
            noted = partial(missed.note, site_key=told.site_key, reason=reason, addresses=addresses)
            with suppress(Blocked):
                await self._transact(partial(noted, now=self._clock.now()))
        return outcomes

    async def _served(self, told: Told, work: Work, hold: Hold, addresses: set[str]) -> list[Outcome]:
        for _ in range(FRESH_LOOKS):
            footings, nobodys = await self._footings(told)
            addresses |= {address for one in footings for address in one.addresses}
            async with self._gateways.held(addresses, hold) as refusal:
                if refusal:
                    return [Outcome(told.site_key, "", Aside.SKIPPED, refusal)]
                word = await self._words.ask((told.site_key, None))
                if told.is_newest(word.standings.get(told.site_key)):
                    if nobodys:
                        await self._transact(partial(missed.nobodys, held=nobodys, now=self._clock.now()))
                    return [o for one in footings for o in await self._session(one, addresses, work)]
            told = await self._transact(partial(footing.anew, site_key=told.site_key))
        return [Outcome(told.site_key, "", Aside.SKIPPED, "it was registered anew again and again; nothing was done")]

    async def _footings(self, told: Told) -> tuple[list[Footing], list[Held]]:
        """Former footings first: what they hold is let go before anything else is told. And what no footing reaches."""
        newest = await asyncio.to_thread(footing.current, told)
        found = [newest] if newest is not None else []
        if elsewhere := told.elsewhere(newest):
            known = await self._transact(partial(footing.kept, site_key=told.site_key, held=elsewhere))
            found = await asyncio.to_thread(footing.formers, elsewhere, known) + found
        reached = [h for h in told.held if any(one.holds(h) and h.device_key in one.wires for one in found)]
        return found, [h for h in told.held if h not in reached]

    async def _session(self, one: Footing, addresses: Collection[str], work: Work) -> list[Outcome]:
        if one.fault:
            return [Outcome(one.site.key, "", State.FAILED, one.fault)]
        opened = fleet.open_site(one.site, self._clock, one.maps)
        try:
            wires = Wires(opened, self._health, self._clock)
            permit = Permit(one, partial(not_steered, one), self._party_id, self._words.ask)
            turn = Turn(partial(self._gateways.pause, addresses), partial(self._gateways.resume, addresses))
            return await _guarded(SiteSession(wires, permit, turn, self._transact, self._clock, self._slot), work)
        finally:
            await opened.close()

    async def _asked(self, questions: list[tuple[str, int | None]]) -> Callable[[tuple[str, int | None]], Word]:
        sites = {site for site, _ in questions}
        numbers = {number for _, number in questions if number is not None}
        word = await self._transact(partial(permits.ask, sites=sites, override_ids=numbers, party_id=self._party_id))
        return lambda _: word

    async def _transact(self, work: Callable[[Connection], T]) -> T:
        def transaction() -> T:
            with self._warehouse.begin(JOURNAL_PATIENCE_S) as connection:
                return work(connection)

        return await self._in_thread(transaction)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
