"""Modbus TCP as bytes, and who listens on a connection: one request is out at a time, and only its answer counts.

Header (Modbus Messaging on TCP/IP 1.0b, 3.1.3): transaction, protocol 0, length of what follows, unit; then the PDU.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Literal

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Quality

HEADER, LONGEST = 7, 260
"""Bytes of the header, and of a whole frame."""
EXCEPTION = 0x80
REQUEST = struct.Struct(">HHHBBHH")
Function = Literal[1, 3, 4, 5, 6]


class Ear(asyncio.Protocol):
    """A connection and the request that is out on it; an answer that comes too late finds nobody who waits for it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._held = b""
        self._transaction = self._unit = 0
        self._others: set[int] = set()
        """Units that answered in another's stead."""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, _: Exception | None) -> None:
        self.transport = None
        self._fail("the connection was closed")

    def data_received(self, data: bytes) -> None:
        data = self._held + data if self._held else data
        while len(data) >= HEADER:
            end = 6 + int.from_bytes(data[4:6], "big")
            if data[2:4] != b"\0\0" or not HEADER + 2 <= end <= LONGEST:
                self._fail(f"what came is no Modbus TCP: {data[:HEADER].hex(' ')}")
                self.abort()
                return
            if len(data) < end:
                break
            self._take(data[:end])
            data = data[end:]
        self._held = data

    def ask(self, unit: int, function: Function, address: int, value: int, timeout_s: float) -> asyncio.Future[bytes]:
        """The PDU of the answer to a request, its count or word being ``value``; DeviceFault: none came in time, or the
        connection ended."""
        assert self.transport is not None
        loop = asyncio.get_running_loop()
        self._transaction, self._unit, self._others = self._transaction % 0xFFFF + 1, unit, set()
        self._answer = answer = loop.create_future()
        self.transport.write(REQUEST.pack(self._transaction, 0, 6, unit, function, address, value))
        timer = loop.call_later(timeout_s, self._fail, f"no usable answer in {timeout_s:g} s")
        answer.add_done_callback(lambda _: timer.cancel())
        return answer

    def abort(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            self.transport.abort()
            self.transport = None

    def _take(self, frame: bytes) -> None:
        waits = self._answer is not None and not self._answer.done()
        if not waits or int.from_bytes(frame[:2], "big") != self._transaction:
            return
        if (unit := frame[HEADER - 1]) != self._unit:
            self._others.add(unit)
            return
        assert self._answer is not None
        self._answer.set_result(frame[HEADER:])

    def _fail(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            units = ", ".join(map(str, sorted(self._others)))
            others = f"; unit {units} answered instead of {self._unit}: correct unit_id" if units else ""
            self._answer.set_exception(DeviceFault(Quality.NO_ANSWER, why + others, device_wide=True))
