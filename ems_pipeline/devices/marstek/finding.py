"""Who answers a broadcast? Batteries that hear it say what they are; where they are is told by where the answer is
from.

Too many of these made some units flaky, so nobody asks but who sets up or has lost one. Anybody in the network may
answer: what is said is taken for what it is, the claim of a stranger, cut to length and counted.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ems_pipeline.devices.marstek import datagrams
from ems_pipeline.plain_text import plain

PORT = 30000
"""Where a battery listens whose owner has not chosen another port."""
WINDOW_S, AGAIN_S = 5.0, 2.0
"""How long answers are waited for, and when who has not heard is asked again."""
MOST, LONGEST = 64, 80
"""Batteries of one look, characters of a text."""


@dataclass(frozen=True, slots=True)
class Found:
    """A battery that answered; ``mac`` is the BLE address that it keeps for its life."""

    mac: str
    model: str
    firmware: float | None
    wifi_mac: str | None
    host: str
    port: int


async def found(addresses: Iterable[str], ports: Iterable[int], window_s: float = WINDOW_S) -> list[Found]:
    """Who answers at broadcast addresses within some seconds, by their BLE addresses.

    Raises:
        OSError: this machine may not send there.
    """
    loop = asyncio.get_running_loop()
    ear = _Ear(random.randint(1, datagrams.LAST_ID))
    transport, _ = await loop.create_datagram_endpoint(lambda: ear, local_addr=("0.0.0.0", 0), allow_broadcast=True)
    question = datagrams.request(ear.number, datagrams.GET_DEVICE, datagrams.ANY_DEVICE)
    targets = [(address, port) for address in addresses for port in ports]
    try:
        until = loop.time() + window_s
        while (left_s := until - loop.time()) > 0:
            for target in targets:
                transport.sendto(question, target)
            await asyncio.sleep(min(AGAIN_S, left_s))
            if ear.refused is not None:
                raise ear.refused
    finally:
        transport.close()
    return [ear.found[mac] for mac in sorted(ear.found)]


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, number: int) -> None:
        self.number = number
        self.found: dict[str, Found] = {}
        self.refused: Exception | None = None

    def datagram_received(self, data: bytes, addr: Any) -> None:
        said = datagrams.heard(data)
        if said is None or said.result is None or said.number != self.number or len(self.found) >= MOST:
            return
        battery = _understood(said.result, str(addr[0]), int(addr[1]))
        if battery is not None and battery.mac not in self.found:
            self.found[battery.mac] = battery

    def error_received(self, exc: Exception) -> None:
        self.refused = exc


def _understood(said: Mapping[str, Any], host: str, port: int) -> Found | None:
    """A battery as it describes itself; None where it does not say which one it is."""
    mac = datagrams.mac_in(str(said.get("ble_mac", "")))
    if not mac:
        return None
    version = said.get("ver")
    if isinstance(version, bool) or not isinstance(version, int | float) or not math.isfinite(version):
        version = None
    model = plain(str(said.get("device", "")), LONGEST).strip() or "unknown model"
    wifi_mac = datagrams.mac_in(str(said.get("wifi_mac", ""))) or None
    return Found(mac, model, None if version is None else float(version), wifi_mac, host, port)
