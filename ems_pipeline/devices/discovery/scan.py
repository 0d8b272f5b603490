"""Who is behind a gateway? For commissioning: every unit id is asked, and the first register it has is read.

A slave that answers "illegal address" is there; one whose gateway reports silence, or that lets the request time out,
is not. Nothing is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Literal

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.driver.turns import ALONE, Turns
from ems_pipeline.devices.fleet.opening import open_wire
from ems_pipeline.devices.installed.address import socket_of
from ems_pipeline.devices.modbus.wire import Connection
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.sites import Site

PROBES: tuple[tuple[Literal[3, 4], int], ...] = ((3, 0), (4, 0))
"""Holding, then input register 0: most devices have one of the two, and the others say that they have not."""


@dataclass(frozen=True, slots=True)
class Found:
    """A unit id that answered, and how."""

    unit_id: int
    answer: str

    def __str__(self) -> str:
        return f"unit {self.unit_id}: {self.answer}"


def wire_to(site: Site, gateway: str) -> Connection:
    """The wire behind which can be scanned.

    Raises:
        LookupError: the site has no such gateway; the text says which it has.
        ValueError: it is none of Modbus.
    """
    known = {g.key: g for g in site.gateways}
    if gateway not in known:
        raise LookupError(f"site {site.key} has no gateway {gateway!r}; it has {list(known)}")
    wire = open_wire(known[gateway])
    if not isinstance(wire, Connection):
        raise ValueError(
            f"gateway {gateway} speaks {known[gateway].transport}, which has no unit ids; scan a Modbus gateway"
        )
    return wire


async def scan(
    wire: Connection, unit_ids: Iterable[int], turns: Turns = ALONE
) -> AsyncIterator[tuple[int, Found | None]]:
    """Ask each unit id in turn; yields it with what it answered, None for silence.

    Args:
        turns: where others may be talking to the gateway; it is left to them after each unit id.

    Raises:
        DeviceFault: the gateway itself cannot be reached, or somebody else kept it for too long.
    """
    address = await asyncio.to_thread(socket_of, wire.endpoint.host, wire.endpoint.port)
    for unit_id in unit_ids:
        if not await turns.take(address):
            raise DeviceFault(Quality.NO_ANSWER, f"somebody else talks to {address} all the time; try again later")
        try:
            await wire.connect()
            found = await _ask(wire, unit_id)
        finally:
            await wire.close()
            await turns.give_back(address)
        yield unit_id, found


async def _ask(wire: Connection, unit_id: int) -> Found | None:
    for function, address in PROBES:
        try:
            (word,) = await wire.read(unit_id, function, address, 1)
        except DeviceFault as fault:
            if fault.quality is Quality.NO_ANSWER:
                return Found(unit_id, fault.reason) if fault.was_heard else None
            if not fault.illegal_address:
                return Found(unit_id, fault.reason)
        else:
            return Found(unit_id, f"{'holding' if function == 3 else 'input'} register {address} = {word}")
    return Found(unit_id, "there, without a register 0")
