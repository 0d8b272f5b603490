"""One connection to one Modbus gateway, with the manners a serial bus behind it needs; it alone talks by pymodbus.

RS485 is half duplex: one request in flight per bus, silence after each answer, nothing pipelined. The rules about
timeouts come from experiments with late answers: with RTU framing over TCP one late answer shifts every following
answer by one request without any error, so after a timeout the connection is dropped and the line left alone for a
while. Add here what concerns every Modbus conversation; what registers mean belongs to point maps.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo, always
from ems_pipeline.devices.modbus import stray
from ems_pipeline.devices.modbus.answers import DECODER
from ems_pipeline.devices.points.reading import Quality

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
"""Its error lines dump packets and repeat what `DeviceFault` says once."""

EXCEPTIONS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledged, still working",
    6: "busy",
    8: "memory parity",
    10: "gateway path unavailable",
    11: "gateway got no answer from the device",
}
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2
BIT_READS = (1, 2)
Framing = Literal["modbus-tcp", "rtu-over-tcp"]
MOST_HEARD = 520
"""Bytes kept of what comes instead of an answer: two of the longest frames."""
GATEWAY_SILENCE = frozenset({10, 11})
"""Said by the gateway about one slave; the slave is silent, not the gateway."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a gateway listens and how it frames. `gap_s` is the silence it needs between requests."""

    host: str
    port: int
    framing: Framing = "modbus-tcp"
    timeout_s: float = 2.0
    gap_s: float = 0.0


class Connection:
    """All traffic to one gateway goes through here, one request at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.requests = 0
        self._client: AsyncModbusTcpClient | None = None
        self._turn = asyncio.Lock()
        self._quiet_until = 0.0
        self._sent = b""
        self._heard = bytearray()
        """What came since the last request was sent."""

    async def read(
        self, unit_id: int, function: Literal[1, 2, 3, 4], start: int, count: int, gap_s: float = 0.0
    ) -> tuple[int, ...]:
        """``count`` registers from ``start``; by functions 1 and 2 as many bits, each 0 or 1.

        Raises:
            DeviceFault: no, a negative or an unusable answer.
        """

        def ask(client: AsyncModbusTcpClient) -> Awaitable[ModbusPDU]:
            match function:
                case 1:
                    return client.read_coils(start, count=count, device_id=unit_id)
                case 2:
                    return client.read_discrete_inputs(start, count=count, device_id=unit_id)
                case 3:
                    return client.read_holding_registers(start, count=count, device_id=unit_id)
            return client.read_input_registers(start, count=count, device_id=unit_id)

        answer = await self._exchange(ask, function, gap_s)
        if function in BIT_READS:  # they come in whole bytes
            came, wanted, what = tuple(map(int, answer.bits)), -(-count // 8) * 8, "bits"
        else:
            came, wanted, what = tuple(answer.registers), count, "registers"
        if len(came) != wanted:
            await self.close()
            raise DeviceFault(Quality.GARBAGE, f"asked for {count} {what} from {start} and got {len(came)}")
        return came[:count]

    async def write(
        self,
        unit_id: int,
        function: Literal[5, 6, 16],
        start: int,
        words: Sequence[int],
        gap_s: float = 0.0,
        may_go: MayGo = always,
    ) -> tuple[int, ...]:
        """Write ``words`` from ``start`` on, once: a write is never repeated here. Function 5 writes one coil, 0 or 1.

        Returns:
            What the answer says was written; function 16 does not say.

        Raises:
            DeviceFault: no, a negative or an unusable answer, or ``may_go`` held it back.
        """

        def ask(client: AsyncModbusTcpClient) -> Awaitable[ModbusPDU]:
            if function == 5:
                return client.write_coil(start, bool(words[0]), device_id=unit_id)
            if function == 6:
                return client.write_register(start, words[0], device_id=unit_id)
            return client.write_registers(start, list(words), device_id=unit_id)

        answer = await self._exchange(ask, function, gap_s, may_go)
        if answer.address != start:
            await self.close()
            raise DeviceFault(Quality.GARBAGE, f"wrote to address {start}, the answer speaks of {answer.address}")
        if function == 5:
            return tuple(map(int, answer.bits[:1]))
        return tuple(answer.registers[:1]) if function == 6 else ()

    async def connect(self) -> None:
        """Open the connection now instead of with the first request.

        Raises:
            DeviceFault: nobody listens.
        """
        async with self._turn:
            if self._client is None or not self._client.connected:
                await self._opened()

    async def close(self) -> None:
        """Let the connection go; the next request opens a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _exchange(
        self,
        ask: Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]],
        function: int,
        gap_s: float,
        may_go: MayGo = always,
    ) -> ModbusPDU:
        async with self._turn:
            if self._quiet_until:
                await self._silence()
            client = self._client
            if client is None or not client.connected:
                client = await self._opened()
            if may_go is not always and (halted := await may_go()):  # after every wait: what follows goes out at once
                raise DeviceFault(Quality.REFUSED, halted)
            self.requests += 1
            try:
                answer = await ask(client)
            except ModbusException as error:
                await self._drop()
                reason, came = f"no usable answer in {self.endpoint.timeout_s:g} s", self._came_instead()
                said = f"{reason}: {came}" if came else reason
                raise DeviceFault(Quality.NO_ANSWER, said, device_wide=True, was_heard=bool(came)) from error
            except BaseException:  # a cancelled request is a timeout for the stream: its answer may still come
                await self._drop()
                raise
            silence_s = max(gap_s, self.endpoint.gap_s)
            self._quiet_until = _now() + silence_s if silence_s else 0.0
        return _judged(answer, function)

    async def _opened(self) -> AsyncModbusTcpClient:
        end = self.endpoint
        framer = FramerType.SOCKET if end.framing == "modbus-tcp" else FramerType.RTU
        client = AsyncModbusTcpClient(
            end.host,
            port=end.port,
            framer=framer,
            timeout=end.timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._overhear,
        )
        client.ctx.framer.decoder = DECODER
        if not await client.connect():
            client.close()
            raise DeviceFault(
                Quality.NO_ANSWER, f"no gateway answers at {end.host}:{end.port}; check cable and address"
            )
        self._client = client
        return client

    def _overhear(self, sending: bool, packet: bytes) -> bytes:
        """pymodbus's hook for every packet: keeps what was asked and what came since."""
        if sending:
            self._sent, self._heard = packet, bytearray()
        elif len(self._heard) < MOST_HEARD:
            self._heard += packet[: MOST_HEARD - len(self._heard)]
        return packet

    def _came_instead(self) -> str:
        return stray.cause(self.endpoint.framing, self._sent, bytes(self._heard))

    async def _drop(self) -> None:
        """After a lost answer: close, and in RTU framing let a late answer pass by before anybody asks again."""
        await self.close()
        if self.endpoint.framing == "rtu-over-tcp":
            self._quiet_until = _now() + self.endpoint.timeout_s

    async def _silence(self) -> None:
        remaining = self._quiet_until - _now()
        if remaining > 0:
            await asyncio.sleep(remaining)


def _judged(answer: ModbusPDU, function: int) -> ModbusPDU:
    """The answer, unless it is an exception or belongs to another kind of request."""
    if answer.isError():
        code = answer.exception_code
        silent = code in GATEWAY_SILENCE
        reason = f"exception {code}: {EXCEPTIONS.get(code, 'unknown')}"
        quality = Quality.NO_ANSWER if silent else Quality.REFUSED
        raise DeviceFault(quality, reason, device_wide=silent, illegal_address=code == ILLEGAL_ADDRESS)
    if answer.function_code != function:
        raise DeviceFault(Quality.GARBAGE, f"asked with function {function}, answered with {answer.function_code}")
    return answer


def _now() -> float:
    return asyncio.get_running_loop().time()
