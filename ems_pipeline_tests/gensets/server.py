"""A small Modbus TCP server with the registers of one unit, over a real socket."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Server:
    """Answers functions 3, 5 and 6 from a dictionary; what was written is kept in order."""

    def __init__(self, words: dict[int, int]) -> None:
        self.words = words
        self.written: list[tuple[int, int, int]] = []
        self.clients = 0
        self.hangs = False
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        try:
            while True:
                head = await reader.readexactly(7)
                body = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                if not self.hangs:
                    answer = self._answer(body)
                    writer.write(head[:4] + struct.pack(">HB", len(answer) + 1, head[6]) + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, body: bytes) -> bytes:
        function, address, value = struct.unpack(">BHH", body[:5])
        if function == 3:
            found = [self.words.get(address + i, 0) for i in range(value)]
            return struct.pack(f">BB{value}H", 3, 2 * value, *found)
        self.written.append((function, address, value))
        return body

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Server]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
