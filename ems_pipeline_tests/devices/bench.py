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
from typing import TypeVar
from urllib.parse import unquote

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from ems_pipeline.devices.driver.contract import Options
from ems_pipeline.devices.driver.document import Dialect
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.modbus.driver import ModbusDriver
from ems_pipeline.devices.modbus.wire import Connection, Endpoint
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.vendors.families import DIALECTS, FAMILIES
from ems_pipeline.devices.web.driver import WebDriver
from ems_pipeline.devices.web.gateway import WebEndpoint, WebGateway
from ems_pipeline.plant.web_login import Basic, Digest
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
async def bus(
    slaves: dict[int, Slave], framer: FramerType = FramerType.SOCKET, registers: int = REGISTERS
) -> AsyncIterator[int]:
    """Serve the slaves, of so many registers each, behind one port."""
    unit_at = 6 if framer is FramerType.SOCKET else 0

    def trace(sending: bool, packet: bytes) -> bytes:
        return b"" if sending and len(packet) > unit_at and slaves[packet[unit_at]].silent else packet

    devices = [
        SimDevice(unit, SimData(0, values=[0] * registers, datatype=DataType.REGISTERS), action=slave.action)
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
    described = Described("device", point_map, FAMILIES[point_map.driver], options, clock)
    return ModbusDriver(described, connection, unit_id)


@dataclass
class WebDevice:
    """An HTTP device: answers by address (None: 404), what it was asked, who may ask, how it misbehaves."""

    answers: dict[str, bytes] = field(default_factory=dict)
    login: Basic | Digest | None = None
    status: int = 200
    silent: bool = False
    asked: list[str] = field(default_factory=list)
    """Addresses in order, those that were turned away for their login included."""
    port: int = 0

    def body(self, address: str) -> bytes | None:
        return self.answers.get(address)

    def reply(self, method: str, address: str, authorization: str) -> tuple[int, bytes]:
        self.asked.append(address)
        if self.login is not None and not self.login.admits(method, address, authorization):
            return 401, b"<html>401</html>"
        body = self.body(address)
        return (404, b'{"code": 404, "message": "No handler"}') if body is None else (self.status, body)


@dataclass
class Miniserver(WebDevice):
    """A Loxone look-alike: objects with the text they show; what was written."""

    objects: dict[str, str] = field(default_factory=dict)
    written: list[tuple[str, str]] = field(default_factory=list)

    def body(self, address: str) -> bytes:
        name, _, value = address.removeprefix("/jdev/sps/io/").partition("/")
        name = unquote(name)
        if value and name in self.objects:
            self.written.append((name, value))
            self.objects[name] = value
        code = "200" if name in self.objects else "404"
        return json.dumps({"LL": {"control": address, "value": self.objects.get(name, ""), "Code": code}}).encode()


D = TypeVar("D", bound=WebDevice)


@contextmanager
def served(device: D) -> Iterator[D]:
    """Serve it on a free port."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if device.silent:
                over.wait(10)
                return
            status, body = device.reply("GET", self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            if status == 401 and device.login is not None:
                self.send_header("WWW-Authenticate", device.login.challenge)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    device.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield device
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def web_driver(
    point_map: PointMap, port: int, options: Options | None = None, user: str | None = None, password: str = ""
) -> WebDriver:
    """A driver of a map on a port of this machine, without gaps, at noon."""
    endpoint = WebEndpoint("127.0.0.1", port, user, "PASSWORD", timeout_s=0.5)
    gateway = WebGateway(endpoint, {"PASSWORD": password})
    dialect = DIALECTS.get(point_map.driver, Dialect())
    options = {"gap_s": 0.0, **(options or {})}
    described = Described("device", point_map, FAMILIES[point_map.driver], options, SimulatedClock(NOON))
    return WebDriver(described, gateway, dialect)
