#!/bin/sh
# pymodbus 3.16.1: function 5 knows two values, 0xFF00 and 0x0000, and others are to be refused with exception 3 (Modbus application
# protocol V1.1b3, section 6.5). A server of pymodbus takes every other number for ON, does what ON does and echoes 0xFF00, which is not what
# was sent; a client takes such an echo for ON, too. So neither is a test of whether the other side says what a device understands.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pymodbus==3.16.1
"$folder/venv/bin/python" - <<'EOF'
import asyncio
import sys
from importlib.metadata import version

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


async def main():
    bits = [SimData(0, values=[False] * 100, datatype=DataType.BITS)]
    words = [SimData(0, values=[0] * 100, datatype=DataType.REGISTERS)]
    server = ModbusTcpServer([SimDevice(1, (bits, bits, words, words))], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    reader, writer = await asyncio.open_connection(*server.transport.sockets[0].getsockname())
    writer.write(bytes.fromhex("00 01 00 00 00 06 01 05 00 00 12 34"))
    answer = await reader.read(100)
    writer.close()
    await server.shutdown()
    return answer.hex(" ")


answer = asyncio.run(main())
print("pymodbus", version("pymodbus"), "asked to write 12 34 to a coil, it answers:", answer)
sys.exit(answer != "00 01 00 00 00 06 01 05 00 00 ff 00")
EOF
