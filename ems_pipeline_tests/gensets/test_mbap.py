"""Modbus TCP over a real socket: frames as published, and whose answer an answer is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.gensets.link import tcp
from ems_pipeline.gensets.link.tcp import TcpLine

TIMEOUT_S = 0.1
Say = Callable[[bytes, asyncio.StreamWriter], Awaitable[None] | None]


def framed(request: bytes, pdu: str, transaction: int = 0) -> bytes:
    """An answer to a request, or to the one so many before it."""
    body = bytes.fromhex(pdu)
    number = int.from_bytes(request[:2], "big") + transaction
    return number.to_bytes(2, "big") + b"\0\0" + (len(body) + 1).to_bytes(2, "big") + request[6:7] + body


def talk(say: Say, use: Callable[[TcpLine], Awaitable[None]], monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Use a line whose gateway answers as told; what was asked of it."""
    monkeypatch.setattr(tcp, "BETWEEN_S", 0.0)
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked.append(await reader.readexactly(12))
                if (waiting := say(asked[-1], writer)) is not None:
                    await waiting
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        line = TcpLine("127.0.0.1", server.sockets[0].getsockname()[1], TIMEOUT_S)
        await use(line)
        await line.renew()
        server.close()

    asyncio.run(run())
    return asked


def test_a_request_and_its_answer_are_those_of_the_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    """Application Protocol 1.1b3, 6.3: registers 108 to 110 are 555, 0 and 100."""

    async def use(line: TcpLine) -> None:
        assert await line.read(17, 3, 107, 3) == (555, 0, 100)

    (asked,) = talk(lambda said, to: to.write(framed(said, "03 06 02 2B 00 00 00 64")), use, monkeypatch)
    assert asked == bytes.fromhex("00 01 00 00 00 06 11 03 00 6B 00 03")


def test_an_answer_in_pieces_and_behind_anothers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def say(said: bytes, to: asyncio.StreamWriter) -> None:
        whole = framed(said, "03 02 DE AD", transaction=-1) + framed(said, "03 02 00 07")
        for byte in whole:
            to.write(bytes((byte,)))
            await to.drain()
            await asyncio.sleep(0)

    async def use(line: TcpLine) -> None:
        assert await line.read(1, 3, 0, 1) == (7,)

    assert len(talk(say, use, monkeypatch)) == 1


def test_a_refusal_is_asked_once_and_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(line: TcpLine) -> None:
        with pytest.raises(DeviceFault, match="exception 2: illegal address") as fault:
            await line.read(1, 3, 0, 1)
        assert fault.value.illegal_address

    assert len(talk(lambda said, to: to.write(framed(said, "83 02")), use, monkeypatch)) == 1


@pytest.mark.parametrize("pdu", ["03 04 00 07 00 07", "04 02 00 07", ""])
def test_what_does_not_answer_the_question_is_no_value(pdu: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(line: TcpLine) -> None:
        with pytest.raises(DeviceFault):
            await line.read(1, 3, 0, 1)

    talk(lambda said, to: to.write(framed(said, pdu)), use, monkeypatch)


def test_an_answer_of_another_unit_is_never_taken_for_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(line: TcpLine) -> None:
        with pytest.raises(DeviceFault, match="unit 2 answered instead of 1"):
            await line.read(1, 3, 0, 1)

    def another(said: bytes, to: asyncio.StreamWriter) -> None:
        answer = bytearray(framed(said, "03 02 00 07"))
        answer[6] += 1
        to.write(answer)

    talk(another, use, monkeypatch)


def test_silence_is_asked_twice_on_two_connections_and_stands_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(line: TcpLine) -> None:
        with pytest.raises(DeviceFault, match=r"no usable answer in 0\.1 s") as fault:
            await line.read(1, 3, 0, 1)
        assert (fault.value.device_wide, fault.value.quality) == (True, Quality.NO_ANSWER)

    asked = talk(lambda *_: None, use, monkeypatch)
    assert [said[:2] for said in asked] == [b"\0\1", b"\0\1"], "the second connection counts anew"


def test_another_value_in_the_echo_is_no_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(line: TcpLine) -> None:
        with pytest.raises(DeviceFault, match="told 4352 750 and it echoed"):
            await line.write(1, 6, 4352, 750)

    talk(lambda said, to: to.write(framed(said, "06 11 00 02 E4")), use, monkeypatch)
