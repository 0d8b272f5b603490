"""Clients of an HTTP server over raw sockets: what they ask costs less than what the server does for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle

LOOKED_S = 0.2
Ask = Callable[[], bytes]
"""The next request of a client, whole."""


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it was answered, until it is told to stop."""

    def __init__(self, ask: Ask, statuses: Counter[int]) -> None:
        self._ask, self._statuses, self._left = ask, statuses, b""
        self.is_stopped = False
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._ask())

    def data_received(self, data: bytes) -> None:
        self._left += data
        head, found, rest = self._left.partition(b"\r\n\r\n")
        if not found or len(rest) < _length(head):
            return
        self._left = b""  # one question at a time
        self._statuses[int(head[9:12])] += 1
        if self.is_stopped:
            self._transport.close()
        else:
            self._transport.write(self._ask())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)


def _length(head: bytes) -> int:
    _, _, after = head.lower().partition(b"content-length:")
    return int(after.split(b"\r\n", 1)[0] or 0)


def get(path: str, tokens: list[str]) -> Ask:
    """Requests for a path, each with the next token: one alone would be told to ask more slowly."""
    heads: Iterator[bytes] = cycle(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode() for token in tokens
    )
    return lambda: next(heads)


def post(path: str, body: bytes) -> Ask:
    """The same request again and again."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    return lambda: head.encode() + body


async def hammer(
    port: int, ask: Ask, clients: int, for_s: float, is_over: Callable[[], bool] = lambda: False
) -> Counter[int]:
    """Ask with so many connections at once for so long, or until it is over; answers by status."""
    statuses: Counter[int] = Counter()
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Client(ask, statuses), "127.0.0.1", port) for _ in range(clients)]
    until_s = loop.time() + for_s
    while (left_s := until_s - loop.time()) > 0 and not is_over():
        await asyncio.sleep(min(left_s, LOOKED_S))
    for _, client in made:
        client.is_stopped = True
    await asyncio.wait([client.ended for _, client in made], timeout=10.0)
    for transport, _ in made:
        transport.close()
    return statuses
