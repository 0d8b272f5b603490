"""Modbus servers of a plant: one per gateway, all in one thread with a loop of its own; the plant's only pymodbus.

Twins decide what is answered; here it is put on the wire.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.framer import FramerRTU, FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.simulator.simcore import SimCore

from ems_pipeline.devices.points.place import BITS, WRITE_COIL
from ems_pipeline.plant.faults import SLOW_S
from ems_pipeline.plant.refusals import Refused, Silent
from ems_pipeline.sites import Gateway
from ems_pipeline.sites.protocol import TransportName

FRAMERS: Mapping[TransportName, FramerType] = {"modbus-tcp": FramerType.SOCKET, "rtu-over-tcp": FramerType.RTU}
"""How packets are framed, by transport: those that are served here."""
BEYOND = 100
"""Registers that exist past the last one a map knows, for reads that run over."""
ANY_UNIT = 0
Action = Callable[
    [int, int, int, int, list[int], list[int] | list[bool] | None], Coroutine[None, None, ExcCodes | None]
]
"""Function, first register, address, count, registers (filled in place), values of a write."""
BIT_READS = tuple(BITS.values())
T = TypeVar("T")


class Answering(Protocol):
    """What stands behind a unit id."""

    @property
    def last_address(self) -> int:
        """The highest register it has."""
        ...

    def read(self, function: int, address: int, count: int) -> list[int]:
        """As `Twin.read`."""
        ...

    def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """As `Twin.write`."""
        ...


@dataclass(frozen=True)
class Bus:
    """What answers behind one gateway: twins by unit id."""

    gateway: Gateway
    twins: Mapping[int, Answering]
    faults: set[str] = field(default_factory=set)
    """Line faults at work now, see `faults.FAULTS`; read at every packet."""
    is_transparent: bool = False
    """Whether it only passes bytes on: who is not there says nothing. Else the gateway says that nobody answers."""


class Units(SimCore):
    """The devices behind a gateway. Bits are asked of the twins themselves: pymodbus keeps them in registers, and tells
    its hook of the registers around them and not how many bits were asked for."""

    def __init__(self, devices: list[SimDevice], twins: Mapping[int, Answering]) -> None:
        super().__init__(devices)
        self._twins = twins
        self._taken: list[bool] = []
        """What was written to a coil last; it is asked for right after as the echo."""

    async def async_getValues(
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        if func_code == WRITE_COIL and device_id in self._twins:
            return self._taken
        if func_code in BIT_READS and device_id in self._twins:
            found = answered(lambda: self._twins[device_id].read(func_code, address, count))
            return found if isinstance(found, ExcCodes) else [bool(bit) for bit in found]
        return await super().async_getValues(device_id, func_code, address, count)

    async def async_setValues(
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        if func_code != WRITE_COIL or device_id not in self._twins:
            return await super().async_setValues(device_id, func_code, address, values)
        self._taken = [bool(values[0])]
        return answered(lambda: self._twins[device_id].write(func_code, address, values))


class Server(ModbusTcpServer):
    """A server whose connections know the line's faults."""

    def __init__(self, bus: Bus, devices: list[SimDevice], **options: Any) -> None:
        super().__init__(devices, **options)
        self.context = Units(devices, bus.twins)
        self.faults = bus.faults

    def callback_new_connection(self) -> Line:
        return Line(self)


class Line(ServerRequestHandler):
    """One client's connection, with whatever is wrong with the line."""

    server: Server

    def __init__(self, server: Server) -> None:
        super().__init__(server, None, None, None)  # type: ignore[no-untyped-call]
        self._chance = random.Random(len(server.active_connections))

    def callback_connected(self) -> None:
        super().callback_connected()
        if "single-client" in self.server.faults and len(self.server.active_connections) > 1:
            self.loop.call_soon(self.close)

    def callback_data(self, data: bytes, addr: tuple[str, int] | None = None) -> int:
        if "half-open" in self.server.faults:
            return len(data)
        if "dropped" in self.server.faults:
            self.loop.call_soon(self.close)
            return len(data)
        return int(super().callback_data(data, addr))

    def send(self, data: bytes, addr: tuple[str, int] | None = None) -> None:
        if "garbage" in self.server.faults:
            data = self._chance.randbytes(self._chance.randint(1, 40))
        if "foreign" in self.server.faults:
            data = (foreign_rtu(data) if isinstance(self.framer, FramerRTU) else foreign(data)) + data
        hearers = self.server.active_connections.values() if "broadcast" in self.server.faults else [self]
        for say in [super(Line, hearer).send for hearer in hearers if isinstance(hearer, Line)]:
            if "slow" in self.server.faults:
                self.loop.call_later(SLOW_S, say, data, addr)
            else:
                say(data, addr)


def foreign(frame: bytes) -> bytes:
    """A well-formed Modbus TCP answer that belongs to another unit and another transaction, with other values."""
    transaction = (int.from_bytes(frame[:2], "big") + 7) & 0xFFFF
    values = bytes(b ^ 0x15 for b in frame[9:])
    return transaction.to_bytes(2, "big") + frame[2:6] + bytes([frame[6] ^ 0x40]) + frame[7:9] + values


def foreign_rtu(frame: bytes) -> bytes:
    """The same on a serial line: another unit's answer with a valid checksum."""
    body = bytes([frame[0] ^ 0x40]) + frame[1:3] + bytes(b ^ 0x15 for b in frame[3:-2])
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


@contextmanager
def serving_modbus(buses: Sequence[Bus]) -> Iterator[list[int]]:
    """Serve until the block ends; yields the ports in order (a gateway's port 0 means any free one).

    Raises:
        OSError: a port is taken.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="plant-modbus", daemon=True)
    thread.start()
    servers: list[ModbusTcpServer] = []
    try:
        ports = []
        for bus in buses:
            server, port = asyncio.run_coroutine_threadsafe(_start(bus), loop).result(timeout=10)
            servers.append(server)
            ports.append(port)
        yield ports
    finally:
        for server in servers:
            asyncio.run_coroutine_threadsafe(server.shutdown(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()


async def _start(bus: Bus) -> tuple[ModbusTcpServer, int]:
    gateway = bus.gateway
    devices = [_device(unit, _action(twin), twin.last_address + BEYOND) for unit, twin in bus.twins.items()]
    devices.append(_device(ANY_UNIT, _absent(bus), BEYOND))
    server = Server(
        bus,
        devices,
        framer=FRAMERS[gateway.transport],
        address=(gateway.host, gateway.port),
        ignore_missing_devices=True,
    )
    try:
        await server.serve_forever(background=True)
    except RuntimeError as error:
        raise OSError(
            f"gateway {gateway.key}: {gateway.host}:{gateway.port} is taken; stop what listens there or change the port"
        ) from error
    return server, int(server.transport.sockets[0].getsockname()[1])  # type: ignore[attr-defined]


def _device(unit: int, action: Action, registers: int) -> SimDevice:
    return SimDevice(unit, SimData(0, values=[0] * registers, datatype=DataType.REGISTERS), action=action)


def _action(twin: Answering) -> Action:
    """The server's hook for one unit: asks the twin, copies its words into the server's registers."""

    async def act(
        function: int, start: int, address: int, count: int, registers: list[int], values: list[int] | list[bool] | None
    ) -> ExcCodes | None:
        if values is not None:
            words = answered(lambda: twin.write(function, address, values)) or list(values)
        elif function in (3, 4):
            words = answered(lambda: twin.read(function, address, count))
        else:
            words = registers[address - start : address - start + count]  # the echo of a write just taken
        if isinstance(words, ExcCodes):
            return words
        registers[address - start : address - start + count] = words
        return None

    return act


def answered(ask: Callable[[], T]) -> T | ExcCodes:
    """What a twin says, or how pymodbus calls its refusal.

    Raises:
        NoSuchIdException: nothing, and so nothing is sent.
    """
    try:
        return ask()
    except Refused as refused:
        return ExcCodes(refused.code)
    except Silent:
        raise NoSuchIdException("the device keeps silent") from None


def _absent(bus: Bus) -> Action:
    """What is heard of a unit that is not there."""

    async def act(*_: object) -> ExcCodes | None:
        if bus.is_transparent:
            raise NoSuchIdException("a line alone says nothing for whoever is not there")
        return ExcCodes.GATEWAY_NO_RESPONSE

    return act
