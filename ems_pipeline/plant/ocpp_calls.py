"""The chargers of a plant call in: a WebSocket client for each, which says what its twin shows and does as it is told.

The frames and their schemas are the `ocpp` library's, on this side, too: what we are told is held against them. A
charger says what has changed twice a second, its meter and its heartbeat by the plant's own clock.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.headers import build_authorization_basic
from websockets.typing import Subprotocol

from ems_pipeline.devices.ocpp.central import Entrance
from ems_pipeline.plant.ocpp_said import Speaker
from ems_pipeline.plant.ocpp_said16 import Speaker16
from ems_pipeline.plant.ocpp_said201 import Speaker201
from ems_pipeline.plant.ocpp_twin import Cabinet
from ems_pipeline.plant.refusals import Refused, Silent

T = TypeVar("T")
POLL_S, AGAIN_S = 0.5, 0.5
SPEAKERS: Mapping[str, type[Speaker16 | Speaker201]] = {"ocpp1.6": Speaker16, "ocpp2.0.1": Speaker201}
"""By WebSocket subprotocol."""


class Caller:
    """One station of the plant, calling in until it is told to end; with whatever its first connector feels."""

    def __init__(self, name: str, cabinet: Cabinet, url: str, version: str, password: str | None) -> None:
        self.name, self.cabinet, self.url, self.version, self.password = name, cabinet, url, version, password
        self.speaker: Speaker | None = None
        self._connection: ClientConnection | None = None

    async def call(self) -> None:
        """Connect, speak, connect again."""
        while True:
            with suppress(OSError, WebSocketException, TimeoutError, Refused, Silent):
                self.cabinet.twins[0].check_alive()
                await self._call_once()
            await asyncio.sleep(AGAIN_S)

    async def _call_once(self) -> None:
        twin, headers = self.cabinet.twins[0], {}
        if self.password is not None:
            headers["Authorization"] = build_authorization_basic(self.name, self.password)
        async with connect(
            f"{self.url}/{self.name}", subprotocols=[Subprotocol(self.version)], additional_headers=headers,
            compression=None, ping_interval=None, open_timeout=5, close_timeout=1, proxy=None,
        ) as connection:  # fmt: skip
            self._connection = connection
            speaker = SPEAKERS[self.version](self.cabinet, connection)
            listening = asyncio.ensure_future(speaker.start())
            try:
                await speaker.boot()
                self.speaker = speaker
                while not listening.done():
                    if "silent" not in twin.moods:
                        await speaker.report()
                    await asyncio.wait([listening], timeout=POLL_S)
            finally:
                self.speaker = self._connection = None
                listening.cancel()
                with suppress(asyncio.CancelledError, ConnectionClosed):
                    await listening

    async def settle(self) -> None:
        """Be connected, and have said everything there is to say."""
        while True:
            if self.speaker is not None:
                with suppress(WebSocketException):  # it has just lost its connection
                    return await self.speaker.report()
            await asyncio.sleep(0.01)

    async def hang_up(self) -> None:
        """Drop the connection without a word."""
        if self._connection is not None:
            self._connection.transport.abort()


class Switchboard:
    """A thread with an event loop, in which everything of OCPP in a plant runs."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="plant-ocpp", daemon=True)
        self._thread.start()
        self.callers: dict[str, Caller] = {}
        self._calls: list[asyncio.Task[None]] = []
        self.served: list[Entrance] = []

    def do(self, work: Coroutine[Any, Any, T], timeout_s: float = 30.0) -> T:
        """Its result, from whatever thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def serves(self, entrance: Entrance) -> None:
        """Close an entrance of the plant's own with all else."""
        self.served.append(entrance)

    def call_in(self, callers: Mapping[str, Caller]) -> None:
        """Have chargers call from now on."""
        self.callers |= callers

        async def begin() -> None:
            self._calls += [asyncio.ensure_future(caller.call()) for caller in callers.values()]

        self.do(begin())

    def again(self, name: str) -> Caller:
        """A second connection of the same charger, which keeps calling, too."""
        one = self.callers[name]
        second = Caller(one.name, one.cabinet, one.url, one.version, one.password)

        async def begin() -> None:
            self._calls.append(asyncio.ensure_future(second.call()))

        self.do(begin())
        return second

    def hang_up_for_good(self) -> None:
        """All of them are gone."""

        async def hung_up() -> None:
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)
            while any(entrance.stations for entrance in self.served):
                await asyncio.sleep(0.01)

        self.do(hung_up())

    def settle(self) -> None:
        """All of them are connected and have said everything there is to say."""

        async def settled() -> None:
            await asyncio.gather(*(caller.settle() for caller in self.callers.values()))

        self.do(settled())

    def end(self) -> None:
        """All connections end, and the thread with them."""

        async def ended() -> None:
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)
            await asyncio.gather(*(entrance.close() for entrance in self.served))

        self.do(ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()
