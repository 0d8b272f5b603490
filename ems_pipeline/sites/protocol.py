"""What a protocol is to those who do not speak it: site files, point maps, places, options, words for people.

A record for each, and whoever wants to know what a protocol needs asks it: nobody compares its name. How its wire is
opened and who drives its devices stands in `devices.protocols`, beside the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TransportName = Literal["modbus-tcp", "rtu-over-tcp", "http", "ocpp", "home-assistant", "marstek-udp", "victron-mqtt"]
"""What a gateway of a site file speaks."""
ProtocolName = Literal["modbus", "sunspec", "http", "ocpp", "home-assistant", "marstek-udp", "victron-mqtt", "smartgen"]
"""What a point map speaks. `sunspec` is Modbus whose registers are found by asking the device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One protocol; what a device is known by has no default, lest it be forgotten."""

    transports: tuple[TransportName, ...]
    """Of the gateways that carry it."""
    kind: str
    """Its mark in the catalogue."""
    words: str
    """Of a map's link, for people; `{link}` is the link."""
    place: Literal["address", "model", "path"]
    """The field that says where a point is."""
    has_units: bool
    """Whether devices behind one gateway are told apart by unit ids; else the unit id of a device means nothing."""
    shares_unit: bool
    """Whether what answers at one place may be several devices, each with a map of its own."""
    found_by: Literal["units", "broadcast", "name"] | None = None
    """How the set-up finds who speaks it: every unit id is asked, everybody at once, or it is only recognised by its
    name, for it wants a token; None: not at all."""
    has_fields: bool = False
    """Whether an answer is a document in which a point, or the link for all, names a field."""
    written_by: str | None = None
    """The field of the link without which nothing can be written."""
    calls_in: bool = False
    """Whether devices call us, each by its key in the site file, at the host and port of their gateway."""
    is_polled: bool = False
    """Whether a process of ours keeps the one connection to the address, and everybody else asks that process."""
    keeps_address: bool = False
    """Whether a device has an address of its own by which it is known wherever it answers (`mac` of its gateway)."""
    has_portal: bool = False
    """Whether a broker may speak for several, each known by the number that stands in every topic (`portal` of its
    gateway)."""
    place_by_option: bool = False
    """Whether an option that is called as a point says another `path` for it."""
    place_form: str | None = None
    """What such an option must look like, as a regular expression; None: the map's own request decides."""
    may_lack_place: bool = False
    """Whether a point without a place is one that the device has only where the site file names a place for it."""


ENTITY = r"[a-z0-9_]+\.[a-z0-9_]+"
"""Domain and name of an entity of Home Assistant."""
ENTITIES = rf"-?{ENTITY}( [+-] {ENTITY})*"
"""One, perhaps with its sign turned, or several that are added or taken away."""
_ASKED = "{asked} a request"

PROTOCOLS: Mapping[ProtocolName, Protocol] = {
    "modbus": Protocol(
        transports=("modbus-tcp", "rtu-over-tcp"),
        kind="modbus",
        words=f"Modbus, {_ASKED}",
        place="address",
        has_units=True,
        shares_unit=False,
        found_by="units",
    ),
    "sunspec": Protocol(
        transports=("modbus-tcp", "rtu-over-tcp"),
        kind="modbus",
        words=f"SunSpec over Modbus, {_ASKED}",
        place="model",
        has_units=True,
        shares_unit=True,
        found_by="units",
    ),
    "http": Protocol(
        transports=("http",),
        kind="http",
        words="HTTP, {link.login} login where the gateway has a user",
        place="path",
        has_units=False,
        shares_unit=True,
        has_fields=True,
        written_by="write",
        place_by_option=True,
    ),
    "home-assistant": Protocol(
        transports=("home-assistant",),
        kind="http",
        words="REST interface of Home Assistant, a long-lived token",
        place="path",
        has_units=False,
        shares_unit=True,
        found_by="name",
        place_by_option=True,
        place_form=ENTITIES,
        may_lack_place=True,
    ),
    "smartgen": Protocol(
        transports=("modbus-tcp", "rtu-over-tcp"),
        kind="modbus",
        words="Modbus, asked every two seconds by the process that polls controllers",
        place="path",
        has_units=True,
        shares_unit=False,
        is_polled=True,
    ),
    "ocpp": Protocol(
        transports=("ocpp",),
        kind="ocpp",
        words="OCPP 1.6J or 2.0.1, calls in by the key of its device",
        place="path",
        has_units=False,
        shares_unit=False,
        calls_in=True,
    ),
    "marstek-udp": Protocol(
        transports=("marstek-udp",),
        kind="udp",
        words="JSON in UDP datagrams, one request at a time",
        place="path",
        has_units=False,
        shares_unit=False,
        found_by="broadcast",
        has_fields=True,
        written_by="set_method",
        keeps_address=True,
    ),
    "victron-mqtt": Protocol(
        transports=("victron-mqtt",),
        kind="mqtt",
        words="topics of the GX's own MQTT broker",
        place="path",
        has_units=False,
        shares_unit=True,
        has_fields=True,
        has_portal=True,
    ),
}
"""By `protocol:` of a point map."""


def found_by(transport: str) -> Literal["units", "broadcast", "name"] | None:
    """How the set-up finds who answers over a transport; None: not at all."""
    return next((p.found_by for p in PROTOCOLS.values() if transport in p.transports), None)


def calls_in(transport: TransportName) -> bool:
    """Whether devices behind a gateway of this transport call us."""
    return any(p.calls_in for p in PROTOCOLS.values() if transport in p.transports)


def keeps_address(transport: TransportName) -> bool:
    """Whether what answers behind a gateway of this transport is known by an address of its own."""
    return any(p.keeps_address for p in PROTOCOLS.values() if transport in p.transports)


def has_portal(transport: TransportName) -> bool:
    """Whether what answers behind a gateway of this transport is known by its `portal`."""
    return any(p.has_portal for p in PROTOCOLS.values() if transport in p.transports)


def has_units(transport: TransportName) -> bool:
    """Whether devices behind a gateway of this transport are told apart by unit ids."""
    return any(p.has_units for p in PROTOCOLS.values() if transport in p.transports)
