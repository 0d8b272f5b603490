"""UDP servers of a plant: a socket per gateway in one thread, and one that hears broadcasts for all behind a port.

Twins decide what is answered; here it is put on the wire, with whatever is wrong with the wire.
"""

from __future__ import annotations

import ipaddress
import json
import selectors
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ems_pipeline.plant.faults import SLOW_S
from ems_pipeline.plant.marstek_twin import UNREADABLE, MarstekTwin, Refusal
from ems_pipeline.plant.refusals import Refused, Silent
from ems_pipeline.sites import Gateway

INTERNAL_ERROR = -32603
BROADCAST = "127.255.255.255"
"""Whom a datagram to it reaches is on this machine, as behind a router all that are in its network."""
GET_DEVICE = "Marstek.GetDevice"
Peer = tuple[str, int]


@dataclass
class Battery:
    """What answers behind a gateway."""

    gateway: Gateway
    twin: MarstekTwin
    faults: set[str] = field(default_factory=set)
    """Line faults at work now, see `faults.FAULTS`; read at every datagram."""
    asked: int = 0
    held_back: list[tuple[bytes, Peer]] = field(default_factory=list)
    """An answer that another one overtakes."""

    def answer(self, datagram: bytes) -> bytes | None:
        """What it says to a datagram; None: nothing."""
        try:
            asked = json.loads(datagram)
            number, method = int(asked["id"]) & 0xFFFF, str(asked["method"])
            parameters = asked.get("params", {})
        except (ValueError, KeyError, TypeError, RecursionError):
            return self._said(0, error={"code": UNREADABLE, "message": "Parse error"})
        try:
            return self._said(number, result=self.twin.call(method, parameters))
        except Refusal as refusal:
            return self._said(number, error={"code": refusal.code, "message": str(refusal)})
        except Refused:
            return self._said(number, error={"code": INTERNAL_ERROR, "message": "Internal error"})
        except Silent:
            return None

    def _said(self, number: int, **what: Mapping[str, Any]) -> bytes:
        return json.dumps({"id": number, "src": self.twin.source, **what}).encode()


@contextmanager
def serving_udp(batteries: Sequence[Battery]) -> Iterator[dict[str, int]]:
    """Serve until the block ends; yields the ports by gateway (a gateway's port 0 means any free one).

    Raises:
        OSError: a port is taken.
    """
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        ports: dict[str, int] = {}
        own: dict[str, socket.socket] = {}
        for battery in batteries:
            line = own[battery.gateway.key] = stack.enter_context(_bound(battery.gateway.host, battery.gateway.port))
            ports[battery.gateway.key] = line.getsockname()[1]
            selector.register(line, selectors.EVENT_READ, [(battery, line)])
        for port in set(ports.values()):
            behind = [(b, own[b.gateway.key]) for b in batteries if ports[b.gateway.key] == port and _is_here(b)]
            with suppress(OSError):  # another plant of this machine hears broadcasts there already
                ear = stack.enter_context(_bound(BROADCAST, port)) if behind else None
                if ear is not None:
                    selector.register(ear, selectors.EVENT_READ, behind)
        over = threading.Event()
        thread = threading.Thread(target=_serve, args=(selector, over), name="plant-udp", daemon=True)
        thread.start()
        try:
            yield ports
        finally:
            over.set()
            thread.join(timeout=10)


def _is_here(battery: Battery) -> bool:
    try:
        return ipaddress.ip_address(battery.gateway.host).is_loopback
    except ValueError:
        return False


def _bound(host: str, port: int) -> socket.socket:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        line.bind((host, port))
    except OSError:
        line.close()
        raise
    line.setblocking(False)
    return line


def _serve(selector: selectors.BaseSelector, over: threading.Event) -> None:
    while not over.is_set():
        for key, _ in selector.select(timeout=0.02):
            assert isinstance(key.fileobj, socket.socket)
            with suppress(OSError):
                datagram, peer = key.fileobj.recvfrom(65_535)
                is_broadcast = key.fileobj not in [line for _, line in key.data]
                if is_broadcast and GET_DEVICE.encode() not in datagram:
                    continue  # a battery does what it is told by name, and tells everybody only who it is
                for battery, line in key.data:
                    _reply(battery, line, datagram, peer)


def _reply(battery: Battery, line: socket.socket, datagram: bytes, peer: Peer) -> None:
    """The answer on the wire, with the line's faults; the request was taken whatever becomes of its answer."""
    answer, faults = battery.answer(datagram), battery.faults
    battery.asked += 1
    if answer is None or "half-open" in faults or ("lost" in faults and battery.asked % 2):
        return
    if "garbage" in faults:
        answer = bytes(b ^ 0x55 for b in answer)
    if "truncated" in faults and battery.asked % 2:
        answer = answer[: len(answer) // 2]
    if "foreign" in faults:
        line.sendto(_foreign(answer), peer)
    if "slow" in faults:
        later = threading.Timer(SLOW_S, _sent, (line, answer, peer))
        later.daemon = True
        later.start()
        return
    if "reordered" in faults:
        battery.held_back.append((answer, peer))
        if battery.asked % 2:
            return
        for late, whom in reversed(battery.held_back):
            _sent(line, late, whom)
        battery.held_back.clear()
        return
    _sent(line, answer, peer)
    if "duplicate" in faults:
        _sent(line, answer, peer)


def _sent(line: socket.socket, answer: bytes, peer: Peer) -> None:
    with suppress(OSError):  # whoever asked is gone, or the plant is
        line.sendto(answer, peer)


def _foreign(answer: bytes) -> bytes:
    """A well-formed answer to somebody else's request, with other values."""
    said = json.loads(answer)
    values = {k: v + 500 if isinstance(v, int) and not isinstance(v, bool) else v for k, v in said["result"].items()}
    return json.dumps({**said, "id": said["id"] % 0xFFFF + 7, "result": values}).encode()
