"""Waiting for gateways: a controller for all of a site's, whoever reads for one at a time.

Between processes the database says whose turn it is (`warehouse.gateway_lock`), between the sites of one run a lock of
their own does: two sites may share a gateway.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from ems_pipeline import settings
from ems_pipeline.control.together import Together
from ems_pipeline.devices.driver.turns import ALONE, Turns
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse, embedded, migrate, open_warehouse
from ems_pipeline.warehouse.gateway_lock import GatewayLocks, Grant, gateway_locks
from ems_pipeline.warehouse.local import home

T = TypeVar("T")
PAUSE_S = 0.1
WIRE_PATIENCE_S = 15.0
"""How long a controller waits for whoever reads there to finish: he gives way after each device."""
READER_PATIENCE_S = 25.0
"""How long a reading waits: longer than a session of control usually lasts, so that no minute is lost to one."""
BUSY = "another controller is master of its gateways; nothing was done"
KEPT = "somebody else has been talking there all the time; ask again in a minute"
READ = "somebody has been reading behind its gateways for too long; nothing was done"


class InThread(Protocol):
    """Runs a call that waits for the database without holding up the loop."""

    def __call__(self, call: Callable[[], T]) -> Awaitable[T]: ...


@dataclass(frozen=True)
class Hold:
    """How long to wait for another controller, and whether to go to the wires whoever reads there."""

    patience_s: float
    insists: bool = False


class Gateways:
    """The gateways of one controller's run."""

    def __init__(self, locks: GatewayLocks, in_thread: InThread) -> None:
        self._locks, self._in_thread = locks, in_thread
        self._ours: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def held(self, addresses: Collection[str], hold: Hold) -> AsyncIterator[str]:
        """Be master of the addresses; yields why they were not obtained, empty when they were."""
        async with AsyncExitStack() as ours:
            for address in sorted(addresses):  # in one order, so that no two sites wait for each other
                await ours.enter_async_context(self._ours[address])
            try:
                yield await self._obtained(addresses, hold)
            finally:
                await self._in_thread(partial(self._locks.release, addresses))

    async def pause(self, addresses: Collection[str]) -> None:
        """Leave the wires to those who read."""
        await self._in_thread(partial(self._locks.pause, addresses))

    async def resume(self, addresses: Collection[str]) -> None:
        """Take the wires back; what stands in a device matters more than whoever still reads after a while."""
        await self._obtained(addresses, Hold(0.0, insists=True))

    async def _obtained(self, addresses: Collection[str], hold: Hold) -> str:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (grant := await self._in_thread(partial(self._locks.steer, addresses))) is not Grant.TAKEN:
            patience_s = hold.patience_s if grant is Grant.REFUSED else WIRE_PATIENCE_S
            if loop.time() >= began + patience_s:
                if grant is Grant.REFUSED:
                    return BUSY
                return "" if hold.insists else READ
            await asyncio.sleep(PAUSE_S)
        return ""


class Reading:
    """Turns at wires for whoever only reads: see `devices.driver.turns.Turns`."""

    def __init__(self, locks: GatewayLocks) -> None:
        self._locks = locks
        self._ours: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._taking = Together(self._talk)
        self._giving = Together(self._give)

    async def take(self, address: str) -> bool:
        """Wait for a wire; False when somebody kept it too long."""
        loop = asyncio.get_running_loop()
        await self._ours[address].acquire()
        until = loop.time() + READER_PATIENCE_S
        while not await self._taking.ask(address):
            if loop.time() >= until:
                self._ours[address].release()
                return False
            await asyncio.sleep(PAUSE_S)
        return True

    async def give_back(self, address: str) -> None:
        """Leave a wire that was taken."""
        try:
            await self._giving.ask(address)
        finally:
            self._ours[address].release()

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """One wire for as long as the block lasts. TimeoutError: somebody kept it too long."""
        if not await self.take(address):
            raise TimeoutError(f"{address}: {KEPT}")
        try:
            yield
        finally:
            await self.give_back(address)

    async def _talk(self, addresses: list[str]) -> Callable[[str], bool]:
        obtained = await asyncio.to_thread(self._locks.talk, addresses)
        return lambda address: address in obtained

    async def _give(self, addresses: list[str]) -> Callable[[str], None]:
        await asyncio.to_thread(self._locks.pause, addresses)
        return lambda _: None


@contextmanager
def reading_beside(name: str) -> Iterator[Turns]:
    """Turns beside the installation of this machine, if there is one at work.

    Without a database nobody else talks to its gateways: one that does not run, is not there yet or has another
    schema is no reason not to look at a device.
    """
    if not settings.DATABASE_URL.is_set() and not embedded.is_running(home() / "postgres"):
        yield ALONE
        return
    warehouse = open_warehouse()
    try:
        is_shared = migrate.current(warehouse) == migrate.head()
    except DatabaseUnavailable:
        is_shared = False
    with reading(warehouse, name) if is_shared else nullcontext(ALONE) as turns:
        yield turns
    warehouse.close()


@contextmanager
def reading(warehouse: Warehouse, name: str) -> Iterator[Reading]:
    """Turns for a run that reads; ``name`` says what it is to whoever waits for it."""
    with gateway_locks(warehouse, name) as locks:
        yield Reading(locks)
