"""The server that chargers call: who is let in, whose connection counts, and what drivers have done with it.

It decides nothing and repeats nothing: a charger is told what a driver brings, when it brings it, and what was told is
known until the charger says that it was started anew. It has no database and reads no plan.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from ems_pipeline.devices import local_socket
from ems_pipeline.devices.ocpp.admission import Door, Expected, name_in, stranger
from ems_pipeline.devices.ocpp.box import Box
from ems_pipeline.devices.ocpp.channel import socket_path
from ems_pipeline.devices.ocpp.charger import Charger, Terms
from ems_pipeline.devices.ocpp.profile import Order
from ems_pipeline.devices.ocpp.station import NotTaken, Station
from ems_pipeline.devices.ocpp.v16 import Station16
from ems_pipeline.devices.ocpp.v201 import Station201
from ems_pipeline.plain_text import plain
from ems_pipeline.time_grid import Clock

STATIONS: Mapping[str, type[Station16 | Station201]] = {kind.version: kind for kind in (Station201, Station16)}
"""By WebSocket subprotocol, the one we like best first."""
PING_S, PONG_S = 45, 30
"""A socket that died without a word is noticed after both."""
LONGEST_MESSAGE = 1 << 16
LOOK_S = 5.0
"""How long a reading waits for what a charger should say first."""
MOST_STRANGERS, REMEMBERED = 50, timedelta(hours=1)
QUIET = logging.getLogger(f"{__name__}.websockets")
QUIET.setLevel(logging.CRITICAL)
"""Every handshake of a stranger would be a line."""
logger = logging.getLogger(__name__)


class Entrance:
    """One door with whoever came through it: chargers by device, boxes by the name they call; ``stations`` by that name
    are the newest connection of each."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self.door, self.clock = door, clock
        self.chargers: dict[str, Charger] = {}
        self.boxes: dict[str, Box] = {}
        self.stations: dict[str, Station16 | Station201] = {}
        self.strangers: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self._terms: Mapping[str, Terms] = {}
        self._asked: set[str] = set()
        """Names that no file has any more and a driver still asks for: what stands there is to be let go."""
        self._servers: list[Server | asyncio.Server] = []
        self._ending: set[asyncio.Task[None]] = set()

    def expect(self, terms: Mapping[str, Terms]) -> None:
        """Know these chargers from now on; what is known of others stays."""
        self._terms = terms
        for name, own in terms.items():
            self.chargers.setdefault(name, Charger(name, self.clock)).terms = own
        for box in self.boxes.values():
            box.places.clear()
        for charger in sorted(self.chargers.values(), key=lambda c: c.name not in terms):
            self._box_of(charger).put(charger)

    def _box_of(self, charger: Charger) -> Box:
        name = charger.terms.station or charger.name
        return self.boxes.setdefault(name, Box(name, self.clock))

    def _charger(self, name: str) -> Charger:
        """Whom a driver asks for; one that no file names any more may still hold something of ours."""
        if name not in self._terms:
            self._asked.add(name)
        if name not in self.chargers:
            charger = self.chargers[name] = Charger(name, self.clock)
            self._box_of(charger).put(charger)
        return self.chargers[name]

    def _is_known(self, station: str) -> bool:
        """Whether somebody of this name may call."""
        named = self.boxes[station].chargers() if station in self.boxes else ()
        return any(charger.name in self._terms or charger.name in self._asked for charger in named)

    async def open(self, context: ssl.SSLContext | None) -> int:
        """Listen for chargers and for drivers; the port. OSError: it cannot be listened at."""
        listening = await serve(
            self._connected, self.door.host, self.door.port, process_request=self._admit,
            subprotocols=[Subprotocol(name) for name in STATIONS], compression=None, max_size=LONGEST_MESSAGE,
            ping_interval=PING_S, ping_timeout=PONG_S, close_timeout=2, server_header=None, ssl=context, logger=QUIET,
        )  # fmt: skip
        self._servers.append(listening)
        port = int(next(iter(listening.sockets)).getsockname()[1])
        self._servers.append(await local_socket.listen(socket_path(port), self.answer))
        return port

    async def close(self) -> None:
        """Listen no more; chargers call again where somebody listens."""
        for server in self._servers:
            server.close()
        for server in self._servers:
            with suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 3)
        self._servers.clear()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        name = name_in(request.path)
        why = stranger(self.door, name, request.headers.get("Authorization"))
        if why:
            self._note(name, connection, why)
            refused = connection.respond(HTTPStatus.UNAUTHORIZED, "who are you?\n")
            refused.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
            return refused
        if not self._is_known(name):
            self._note(name, connection, "no device of a site file has this name")
            return connection.respond(HTTPStatus.NOT_FOUND, "nobody of this name is expected\n")
        return None

    def _note(self, name: str, connection: ServerConnection, why: str) -> None:
        shown, peer = plain(name, 60), str((connection.remote_address or ("?",))[0])
        times = self.strangers.pop(shown)[1]["times"] + 1 if shown in self.strangers else 1
        now = self.clock.now()
        told = {"name": shown, "peer": peer, "why": why, "at": f"{now:%Y-%m-%d %H:%M:%S} UTC", "times": times}
        self.strangers[shown] = now, told
        while len(self.strangers) > MOST_STRANGERS:
            self.strangers.pop(next(iter(self.strangers)))
        if times == 1:
            logger.warning("%s from %s was refused: %s", shown, peer, why)

    async def _connected(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        name = name_in(connection.request.path)
        box = self.boxes[name]
        station = STATIONS[connection.subprotocol or ""](box, connection)
        former = self.stations.get(name)
        self.stations[name] = station
        if former is not None:
            logger.info("%s called in again; its former connection is closed", name)
            ending = asyncio.ensure_future(former._connection.close(1008, "a newer connection has its place"))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
        box.came(station.version)
        why = "its connection broke"
        try:
            await station.listen()
        except ConnectionClosed as end:
            close = end.rcvd or end.sent
            why = f"its connection ended ({close.code} {plain(close.reason, 60)})".replace(" )", ")") if close else why
        finally:
            if self.stations.get(name) is station:
                del self.stations[name]
                box.left(why)

    async def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What a driver gets; ``fault`` says why it gets no more, ``is_gone`` that nobody is there at all."""
        if request["do"] == "who":
            return self.glance()
        name = str(request["name"])
        charger = self._charger(name)
        station = self.stations.get(self._box_of(charger).name)
        if station is None:
            return {"fault": charger.fault(), "is_gone": True}
        if request["do"] == "read":
            return await self._read(charger, station, is_fresh=request.get("fresh") is True)
        try:
            await DOINGS[str(request["do"])](station, charger, request)
        except NotTaken as refusal:
            return {"fault": f"{name}: {refusal}"}
        return {}

    async def _read(self, charger: Charger, station: Station16 | Station201, *, is_fresh: bool) -> dict[str, Any]:
        with suppress(TimeoutError):
            await asyncio.wait_for(station.look(charger), LOOK_S)
        if is_fresh:
            with suppress(TimeoutError):
                await asyncio.wait_for(station.offer(charger), LOOK_S)
        if fault := charger.fault():
            return {"fault": fault, "is_gone": True}
        return charger.document()

    def glance(self) -> dict[str, Any]:
        """Who has called in and who was refused, for people."""
        since = self.clock.now() - REMEMBERED
        return {
            "chargers": [self.chargers[name].glance() for name in self._terms],
            "strangers": [told for at, told in self.strangers.values() if at >= since],
        }


async def _tell(station: Station, charger: Charger, request: Mapping[str, Any]) -> None:
    until_at = datetime.fromtimestamp(float(request["until"]), UTC)
    await station.tell(charger, Order(float(request["limit_a"]), int(request["phases"]), until_at))


DOINGS: Mapping[str, Callable[[Station, Charger, Mapping[str, Any]], Awaitable[None]]] = {
    "tell": _tell,
    "safe": lambda station, charger, request: station.make_safe(charger, float(request["limit_a"])),
    "clear": lambda station, charger, _: station.clear(charger),
    "start": lambda station, charger, _: station.start(charger),
}
"""What a driver may have done to a charger."""


class Central:
    """All entrances of this machine, as the site files say."""

    def __init__(self, clock: Clock, context: ssl.SSLContext | None = None) -> None:
        self.clock, self.context = clock, context
        self.entrances: dict[Door, Entrance] = {}
        self.ports: dict[Door, int] = {}

    async def follow(self, found: Expected) -> list[str]:
        """Open and close entrances until they are those expected; what could not be opened, with the reason."""
        for door in self.entrances.keys() - found.doors.keys():
            await self.entrances.pop(door).close()
        faults = list(found.faults)
        for door, terms in found.doors.items():
            entrance = self.entrances.get(door) or Entrance(door, self.clock)
            entrance.expect(terms)
            if door in self.entrances:
                continue
            try:
                self.ports[door] = await entrance.open(self.context)
            except OSError as error:
                await entrance.close()
                faults.append(f"{door.host}:{door.port} cannot be listened at: {error.strerror or error}")
                continue
            self.entrances[door] = entrance
        return faults

    async def close(self) -> None:
        """Close all entrances."""
        await self.follow(Expected())


def tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What chargers are shown; None: they are not answered by TLS. OSError: a file cannot be used."""
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context
