"""One connection of HTTP within bounds: who sends a head slowly or without end, or takes no answer, is let go.

Uvicorn bounds how long a connection may be idle after an answer, neither how long or large a head may be nor how long
an answer may wait to be taken: each would hold one of the places that others want.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S, MOST_HEAD_BYTES = 10.0, 64 * 1024
"""From the connection, or the first byte of a later request, to the end of its head; and the size of that."""
READER_S = 30.0
"""So long a client may take nothing of an answer that is under way."""
LARGE_BYTES, MOST_PARTS = 4096, 16
"""A part of an answer of this size waits for no other, nor do so many."""
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Joined:
    """A transport that hands on what is written in one turn of the loop at once: head and body are one message.

    Uvicorn writes them apart, and each write is a call into the kernel, the dearest part of a small answer.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        if len(data) >= LARGE_BYTES or len(self._held) >= MOST_PARTS:
            self._flush()  # or an answer of many parts would never be told to wait for its reader

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def bare(self) -> asyncio.Transport:
        """The transport itself, for another protocol from here on; what is held goes out first."""
        self._flush()
        return self._transport

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, []
            self._transport.write(b"".join(held))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedConnection(HttpToolsProtocol):
    """As uvicorn's own, with the bounds above."""

    _head: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None
    _is_in_head = False
    _heard = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Joined(transport, self.loop))  # type: ignore[arg-type]
        self._begin_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._end_head()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_in_head and self._head is None:
            self._begin_head()  # only for a head that did not come whole: a timer is a cost, and most need none
        if self._head is not None:
            self._heard += len(data)
            if self._heard > MOST_HEAD_BYTES:
                self._refuse(TOO_LARGE)

    def handle_websocket_upgrade(self) -> None:
        """A message of a WebSocket is one write already: to hold it for a turn would double what it costs."""
        self.transport = self.transport.bare()  # type: ignore[attr-defined]
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader = self.loop.call_later(READER_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._end_reader()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        self._end_reader()
        super().connection_lost(exc)

    def _begin_head(self) -> None:
        self._heard = 0
        self._head = self.loop.call_later(HEAD_S, self._refuse, TOO_SLOW)

    def _end_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _end_reader(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def _refuse(self, answer: bytes) -> None:
        self._end_head()
        self.transport.write(answer)
        self.transport.close()
