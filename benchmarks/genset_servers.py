"""Controllers of sets as far as a poller sees them: so many Modbus TCP servers in one process, values moving a little.

    python benchmarks/genset_servers.py 200

Says its ports as a line of JSON, then takes lines: ``ALARM n`` sets an alarm of the n-th controller, ``CLEAR n`` ends
it.
"""

from __future__ import annotations

import asyncio
import json
import random
import struct
import sys

ALARM_AT, BIT = 91 + 1, 13
"""Low oil pressure among the warnings of an HGM9520N."""
MOVING = {
    180: 1232, 174: 412, 176: 405, 178: 415, 188: 250, 196: 1260, 159: 770, 201: 950, 155: 5000, 135: 5000, 213: 276,
    140: 4000, 142: 4001, 144: 3999, 120: 4000, 122: 4001, 124: 3999, 166: 1800, 167: 1790, 168: 1810, 212: 1500,
    220: 85, 222: 420, 234: 92, 158: 12, 156: 21,
}  # fmt: skip
"""Registers of a set under load that are others every second, by up to 1 %."""


def running(seed: int) -> list[int]:
    """A set of the 160 kW class under load, raw."""
    words = [0] * 520
    words[0], words[114], words[212], words[224], words[260], words[264] = 1 << 9, 0b1111, 1500, 32766, 9, 3
    words[270], words[271], words[140], words[142], words[144], words[201] = 16908 + seed, 30, 4000, 4001, 3999, 950
    return words


class Set:
    """One controller on a port of its own."""

    def __init__(self, seed: int) -> None:
        self.words = running(seed)
        self._random = random.Random(seed)

    def move(self) -> None:
        """A little, as under load."""
        for address, around in MOVING.items():
            self.words[address] = around + self._random.randint(-around // 100, around // 100)
        self.words[274] = (self.words[274] + 1) % 65_536

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer function 3, echo the rest."""
        try:
            while True:
                head = await reader.readexactly(12)
                function, address, count = struct.unpack(">BHH", head[7:])
                body = head[7:]
                if function == 3:
                    body = struct.pack(f">BB{count}H", 3, 2 * count, *self.words[address : address + count])
                writer.write(head[:4] + struct.pack(">HB", len(body) + 1, head[6]) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def main(count: int) -> None:
    """Serve until the line ends."""
    sets = [Set(seed) for seed in range(count)]
    servers = [await asyncio.start_server(one.serve, "127.0.0.1", 0) for one in sets]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    moving = asyncio.ensure_future(_move(sets))
    while line := (await reader.readline()).decode().split():
        one = sets[int(line[1])]
        one.words[0] = one.words[0] & ~1 | (line[0] == "ALARM")
        one.words[ALARM_AT] = (line[0] == "ALARM") << BIT
    moving.cancel()


async def _move(sets: list[Set]) -> None:
    while True:
        await asyncio.sleep(1.0)
        for one in sets:
            one.move()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
