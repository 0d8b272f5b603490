"""A serial bus on a desk: small Modbus and HTTP servers on real sockets, with a log and switchable misbehaviour."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from ems_pipeline.devices import codec
from ems_pipeline.devices.contract import Options
from ems_pipeline.devices.fleet import FAMILIES
from ems_pipeline.devices.map_file import load_map
from ems_pipeline.devices.modbus import Connection, Endpoint
from ems_pipeline.devices.modbus_driver import ModbusDriver
from ems_pipeline.devices.point_map import PointMap
from ems_pipeline.time_grid import SimulatedClock

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REGISTERS = 1400


@dataclass
class Slave:
    """Registers of one unit. ``valid`` None: every address exists."""

    words: dict[int, int] = field(default_factory=dict)
    valid: set[int] | None = None
    write_functions: frozenset[int] = frozenset({6, 16})
    exception: ExcCodes | None = None
    silent: bool = False
    log: list[tuple[int, int, int]] = field(default_factory=list)

    def hold(self, point_map: PointMap, **values: float) -> None:
        """Set points by name to site values."""
        for name, value in values.items():
            self.words |= codec.encode(point_map.point(name), value)

    @property
    def reads(self) -> list[tuple[int, int, int]]:
        return [entry for entry in self.log if entry[0] in (3, 4)]

    @property
    def writes(self) -> list[tuple[int, int, int]]:
        return [entry for entry in self.log if entry[0] in (6, 16)]

    async def action(
        self, function: int, start: int, address: int, count: int, registers: list[int], values: Sequence[int] | None
    ) -> ExcCodes | None:
        self.log.append((function, address, count))
        if self.exception is not None:
            return self.exception
        asked = range(address, address + count)
        if self.valid is not None and not set(asked) <= self.valid:
            return ExcCodes.ILLEGAL_ADDRESS
        if values is not None:
            if function not in self.write_functions:
                return ExcCodes.ILLEGAL_FUNCTION
            self.words |= {a: int(v) for a, v in zip(asked, values, strict=True)}
        registers[address - start : address - start + count] = [self.words.get(a, 0) for a in asked]
        return None


@asynccontextmanager
async def bus(slaves: dict[int, Slave], framer: FramerType = FramerType.SOCKET) -> AsyncIterator[int]:
    """Serve the slaves behind one port."""
    unit_at = 6 if framer is FramerType.SOCKET else 0

    def trace(sending: bool, packet: bytes) -> bytes:
        return b"" if sending and len(packet) > unit_at and slaves[packet[unit_at]].silent else packet

    devices = [
        SimDevice(unit, SimData(0, values=[0] * REGISTERS, datatype=DataType.REGISTERS), action=slave.action)
        for unit, slave in slaves.items()
    ]
    server = ModbusTcpServer(devices, address=("127.0.0.1", 0), framer=framer, trace_packet=trace)
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


@asynccontextmanager
async def scripted(answer: Callable[[bytes, int], Awaitable[bytes]]) -> AsyncIterator[int]:
    """A server that answers each packet with whatever bytes the script makes of it and its number."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while packet := await reader.read(300):
            number, count = count, count + 1
            writer.write(await answer(packet, number))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def driver(
    map_name: str, port: int, unit_id: int = 1, options: Options | None = None, **endpoint: object
) -> ModbusDriver:
    """A driver of a shipped map on a port of this machine, without gaps, at noon."""
    point_map = load_map(map_name)
    settings = {"timeout_s": 0.15, **endpoint}
    connection = Connection(Endpoint("127.0.0.1", port, **settings))
    clock = SimulatedClock(NOON)
    options = {"gap_s": 0.0, **(options or {})}
    return ModbusDriver("device", point_map, FAMILIES[point_map.driver], options, clock, connection, unit_id)


@dataclass
class Miniserver:
    """A Loxone look-alike: raw answers by object name; what was written; how often it was asked."""

    answers: dict[str, str | bytes] = field(default_factory=dict)
    written: list[tuple[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    authorization: str | None = None
    status: int = 200
    port: int = 0

    def body(self, path: str) -> bytes:
        name, _, value = unquote(path).removeprefix("/jdev/sps/io/").partition("/")
        if value:
            self.written.append((name, value))
            self.answers[name] = value
        answer = self.answers.get(name)
        if isinstance(answer, bytes):
            return answer
        code = "404" if answer is None else "200"
        return json.dumps({"LL": {"control": path, "value": answer or "", "Code": code}}).encode()


@contextmanager
def miniserver(device: Miniserver) -> Iterator[Miniserver]:
    """Serve it over HTTP on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            device.asked.append(self.path)
            device.authorization = self.headers.get("Authorization")
            self.send_response(device.status)
            self.end_headers()
            self.wfile.write(device.body(self.path))

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    device.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield device
    finally:
        server.shutdown()
        server.server_close()
