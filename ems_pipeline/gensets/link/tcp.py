"""Modbus TCP, by the project's own connection: one socket, one request at a time, two attempts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.modbus.wire import Connection, Endpoint
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.gensets.link.line import Backoff

ATTEMPTS, BETWEEN_S = 2, 0.15
ON = 0xFF00
"""What a coil is told; 0 is off."""


class TcpLine:
    """All traffic to one address that speaks Modbus TCP."""

    is_serial = False

    def __init__(self, host: str, port: int, timeout_s: float, gap_s: float = 0.0) -> None:
        self.where = f"{host}:{port}"
        self._connection = Connection(Endpoint(host, port, "modbus-tcp", timeout_s, gap_s))
        self._turn = asyncio.Lock()
        self._backoff = Backoff(lambda: asyncio.get_running_loop().time())

    @asynccontextmanager
    async def turn(self, slave: int) -> AsyncIterator[None]:  # noqa: ARG002 - a serial bus must know
        async with self._turn:
            self._backoff.allow(self.where)
            yield

    async def read(self, slave: int, function: Literal[3, 4], start: int, count: int) -> tuple[int, ...]:
        for attempt in range(ATTEMPTS):
            try:
                await self._open()
                return await self._connection.read(slave, function, start, count)
            except DeviceFault as fault:
                if attempt + 1 == ATTEMPTS or fault.quality is Quality.REFUSED:
                    raise
            self._backoff.allow(self.where)
            await asyncio.sleep(BETWEEN_S)
        raise AssertionError

    async def write(self, slave: int, function: Literal[5, 6], address: int, word: int) -> None:
        await self._open()
        said = (int(word == ON),) if function == 5 else (word,)
        echoed = await self._connection.write(slave, function, address, said)
        if echoed != said:
            raise DeviceFault(Quality.GARBAGE, f"told {address} {list(said)} and it echoed {list(echoed)}")

    async def renew(self) -> None:
        await self._connection.close()

    async def _open(self) -> None:
        try:
            await self._connection.connect()
        except DeviceFault:
            self._backoff.failed()
            raise
        self._backoff.worked()
