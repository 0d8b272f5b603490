"""One battery's socket: one request at a time, and the only datagram that counts is the answer to it.

The socket is connected, so the kernel passes over datagrams of other addresses. Of what is left an answer counts once,
by its id; what comes late, twice, cut off or for somebody else changes nothing. Some firmware answers only who asks
from its own port (`local_port` of the gateway): that port is taken for each exchange alone, because others want it, too.
"""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo, always
from ems_pipeline.devices.marstek import datagrams
from ems_pipeline.devices.marstek.datagrams import Heard
from ems_pipeline.devices.points.reading import Quality

ATTEMPTS = 3
"""Of a reading: one in four requests is lost in the field. What sets something goes out once."""
LOST = frozenset({Quality.NO_ANSWER, Quality.GARBAGE})
PORT_PATIENCE_S, PORT_PAUSE_S = 5.0, 0.02
"""How long the one local port is waited for; whoever has it needs it for one exchange."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a battery answers; ``mac`` (BLE, twelve digits): which one it has to be, where the site file says so."""

    host: str
    port: int
    timeout_s: float = 2.0
    mac: str = ""
    local_port: int | None = None


class Wire:
    """All requests to one battery."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.requests = 0
        self._turn = asyncio.Lock()
        self._number = random.randrange(datagrams.LAST_ID)
        """Anywhere: an answer to somebody who asked from this port before must not be ours."""
        self._quiet_until = 0.0
        self._line: _Line | None = None

    async def read(self, method: str, gap_s: float = 0.0, parameters: Mapping[str, Any] | None = None) -> Heard:
        """The result of a method that changes nothing; asked again while nothing comes.

        Raises:
            DeviceFault: no, a negative or an unusable answer.
        """
        return await self._asked(method, {"id": 0} if parameters is None else parameters, gap_s, ATTEMPTS, always)

    async def tell(self, method: str, parameters: Mapping[str, Any], gap_s: float, may_go: MayGo) -> Heard:
        """The result of a method that sets something, sent once.

        Raises:
            DeviceFault: no or a negative answer, or ``may_go`` held it back.
        """
        return await self._asked(method, parameters, gap_s, 1, may_go)

    async def close(self) -> None:
        """Let the socket go; the next request opens another."""
        if self._line is not None:
            self._line.transport.close()
            self._line = None
            await asyncio.sleep(0)  # in which the loop lets the port go

    async def _asked(
        self, method: str, parameters: Mapping[str, Any], gap_s: float, attempts: int, may_go: MayGo
    ) -> Heard:
        async with self._turn:
            for left in reversed(range(attempts)):
                try:
                    answer = await self._exchange(method, parameters, gap_s, may_go)
                except DeviceFault as fault:
                    if not left or fault.quality not in LOST:
                        raise
                    continue
                if answer.code == datagrams.WRONG_PARAMETERS and left and "id" in parameters:
                    parameters = {**parameters, "id": 1 - parameters["id"]}  # firmware counts itself from 0 or from 1
                    continue
                if answer.result is None:
                    raise answer.fault
                return answer
        raise AssertionError("the last attempt returns or raises")

    async def _exchange(self, method: str, parameters: Mapping[str, Any], gap_s: float, may_go: MayGo) -> Heard:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._quiet_until - loop.time()))
        line = self._line or await self._open()
        if halted := await may_go():  # after every wait: what follows goes out at once
            raise DeviceFault(Quality.REFUSED, halted)
        self._number = self._number % datagrams.LAST_ID + 1
        self.requests += 1
        try:
            answer = await line.ask(self._number, datagrams.request(self._number, method, parameters), self.endpoint)
        finally:
            self._quiet_until = loop.time() + gap_s
            if self.endpoint.local_port is not None:
                await self.close()
        if self.endpoint.mac and answer.mac != self.endpoint.mac:
            who = answer.mac or "a battery that does not say which"
            reason = f"{self._place} answers as {who}, not as {self.endpoint.mac}; `ems battery discover` finds it"
            raise DeviceFault(Quality.GARBAGE, reason, device_wide=True, was_heard=True)
        return answer

    @property
    def _place(self) -> str:
        return f"{self.endpoint.host}:{self.endpoint.port}"

    async def _open(self) -> _Line:
        loop, end = asyncio.get_running_loop(), self.endpoint
        until = loop.time() + PORT_PATIENCE_S
        local = None if end.local_port is None else ("0.0.0.0", end.local_port)
        while True:
            try:
                _, line = await loop.create_datagram_endpoint(_Line, local, (end.host, end.port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE and loop.time() < until:
                    await asyncio.sleep(PORT_PAUSE_S)
                    continue
                why = f"{self._place} cannot be asked: {error.strerror or error}"
                raise DeviceFault(Quality.NO_ANSWER, why, device_wide=True) from None
            self._line = line
            return line


class _Line(asyncio.DatagramProtocol):
    """A socket with the one request that is under way."""

    transport: asyncio.DatagramTransport

    def __init__(self) -> None:
        self._number = 0
        self._answer: asyncio.Future[Heard] | None = None
        self._is_garbled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own class is none by inheritance

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - connected: it is who was asked
        if self._answer is None or self._answer.done():
            return
        found = datagrams.heard(data)
        self._is_garbled |= found is None
        unread = found is not None and found.number == 0 and found.code == datagrams.UNREADABLE
        if found is not None and (found.number == self._number or unread):
            self._answer.set_result(found)

    def error_received(self, exc: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc)

    async def ask(self, number: int, datagram: bytes, end: Endpoint) -> Heard:
        self._number, self._is_garbled = number, False
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.sendto(datagram)
        place = f"{end.host}:{end.port}"
        try:
            return await asyncio.wait_for(self._answer, end.timeout_s)
        except TimeoutError:
            if self._is_garbled:
                reason = f"{place}: what came within {end.timeout_s:g} s cannot be read"
                raise DeviceFault(Quality.GARBAGE, reason, device_wide=True, was_heard=True) from None
            reason = f"{place} did not answer within {end.timeout_s:g} s"
            raise DeviceFault(Quality.NO_ANSWER, reason, device_wide=True) from None
        except OSError as error:
            raise DeviceFault(Quality.NO_ANSWER, f"{place}: {error.strerror or error}", device_wide=True) from None
        finally:
            with suppress(asyncio.CancelledError):
                self._answer.cancel()
            self._answer = None
