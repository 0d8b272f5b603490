"""Who has called in, who was refused, whose clock is wrong: what the server of chargers says of itself, for people."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ems_pipeline import settings
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.ocpp.admission import refusal
from ems_pipeline.devices.ocpp.channel import Channel
from ems_pipeline.plain_text import plain
from ems_pipeline.sites import Gateway, Site
from ems_pipeline.sites.protocol import calls_in

NAMED = 5
"""Strangers that a sentence names."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A charger that is expected; ``fault`` says why it is not there."""

    name: str
    fault: str
    since: str
    version: str
    about: str
    clock: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who was refused within the last hour."""

    name: str
    peer: str
    why: str
    at: str
    times: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One place where chargers call in; ``fault`` says why nobody listens there."""

    where: str
    fault: str = ""
    chargers: tuple[Caller, ...] = ()
    strangers: tuple[Stranger, ...] = field(default=())


def seen(sites: Iterable[Site]) -> list[Seen]:
    """How it stands at every place of the sites; empty where no device calls in."""
    gateways = {g.port: g for site in sites for g in site.gateways if calls_in(g.transport)}
    return asyncio.run(_seen(gateways.values())) if gateways else []


async def _seen(gateways: Iterable[Gateway]) -> list[Seen]:
    return [await _at(gateway) for gateway in gateways]


async def _at(gateway: Gateway) -> Seen:
    where = f"{gateway.host}:{gateway.port}"
    if why := refusal(gateway, lan=settings.OCPP_LAN.read()):
        return Seen(where, why)
    channel = Channel(gateway.port)
    try:
        said = await channel.ask({"do": "who"})
    except DeviceFault as fault:
        return Seen(where, fault.reason)
    finally:
        await channel.close()
    found = tuple(Caller(**one) for one in said["chargers"])
    return Seen(where, "", found, tuple(Stranger(**one) for one in said["strangers"]))


def strangers(doors: Iterable[Seen]) -> str:
    """Who was refused, in a sentence; empty when nobody was."""
    found = [(door.where, stranger) for door in doors for stranger in door.strangers]
    if not found:
        return ""
    told = [f"{s.name or 'somebody without a name'} from {s.peer} at {where} ({s.why})" for where, s in found[:NAMED]]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return (
        f"refused and not steered: {'; '.join(told)}{more}. A charger calls by the key of its device, or by its "
        "`station`: correct the address in its settings, or find out who it is"
    )


def wrong_clocks(doors: Sequence[Seen]) -> str:
    """Chargers whose clock is wrong, in a sentence; empty when all are right."""
    found = [f"{c.name} ({c.clock})" for door in doors for c in door.chargers if c.clock]
    if not found:
        return ""
    return plain(
        f"the clock is wrong of {', '.join(found)}; set-points are told by it and end in time, but only while it stays "
        "as it is: let the charger take the time from our answers, or from a time server"
    )
