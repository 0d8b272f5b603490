"""RTU frames inside TCP, behind a serial converter that others use, too: one socket and one lock for all of them.

Foreign frames come with gaps of some 200 ms, answers come late, several in one piece or one in many. So whoever takes a
turn waits for silence, keeps what comes in a buffer, and takes from it only what fits the one request that is out; what
came before the request was sent is thrown away, so that a late answer is never taken for the next one's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.gensets.link.frames import Found, ReadFunction, Request, find
from ems_pipeline.gensets.link.line import Backoff, refused

LONGEST_DIAL_S = 2.0
MOST_HELD = 4096
"""Bytes; a converter that talks without end is not kept."""


@dataclass(frozen=True, slots=True)
class Manners:
    """Times of a bus, s: how long it must be silent after so many seconds of waiting, and how long each step takes."""

    timeout_s: float = 0.6
    silences: tuple[tuple[float, float], ...] = ((0.0, 0.4), (3.0, 0.3), (4.0, 0.25))
    """From when on, how much is enough."""
    give_up_s: float = 5.0
    after_send_s: float = 0.03
    between_s: float = 0.03
    other_slave_s: float = 0.1
    after_foreign_s: float = 0.25
    reads: int = 2
    writes: int = 4
    writes_s: float = 10.0
    lost_after: int = 3
    """Requests without any answer after which the connection counts as half open."""
    turn_s: float = 25.0
    """How long somebody waits for a turn."""


class _Ear(asyncio.Protocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.heard_at = 0.0
        self.came = asyncio.Event()
        self.is_open = False

    def connection_made(self, _: asyncio.BaseTransport) -> None:
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > MOST_HELD:
            del self.buffer[:-MOST_HELD]
        self.heard_at = _now()
        self.came.set()

    def connection_lost(self, _: Exception | None) -> None:
        self.is_open = False
        self.came.set()


class RtuBus:
    """All traffic through one converter."""

    is_serial = True

    def __init__(self, host: str, port: int, manners: Manners | None = None) -> None:
        self.where = f"{host}:{port}"
        self._host, self._port = host, port
        self.manners = manners or Manners()
        self._turn = asyncio.Lock()
        self._backoff = Backoff(_now)
        self._transport: asyncio.Transport | None = None
        self._ear = _Ear()
        self._last_slave: int | None = None
        self._answered_at = 0.0
        self._unanswered = 0

    @asynccontextmanager
    async def turn(self, slave: int) -> AsyncIterator[None]:
        """DeviceFault: nobody listens, the bus is never silent, or others have it too long."""
        try:
            await asyncio.wait_for(self._turn.acquire(), self.manners.turn_s)
        except TimeoutError:
            raise DeviceFault(Quality.NO_ANSWER, f"{self.where} was busy for {self.manners.turn_s:g} s") from None
        try:
            await self._opened()
            if self._last_slave not in (None, slave):
                await _until(self._answered_at + self.manners.other_slave_s)
            self._last_slave = slave
            await self._silence()
            yield
        finally:
            self._turn.release()

    async def read(self, slave: int, function: ReadFunction, start: int, count: int) -> tuple[int, ...]:
        return await self._asked(Request(slave, function, start, count), self.manners.reads, self.manners.turn_s)

    async def write(self, slave: int, function: Literal[5, 6], address: int, word: int) -> None:
        await self._asked(Request(slave, function, address, word), self.manners.writes, self.manners.writes_s)

    async def renew(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        self._unanswered = 0

    async def _asked(self, request: Request, attempts: int, within_s: float) -> tuple[int, ...]:
        """The words of the answer, after a few attempts."""
        ends_at = _now() + within_s
        for attempt in range(attempts):
            if attempt:
                await self._silence()
            transport = await self._opened()
            found, was_foreign = await self._exchanged(transport, request)
            if found.is_answer:
                self._unanswered = 0
                self._backoff.worked()
                return _judged(found)
            self._unanswered += 1
            if not self._ear.is_open:
                self._backoff.failed()
            if self._unanswered >= self.manners.lost_after or not self._ear.is_open:
                await self.renew()  # it may be half open
            if _now() >= ends_at:
                break
        heard = "others' frames came" if was_foreign else "nothing came"
        raise DeviceFault(
            Quality.NO_ANSWER,
            f"slave {request.slave} behind {self.where} did not answer {attempts} times; {heard}",
            device_wide=True,
            was_heard=was_foreign,
        )

    async def _exchanged(self, transport: asyncio.Transport, request: Request) -> tuple[Found, bool]:
        """One request and what came of it; whether others were heard meanwhile."""
        ear, times = self._ear, self.manners
        await _until(self._answered_at + times.between_s)
        ear.buffer.clear()
        ear.came.clear()
        transport.write(request.frame())
        await asyncio.sleep(times.after_send_s)
        ends_at, was_foreign, found = _now() + times.timeout_s, False, Found()
        while ear.is_open:
            found = find(ear.buffer, request)
            if found.is_answer:
                break
            if found.foreign and not was_foreign:
                was_foreign = True
                ends_at = min(ends_at, _now() + times.after_foreign_s)
            del ear.buffer[: found.foreign]
            ear.came.clear()
            if (left_s := ends_at - _now()) <= 0:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(ear.came.wait(), left_s)
        self._answered_at = _now()
        if not found.is_answer:
            ear.heard_at = self._answered_at  # it may still come: silence is counted from here
        return found, was_foreign

    async def _silence(self) -> None:
        """Wait until nobody has spoken for long enough; the longer it takes, the less is enough."""
        began_at, times = _now(), self.manners
        while True:
            waited_s = _now() - began_at
            wanted_s = next(enough for since, enough in reversed(times.silences) if waited_s >= since)
            left_s = self._ear.heard_at + wanted_s - _now()
            if left_s <= 0:
                return
            if waited_s >= times.give_up_s:
                raise DeviceFault(
                    Quality.NO_ANSWER, f"the bus behind {self.where} was not silent for {times.give_up_s:g} s"
                )
            await asyncio.sleep(min(left_s, 0.05))

    async def _opened(self) -> asyncio.Transport:
        """The connection, made anew where it is gone; DeviceFault: it is not accepted."""
        if self._transport is not None and self._ear.is_open:
            return self._transport
        self._backoff.allow(self.where)
        loop, ear = asyncio.get_running_loop(), _Ear()
        try:
            made = loop.create_connection(lambda: ear, self._host, self._port)
            transport, _ = await asyncio.wait_for(made, max(self.manners.timeout_s, LONGEST_DIAL_S))
        except (OSError, TimeoutError):
            self._backoff.failed()
            raise DeviceFault(
                Quality.NO_ANSWER, f"no converter answers at {self.where}; check cable and address", device_wide=True
            ) from None
        self._transport, self._ear, self._unanswered = transport, ear, 0
        return transport


def _judged(found: Found) -> tuple[int, ...]:
    if found.exception is None:
        return found.words or ()
    raise refused(found.exception)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _until(instant: float) -> None:
    if (left_s := instant - _now()) > 0:
        await asyncio.sleep(left_s)
