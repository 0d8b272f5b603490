"""The bus behind a converter, over real sockets with short times: what others say on it costs no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.gensets.link.bus import Manners, RtuBus
from ems_pipeline.gensets.link.frames import checksum

SHORT = Manners(
    timeout_s=0.15, silences=((0.0, 0.02), (0.3, 0.01)), give_up_s=0.5, after_send_s=0.001, between_s=0.001,
    other_slave_s=0.001, after_foreign_s=0.08, writes_s=2.0,
)  # fmt: skip
Say = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def answer(request: bytes, word: int = 0x0200) -> bytes:
    """What a good slave says to a request for registers, or the echo of a write."""
    if request[1] != 3:
        return request
    count = int.from_bytes(request[4:6], "big")
    body = request[:2] + bytes((2 * count,)) + word.to_bytes(2, "big") * count
    return body + checksum(body)


def foreign(slave: int = 9) -> bytes:
    body = bytes((slave, 3, 2, 0x12, 0x34))
    return body + checksum(body)


def on_a_bus(say: Say, use: Callable[[RtuBus], Awaitable[None]], manners: Manners = SHORT) -> list[int]:
    """Use a bus whose converter talks as told; how many requests each connection brought."""
    counts: list[int] = []

    async def converter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counts.append(0)
        at = len(counts) - 1
        try:
            while request := await reader.readexactly(8):
                counts[at] += 1
                await say(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(converter, "127.0.0.1", 0)
        bus = RtuBus("127.0.0.1", server.sockets[0].getsockname()[1], manners)
        await use(bus)
        await bus.renew()
        server.close()

    asyncio.run(run())
    return counts


async def status(bus: RtuBus, slave: int = 1) -> tuple[int, ...]:
    async with bus.turn(slave):
        return await bus.read(slave, 3, 0, 3)


def test_an_answer_in_single_bytes_is_put_together() -> None:
    async def say(request: bytes, writer: asyncio.StreamWriter) -> None:
        for byte in answer(request):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)

    async def use(bus: RtuBus) -> None:
        assert await status(bus) == (0x0200,) * 3

    on_a_bus(say, use)


def test_frames_of_others_before_ours_in_one_piece_are_passed_over() -> None:
    async def say(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff" + foreign() + answer(request) + foreign())

    async def use(bus: RtuBus) -> None:
        assert [await status(bus), await status(bus)] == [(0x0200,) * 3] * 2

    assert on_a_bus(say, use) == [2]


def test_a_late_answer_is_not_taken_for_the_next_ones() -> None:
    said: list[bytes] = []

    async def say(request: bytes, writer: asyncio.StreamWriter) -> None:
        said.append(request)
        if len(said) == 1:
            asyncio.get_running_loop().call_later(
                SHORT.timeout_s + 0.005, lambda: writer.write(answer(request, word=0xDEAD))
            )
        else:
            writer.write(answer(request))

    async def use(bus: RtuBus) -> None:
        assert await status(bus) == (0x0200,) * 3

    on_a_bus(
        say, use, replace(SHORT, silences=((0.0, 0.5),), give_up_s=5.0)
    )  # a machine that stalls for less sees them in order


def test_a_silent_slave_is_asked_twice_and_a_bus_that_hears_nothing_is_opened_anew() -> None:
    async def say(_: bytes, __: asyncio.StreamWriter) -> None:
        """The converter hangs."""

    async def use(bus: RtuBus) -> None:
        for _ in range(2):
            with pytest.raises(DeviceFault, match="did not answer"):
                await status(bus)

    assert on_a_bus(say, use) == [3, 1], "the third in vain counts as half open"


def test_a_refusal_is_no_silence() -> None:
    async def say(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes.fromhex("01 83 02 C0 F1"))

    async def use(bus: RtuBus) -> None:
        with pytest.raises(DeviceFault) as fault:
            await status(bus)
        assert fault.value.illegal_address

    assert on_a_bus(say, use) == [1]


def test_a_write_counts_when_its_whole_echo_came() -> None:
    said: list[bytes] = []

    async def say(request: bytes, writer: asyncio.StreamWriter) -> None:
        said.append(request)
        wrong = request[:4] + b"\x00\x01"
        writer.write(request if len(said) > 2 else wrong + checksum(wrong))

    async def use(bus: RtuBus) -> None:
        async with bus.turn(1):
            await bus.write(1, 6, 4352, 750)

    on_a_bus(say, use)
    assert len(said) == 3


def test_who_is_not_let_in_waits_ever_longer() -> None:
    async def run() -> None:
        bus = RtuBus("127.0.0.1", 1, SHORT)
        with pytest.raises(DeviceFault, match="no converter answers"):
            await status(bus)
        with pytest.raises(DeviceFault, match="tried again in 2 s"):
            await status(bus)

    asyncio.run(run())
