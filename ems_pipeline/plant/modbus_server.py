"""Modbus servers of a plant: one per gateway, all in one thread with a loop of its own; the plant's only pymodbus.

Twins decide what is answered; here it is put on the wire.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
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
SERIAL = frozenset(transport for transport, framer in FRAMERS.items() if framer is FramerType.RTU)
"""Those with a serial line behind them."""
MISSING = 3
"""Each third answer of such a line does not arrive."""
MOST_PIECE, PIECE_S = 20, 0.002
"""Bytes of a piece of an answer, and the time between two."""
SERIAL_S = (0.14, 0.23)
"""What a serial line at 9600 baud and its converter take."""
CHATTER_UNIT, CHATTER_FRAMES, CHATTER_GAP_S, CHATTER_SILENCE_S = 9, 8, (0.17, 0.3), 2.5
"""Another unit's answers, by themselves: so many with such gaps, and then silence; 4 to 5 s in all."""
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
    """Whether it only passes bytes on, for one client: who is not there says nothing. Else the gateway says that nobody
    answers."""


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
        self.has_one_place = bus.is_transparent

    def callback_new_connection(self) -> Line:
        return Line(self)


class Line(ServerRequestHandler):
    """One client's connection, with whatever is wrong with the line."""

    server: Server

    def __init__(self, server: Server) -> None:
        super().__init__(server, None, None, None)  # type: ignore[no-untyped-call]
        self._chance = random.Random(len(server.active_connections))
        self._answers = 0

    def callback_connected(self) -> None:
        super().callback_connected()
        has_one_place = self.server.has_one_place or "single-client" in self.server.faults
        if has_one_place and len(self.server.active_connections) > 1:
            self.loop.call_soon(self.close)
        elif isinstance(self.framer, FramerRTU):
            self.loop.call_later(CHATTER_GAP_S[0], self._chatter, 0)

    def callback_data(self, data: bytes, addr: tuple[str, int] | None = None) -> int:
        if "half-open" in self.server.faults:
            return len(data)
        if "dropped" in self.server.faults:
            self.loop.call_soon(self.close)
            return len(data)
        return int(super().callback_data(data, addr))

    def send(self, data: bytes, addr: tuple[str, int] | None = None) -> None:
        faults, is_serial = self.server.faults, isinstance(self.framer, FramerRTU)
        self._answers += 1
        if "missing" in faults and self._answers % MISSING == 0:
            return
        if "garbage" in faults:
            data = self._chance.randbytes(self._chance.randint(1, 40))
        if "other-unit" in faults:
            data = other_unit_rtu(data) if is_serial else other_unit(data)
        if "foreign" in faults:
            data = (foreign_rtu(data) if is_serial else foreign(data)) + data
        delay_s = SLOW_S if "slow" in faults else self._chance.uniform(*SERIAL_S) if "serial-pace" in faults else 0.0
        hearers = self.server.active_connections.values() if "broadcast" in faults else [self]
        for hearer in hearers:
            if isinstance(hearer, Line):
                hearer.say(delay_s, self._pieces(data) if "fragment" in faults else [data], addr)

    def say(self, delay_s: float, pieces: Iterable[bytes], addr: tuple[str, int] | None) -> None:
        """Put the pieces of an answer on the wire, one after the other."""
        for nth, piece in enumerate(pieces):
            if delay_s or nth:
                self.loop.call_later(delay_s + nth * PIECE_S, super().send, piece, addr)
            else:
                super().send(piece, addr)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            size = self._chance.randint(1, MOST_PIECE)
            yield data[:size]
            data = data[size:]

    def _chatter(self, nth: int) -> None:
        """Others on the line talk among themselves, and are silent for the rest of a cycle."""
        if self.is_closing or not self.is_active():
            return
        if "chatter" in self.server.faults and nth < CHATTER_FRAMES:
            super().send(frame_rtu(bytes([CHATTER_UNIT, 3, 4]) + self._chance.randbytes(4)))
        pause_s = self._chance.uniform(*CHATTER_GAP_S) if nth < CHATTER_FRAMES else CHATTER_SILENCE_S
        self.loop.call_later(pause_s, self._chatter, (nth + 1) % (CHATTER_FRAMES + 1))


def foreign(frame: bytes) -> bytes:
    """A well-formed Modbus TCP answer that belongs to another unit and another transaction, with other values."""
    transaction = (int.from_bytes(frame[:2], "big") + 7) & 0xFFFF
    values = bytes(b ^ 0x15 for b in frame[9:])
    return transaction.to_bytes(2, "big") + frame[2:6] + bytes([frame[6] ^ 0x40]) + frame[7:9] + values


def foreign_rtu(frame: bytes) -> bytes:
    """The same on a serial line: another unit's answer with a valid checksum."""
    return frame_rtu(bytes([frame[0] ^ 0x40]) + frame[1:3] + bytes(b ^ 0x15 for b in frame[3:-2]))


def other_unit(frame: bytes) -> bytes:
    """An answer to the right request, by the wrong unit."""
    return frame[:6] + bytes([frame[6] ^ 0x40]) + frame[7:]


def other_unit_rtu(frame: bytes) -> bytes:
    """The same on a serial line."""
    return frame_rtu(bytes([frame[0] ^ 0x40]) + frame[1:-2])


def frame_rtu(body: bytes) -> bytes:
    """What a serial line says, with its checksum."""
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
