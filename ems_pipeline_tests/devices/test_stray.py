"""What comes instead of an answer is named as the cause, with a remedy; values of it are never believed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from pymodbus.framer.rtu import FramerRTU

from ems_pipeline.devices.discovery.scan import scan
from ems_pipeline.devices.modbus.wire import Connection, Endpoint
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline_tests.devices.bench import driver, scripted

UNIT = 5


def pdu(packet: bytes) -> bytes:
    """The right answer to a read: zeros, as many as asked for."""
    count = int.from_bytes(packet[-2:], "big")
    return bytes([packet[1], 2 * count]) + bytes(2 * count)


def rtu(unit: int, body: bytes) -> bytes:
    frame = bytes([unit]) + body
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")


def tcp(transaction: int, unit: int, body: bytes) -> bytes:
    return transaction.to_bytes(2, "big") + b"\0\0" + (len(body) + 1).to_bytes(2, "big") + bytes([unit]) + body


def right(packet: bytes, framing: str) -> bytes:
    return pdu(packet[6:]) if framing == "modbus-tcp" else pdu(packet[:-2])


def read(framing: str, answer: Callable[[bytes, int], Awaitable[bytes]]) -> Reading:
    async def run() -> Reading:
        async with scripted(answer) as port:
            device = driver("eastron-sdm630", port, UNIT, timeout_s=0.3, framing=framing)
            (found,) = await device.read(["grid_power_w"])
            await device.close()
            return found

    return asyncio.run(run())


def transaction(packet: bytes) -> int:
    return int.from_bytes(packet[:2], "big")


CASES: list[tuple[str, Callable[[bytes], bytes], str]] = [
    (
        "modbus-tcp",
        lambda p: tcp(transaction(p) + 1, UNIT, right(p, "modbus-tcp")),
        "transaction id 2 came",
    ),
    ("modbus-tcp", lambda p: tcp(0xBEEF, UNIT, right(p, "modbus-tcp")), "transaction id 48879"),
    ("modbus-tcp", lambda p: tcp(transaction(p), 0, right(p, "modbus-tcp")), "unit id 0 came, unit 5 was asked"),
    ("modbus-tcp", lambda p: tcp(transaction(p), 9, right(p, "modbus-tcp")), "unit id 9 came, unit 5 was asked"),
    ("modbus-tcp", lambda p: rtu(UNIT, right(p, "modbus-tcp")), "rtu-over-tcp"),
    ("modbus-tcp", lambda p: b"HTTP/1.1 400 Bad Request\r\n\r\n", "no Modbus TCP answer; check what listens"),
    ("rtu-over-tcp", lambda p: p, "the request itself came back"),
    ("rtu-over-tcp", lambda p: p + rtu(UNIT, right(p, "rtu-over-tcp")), "the request itself came back"),
    ("rtu-over-tcp", lambda p: rtu(9, right(p, "rtu-over-tcp")), "unit id 9 came, unit 5 was asked"),
    ("rtu-over-tcp", lambda p: tcp(1, UNIT, right(p, "rtu-over-tcp")), "set the gateway's transport to modbus-tcp"),
    ("rtu-over-tcp", lambda p: b"\xff\x00\x13", "no whole frame; check baud rate"),
]


@pytest.mark.parametrize(("framing", "answer", "said"), CASES)
def test_a_frame_that_is_no_answer_is_named(framing: str, answer: Callable[[bytes], bytes], said: str) -> None:
    async def script(packet: bytes, _: int) -> bytes:
        return answer(packet)

    found = read(framing, script)
    assert (found.value, found.quality) == (None, Quality.NO_ANSWER)
    assert said in found.reason
    assert found.reason.startswith("no usable answer in 0.3 s: ")


@pytest.mark.parametrize(
    ("before", "said"),
    [(b"\xff\x00", "2 bytes of noise came before"), (rtu(9, b"\x04\x02\x00\x07"), "unit id 9 came, unit 5 was asked")],
)
def test_noise_or_a_stranger_before_the_right_answer_is_named_where_it_costs_the_answer(
    before: bytes, said: str
) -> None:
    async def script(packet: bytes, _: int) -> bytes:
        return before + rtu(UNIT, right(packet, "rtu-over-tcp"))

    found = read("rtu-over-tcp", script)
    assert found.quality is Quality.GOOD or said in found.reason


def test_silence_stays_silence() -> None:
    async def script(packet: bytes, _: int) -> bytes:
        return b""

    found = read("modbus-tcp", script)
    assert (found.quality, found.reason) == (Quality.NO_ANSWER, "no usable answer in 0.3 s")


def test_what_came_after_an_earlier_request_is_not_held_against_a_later_one() -> None:
    async def script(packet: bytes, number: int) -> bytes:
        return tcp(transaction(packet) + 1, UNIT, right(packet, "modbus-tcp")) if number == 0 else b""

    async def run() -> list[str]:
        async with scripted(script) as port:
            device = driver("eastron-sdm630", port, UNIT, timeout_s=0.2)
            return [(await device.read(["grid_power_w"]))[0].reason for _ in range(2)]

    first, second = asyncio.run(run())
    assert "transaction id" in first
    assert second == "no usable answer in 0.2 s"


def test_a_scan_shows_a_gateway_that_numbers_its_answers_itself() -> None:
    """Else it finds nobody, and the person at commissioning looks for a broken wire."""

    async def script(packet: bytes, _: int) -> bytes:
        return tcp(transaction(packet) + 1, packet[6], right(packet, "modbus-tcp"))

    async def run() -> list[str]:
        async with scripted(script) as port:
            wire = Connection(Endpoint("127.0.0.1", port, timeout_s=0.2))
            return [str(found) async for _, found in scan(wire, [UNIT])]

    (found,) = asyncio.run(run())
    assert found.startswith("unit 5: no usable answer in 0.2 s: an answer with transaction id")
