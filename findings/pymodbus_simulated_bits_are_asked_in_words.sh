#!/bin/sh
# pymodbus 3.16.1: the action of a simulated device is told of coils and discrete inputs in words of sixteen, for a count of five bits
# 1, for twenty from 17 on 2, and the list it may fill holds sixteen bits an item, wherever its tables are of bits. How many bits were
# asked it does not learn, so it cannot refuse a request that runs beyond its last one; of registers the count is that of the request.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pymodbus==3.16.1
"$folder/venv/bin/python" - <<'EOF'
import asyncio
import sys
from importlib.metadata import version

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

told = []


async def action(function, start, address, count, held, values):
    told.append((function, address, count))


async def main():
    bits = [SimData(0, values=[False] * 100, datatype=DataType.BITS)]
    words = [SimData(0, values=[0] * 100, datatype=DataType.REGISTERS)]
    server = ModbusTcpServer([SimDevice(1, (bits, bits, words, words), action=action)], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    client = AsyncModbusTcpClient("127.0.0.1", port=server.transport.sockets[0].getsockname()[1])
    await client.connect()
    await client.read_coils(3, count=5, device_id=1)
    await client.read_discrete_inputs(17, count=20, device_id=1)
    await client.read_holding_registers(17, count=20, device_id=1)
    client.close()
    await server.shutdown()


asyncio.run(main())
print("pymodbus", version("pymodbus"), "function, address, count:", told)
sys.exit(told != [(1, 3, 1), (2, 17, 2), (3, 17, 20)])
EOF
