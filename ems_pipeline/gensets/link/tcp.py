"""Modbus TCP: one socket, one request at a time, two attempts."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.gensets.link.frames import ReadFunction, size_of, words_of
from ems_pipeline.gensets.link.line import Backoff, refused
from ems_pipeline.gensets.link.mbap import EXCEPTION, Ear, Function

ATTEMPTS, BETWEEN_S = 2, 0.15
ON = 0xFF00
"""What a coil is told; 0 is off."""


class TcpLine:
    """All traffic to one address that speaks Modbus TCP."""

    is_serial = False

    def __init__(self, host: str, port: int, timeout_s: float, gap_s: float = 0.0) -> None:
        """``gap_s``: silence that the gateway needs between two requests."""
        self.where = f"{host}:{port}"
        self._host, self._port, self._timeout_s, self._gap_s = host, port, timeout_s, gap_s
        self._turn = asyncio.Lock()
        self._backoff = Backoff(lambda: asyncio.get_running_loop().time())
        self._ear = Ear()
        self._quiet_until = 0.0

    @asynccontextmanager
    async def turn(self, slave: int) -> AsyncIterator[None]:  # noqa: ARG002 - a serial bus must know
        async with self._turn:
            self._backoff.allow(self.where)
            yield

    async def read(self, slave: int, function: ReadFunction, start: int, count: int) -> tuple[int, ...]:
        for attempt in range(ATTEMPTS):
            try:
                answer = await self._asked(slave, function, start, count)
            except DeviceFault as fault:
                if attempt + 1 == ATTEMPTS or fault.quality is Quality.REFUSED:
                    raise
            else:
                return self._words(answer, function, start, count)
            self._backoff.allow(self.where)
            await asyncio.sleep(BETWEEN_S)
        raise AssertionError

    async def write(self, slave: int, function: Literal[5, 6], address: int, word: int) -> None:
        answer = await self._asked(slave, function, address, word)
        if answer[1:5] != struct.pack(">HH", address, word):
            self._ear.abort()
            raise DeviceFault(Quality.GARBAGE, f"told {address} {word} and it echoed {answer[1:].hex(' ')}")

    async def renew(self) -> None:
        self._ear.abort()

    async def _asked(self, slave: int, function: Function, address: int, value: int) -> bytes:
        """The PDU of the answer; DeviceFault: none, a negative one, or one to something else."""
        if self._ear.transport is None:
            await self._dial()
        if self._gap_s and (left_s := self._quiet_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(left_s)
        try:
            answer = await self._ear.ask(slave, function, address, value, self._timeout_s)
        except BaseException:  # a cancelled request, too: its answer may still come
            self._ear.abort()
            raise
        if self._gap_s:
            self._quiet_until = asyncio.get_running_loop().time() + self._gap_s
        if answer[0] == function:
            return answer
        if answer[0] == function | EXCEPTION:
            raise refused(answer[1])
        self._ear.abort()
        raise DeviceFault(Quality.GARBAGE, f"asked with function {function}, answered with {answer[0]}")

    def _words(self, answer: bytes, function: ReadFunction, start: int, count: int) -> tuple[int, ...]:
        size = size_of(function, count)
        if len(answer) != 2 + size or answer[1] != size:
            self._ear.abort()
            what = "coils" if function == 1 else "registers"
            raise DeviceFault(
                Quality.GARBAGE, f"asked for {count} {what} from {start} and got {len(answer) - 2} bytes of them"
            )
        return words_of(function, count, answer[2:])

    async def _dial(self) -> None:
        made = asyncio.get_running_loop().create_connection(Ear, self._host, self._port)
        try:
            _, self._ear = await asyncio.wait_for(made, self._timeout_s)
        except (OSError, TimeoutError):
            self._backoff.failed()
            raise DeviceFault(
                Quality.NO_ANSWER, f"no gateway answers at {self.where}; check cable and address"
            ) from None
        self._backoff.worked()
