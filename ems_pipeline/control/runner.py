"""All sites at once: open drivers, become master of the gateways, work, let go. No site's trouble reaches another's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar

from ems_pipeline.control.outcome import Outcome
from ems_pipeline.control.session import SiteSession
from ems_pipeline.control.wires import Wires
from ems_pipeline.devices import fleet
from ems_pipeline.devices.fleet import DeviceId
from ems_pipeline.devices.health import Health
from ems_pipeline.plain_text import told
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse
from ems_pipeline.warehouse import health as device_health
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.gateway_lock import GatewayLocks, gateway_locks
from ems_pipeline.warehouse.setpoints import StaleStep

T = TypeVar("T")
JOURNAL_THREADS = 8
"""Transactions at a time, a connection each: they wait for the disk, which commits several as fast as one."""
LOCK_PAUSE_S = 0.1
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
    ask_the_dead: bool = False,
) -> list[Outcome]:
    """Do the work in a session of every site, concurrently; outcomes in the order of the sites.

    Args:
        patience_s: how long to wait for a gateway whose master is another controller.
        ask_the_dead: also devices whose circuit is open after too many failures.

    Raises:
        DatabaseUnavailable: without a journal nothing is written.
    """
    with warehouse.begin() as connection:
        health = {} if ask_the_dead else device_health.load(connection)
    with gateway_locks(warehouse) as locks, ThreadPoolExecutor(JOURNAL_THREADS, "journal") as threads:
        desk = _Desk(warehouse, clock, slot, health, locks, threads, patience_s)
        with fleet.runner() as loop:
            return loop.run(desk.serve(list(sites), work))


async def _guarded(session: SiteSession, work: Work) -> list[Outcome]:
    """The work; when it fails in a way nobody foresaw, every device of the site is let go, journalled if possible."""
    try:
        return await work(session)
    except StaleStep as stale:  # somebody else is at work on this site: any further write would contradict
        return [Outcome(session.site.key, "", "skipped", str(stale))]
    except DatabaseUnavailable:
        await session.let_go_unjournalled()
        raise
    except Exception as error:
        logger.exception("control of %s failed", session.site.key)
        why = told(error)
        try:
            released = await session.release(dict.fromkeys(session.drivers, why))
        except Exception:
            await session.let_go_unjournalled()
            raise
        return [Outcome(session.site.key, "", "failed", why), *released]


class _Desk:
    def __init__(
        self,
        warehouse: Warehouse,
        clock: Clock,
        slot: datetime,
        health: dict[DeviceId, Health],
        locks: GatewayLocks,
        threads: ThreadPoolExecutor,
        patience_s: float,
    ) -> None:
        self._warehouse, self._clock, self._slot, self._health = warehouse, clock, slot, health
        self._locks, self._threads, self._patience_s = locks, threads, patience_s

    async def serve(self, sites: list[Site], work: Work) -> list[Outcome]:
        found = await asyncio.gather(*(self._site(site, work) for site in sites), return_exceptions=True)
        outcomes: list[Outcome] = []
        for site, result in zip(sites, found, strict=True):
            if isinstance(result, DatabaseUnavailable):
                raise result
            if isinstance(result, BaseException):
                logger.error("control of %s failed", site.key, exc_info=result)
                result = [Outcome(site.key, "", "failed", told(result))]
            outcomes += result
        return outcomes

    async def _site(self, site: Site, work: Work) -> list[Outcome]:
        addresses = [f"{g.host}:{g.port}" for g in site.gateways]
        if not await self._obtained(addresses):
            return [Outcome(site.key, "", "skipped", "another controller is master of its gateways; nothing was done")]
        try:
            opened = fleet.open_site(site, self._clock)
            try:
                wires = Wires(opened, self._health, self._clock)
                return await _guarded(SiteSession(wires, self._transact, self._clock, self._slot), work)
            finally:
                await opened.close()
        finally:
            await self._in_thread(partial(self._locks.release, addresses))

    async def _obtained(self, addresses: list[str]) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience_s
        while not await self._in_thread(partial(self._locks.acquire, addresses)):
            if loop.time() >= until:
                return False
            await asyncio.sleep(LOCK_PAUSE_S)
        return True

    async def _transact(self, work: Callable[[Connection], T]) -> T:
        def transaction() -> T:
            with self._warehouse.begin() as connection:
                return work(connection)

        return await self._in_thread(transaction)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
