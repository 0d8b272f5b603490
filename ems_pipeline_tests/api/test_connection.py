"""Nobody holds a place for long: heads end within their time and size, and an answer that nobody takes is given up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
import uvicorn

from ems_pipeline.api import connection
from ems_pipeline.api.connection import BoundedConnection, Joined

SOON_S = 20.0
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 32 * 1024 * 1024
"""More than any buffer between two sockets."""
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Answering:
    """An application that answers with so many bytes, and notes how that ended."""

    def __init__(self, size: int, part: int = 1 << 16) -> None:
        self.size, self.part, self.sent, self.ended = size, part, 0, asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        head = [(b"content-length", str(self.size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        with contextlib.suppress(OSError):
            for _ in range(0, self.size, self.part):
                await send({"type": "http.response.body", "body": bytes(min(self.size, self.part)), "more_body": True})
                self.sent += self.part
            await send({"type": "http.response.body", "body": b""})
        self.ended.set()


@asynccontextmanager
async def connected(app: Answering) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(app, http=BoundedConnection, lifespan="off", log_level="critical")  # type: ignore[arg-type]
    config.load()
    server = uvicorn.Server(config)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: BoundedConnection(config, server.server_state, {}, loop), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname()[:2], limit=1 << 16)
    yield reader, writer
    writer.transport.abort()
    listening.close()


def run(talk: Awaitable[None]) -> None:
    asyncio.run(asyncio.wait_for(talk, SOON_S))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-More: ", GET + b"GET / HTTP/1.1\r\n"]
)
def test_a_head_that_does_not_end_in_its_time_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)

    async def talk() -> None:
        async with connected(Answering(2)) as (reader, writer):
            writer.write(begun)
            said = await reader.read(-1)  # to the end, which the server makes
            assert (said.count(b"200 OK"), said.count(b"408 Request Timeout")) == (begun.startswith(GET), 1)

    run(talk())


def test_a_head_has_a_size() -> None:
    async def talk() -> None:
        async with connected(Answering(2)) as (reader, writer):
            writer.write(GET[:-2])
            with contextlib.suppress(ConnectionError):
                for n in range(100):
                    writer.write(b"X-%d: " % n + b"x" * 4096 + b"\r\n")
                    await writer.drain()
            with contextlib.suppress(ConnectionError):  # a reset where more was on its way
                assert b"431" in await reader.read(-1)

    run(talk())


def test_who_takes_nothing_of_an_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "READER_S", 0.2)

    async def talk() -> None:
        async with connected(app := Answering(LARGE)) as (_, writer):
            writer.write(GET)
            await app.ended.wait()

    run(talk())


def test_who_goes_on_taking_gets_all_of_it() -> None:
    async def talk() -> None:
        async with connected(Answering(LARGE)) as (reader, writer):
            writer.write(GET)
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            assert len(await reader.readexactly(LARGE)) == LARGE
            writer.write(GET)
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n"), "and the connection serves on"

    run(talk())


def test_an_answer_in_many_small_parts_waits_for_its_reader() -> None:
    async def talk() -> None:
        async with connected(app := Answering(LARGE, part=1024)) as (reader, writer):
            writer.write(GET)
            await reader.readuntil(b"\r\n\r\n")
            assert app.sent < LARGE, "all of it is held in memory"
            assert len(await reader.readexactly(LARGE)) == LARGE

    run(talk())


def test_head_and_body_of_a_small_answer_are_one_message() -> None:
    class Noted:
        written: ClassVar[list[bytes]] = []

        def write(self, data: bytes) -> None:
            self.written.append(data)

        def close(self) -> None:
            self.written.append(b"closed")

    async def talk() -> None:
        joined = Joined(Noted(), asyncio.get_running_loop())  # type: ignore[arg-type]
        joined.write(b"head ")
        joined.write(b"body")
        await asyncio.sleep(0)
        joined.write(b"last")
        joined.close()
        await asyncio.sleep(0)
        assert Noted.written == [b"head body", b"last", b"closed"]

    run(talk())
