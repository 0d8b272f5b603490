"""Controllers polled without a database: by bare pymodbus, or by the project's own line and decoding.

    python benchmarks/genset_bare.py bare|ours '[PORT, ...]'

Both on uvloop, every two seconds, the same blocks in the same cycles; `polled` is said when the first one is through.
*Bare* makes of every register of the map its number by pymodbus' own `convert_from_registers` and the map's scale, and
judges nothing: no sensor that is missing, no range, no state, no alarm, no age.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable

import uvloop
from pymodbus.client import AsyncModbusTcpClient

from ems_pipeline.gensets.link.blocks import Block, planned
from ems_pipeline.gensets.link.poll import SLOW_EVERY, Place, Polled
from ems_pipeline.gensets.link.tcp import TcpLine
from ems_pipeline.gensets.map.file import load
from ems_pipeline.time_grid import SystemClock

EVERY_S = 2.0
KINDS = AsyncModbusTcpClient.DATATYPE
WHOLE = load("hgm9520n")
FAST, ALARM, SLOW = (planned(WHOLE, kind, is_serial=False) for kind in ("fast", "alarm", "slow"))  # type: ignore[arg-type]
Poll = Callable[[int], Awaitable[object]]
"""One controller in the cycle of a number."""


async def bare(port: int) -> Poll:
    """By the library alone."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()

    async def poll(cycle: int) -> dict[str, float]:
        found: dict[str, float] = {}
        for block in (*FAST, *((*ALARM, *SLOW) if cycle % SLOW_EVERY == 0 else ())):
            answer = await client.read_holding_registers(block.start, count=block.count, device_id=1)
            found |= numbers(client, block, answer.registers)
        return found

    return poll


def numbers(client: AsyncModbusTcpClient, block: Block, registers: list[int]) -> dict[str, float]:
    """What a block's registers say, by the library."""
    kinds = {
        (False, False): KINDS.UINT16, (False, True): KINDS.INT16, (True, False): KINDS.UINT32, (True, True): KINDS.INT32
    }  # fmt: skip
    return {
        one.name: client.convert_from_registers(  # type: ignore[operator, misc]
            registers[one.at : one.end], kinds[one.wide, one.signed], word_order="little"
        )
        * one.scale
        for one in block.numbers
    }


async def ours(port: int) -> Poll:
    """By the poller's own line, without who is shown what came."""
    line = TcpLine("127.0.0.1", port, timeout_s=2.0)
    polled = Polled(Place(site="s", device=str(port), slave=1), WHOLE, line, SystemClock())
    return lambda _: polled.poll()


async def main(make: Callable[[int], Awaitable[Poll]], ports: list[int]) -> None:
    """Until it is ended."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    polls, cycle, tick = [await make(port) for port in ports], 0, asyncio.get_running_loop().time()
    while True:
        await asyncio.gather(*(poll(cycle) for poll in polls))
        if not cycle:
            print("polled", flush=True)
        cycle, tick = cycle + 1, tick + EVERY_S
        await asyncio.sleep(max(0.0, tick - asyncio.get_running_loop().time()))


if __name__ == "__main__":
    uvloop.run(main({"bare": bare, "ours": ours}[sys.argv[1]], json.loads(sys.argv[2])))
