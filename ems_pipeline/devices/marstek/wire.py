"""One battery's socket: one request at a time, and the only datagram that counts is the answer to it.

The socket is connected, so the kernel passes over datagrams of other addresses. Of what is left an answer counts once,
by its id; what comes late, twice, cut off or for somebody else changes nothing. Some firmware answers only who asks
from its own port (`local_port` of the gateway): that port is taken for each exchange alone, because others want it,
too.
"""

from __future__ import annotations

import asyncio
import errno
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo, always
from ems_pipeline.devices.installed.address import is_number, resolved
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
            self._line.close()
            self._line = None

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
        if (quiet_s := self._quiet_until - loop.time()) > 0:
            await asyncio.sleep(quiet_s)
        line = self._line or await self._open()
        if may_go is not always and (halted := await may_go()):  # after every wait: what follows goes out at once
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
        while True:
            try:
                host = end.host if is_number(end.host) else await asyncio.to_thread(resolved, end.host)
                self._line = _Line(loop, host, end.port, end.local_port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE and loop.time() < until:
                    await asyncio.sleep(PORT_PAUSE_S)
                    continue
                why = f"{self._place} cannot be asked: {error.strerror or error}"
                raise DeviceFault(Quality.NO_ANSWER, why, device_wide=True) from None
            return self._line


class _Line:
    """A socket with the one request that is under way."""

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, port: int, local_port: int | None) -> None:
        """Raises OSError: the local port is taken, or there is no way to the host."""
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._loop = loop
        self._number = 0
        self._answer: asyncio.Future[Heard] | None = None
        self._is_garbled = False
        try:
            self.socket.setblocking(False)
            if local_port is not None:
                self.socket.bind(("", local_port))
            self.socket.connect((host, port))
        except OSError:
            self.socket.close()
            raise
        loop.add_reader(self.socket, self._heard)

    def close(self) -> None:
        self._loop.remove_reader(self.socket)
        self.socket.close()

    def _heard(self) -> None:
        try:
            datagram = self.socket.recv(datagrams.LARGEST + 1)
        except BlockingIOError:
            return
        except OSError as error:  # nobody listens there
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(error)
            return
        if self._answer is None or self._answer.done():
            return
        found = datagrams.heard(datagram)
        if found is None:
            self._is_garbled = True
        elif found.number == self._number or (found.number == 0 and found.code == datagrams.UNREADABLE):
            self._answer.set_result(found)

    async def ask(self, number: int, datagram: bytes, end: Endpoint) -> Heard:
        self._number, self._is_garbled = number, False
        answer: asyncio.Future[Heard] = self._loop.create_future()
        self._answer = answer
        deadline = self._loop.call_later(end.timeout_s, self._late, answer, end)
        try:
            self.socket.send(datagram)
            return await answer
        except OSError as error:
            why = f"{end.host}:{end.port}: {error.strerror or error}"
            raise DeviceFault(Quality.NO_ANSWER, why, device_wide=True) from None
        finally:
            deadline.cancel()
            self._answer = None

    def _late(self, answer: asyncio.Future[Heard], end: Endpoint) -> None:
        if answer.done():
            return
        place, within = f"{end.host}:{end.port}", f"within {end.timeout_s:g} s"
        fault = DeviceFault(Quality.NO_ANSWER, f"{place} did not answer {within}", device_wide=True)
        if self._is_garbled:
            reason = f"{place}: what came {within} cannot be read"
            fault = DeviceFault(Quality.GARBAGE, reason, device_wide=True, was_heard=True)
        answer.set_exception(fault)
