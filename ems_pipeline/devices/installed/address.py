"""Where a gateway really is: one name per network address and device, however a site file spells it.

``localhost``, ``127.0.0.1`` and a name from the router's list may be the same socket; locks, arms and the journal of
set-points must see that. Resolving may ask a name server: not for the event loop's thread.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Mapping
from functools import lru_cache

from ems_pipeline.devices.points.map_content import content_hash
from ems_pipeline.devices.points.map_file import MapFileError, load_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.sites import Device, Gateway, Site
from ems_pipeline.sites.protocol import PROTOCOLS, calls_in, has_units

HERE = "127.0.0.1"
TLS_PORTS = frozenset({443, 8883})
"""A certificate is for a name, so the name is dialled."""
Wires = Mapping[str, str]
"""By device where it answers and as what, e.g. ``10.0.0.7:502 unit 3 deye-sun-20k-hp3@0f3c9a55d1e2b748``."""
Maps = Mapping[str, PointMap]
"""Point maps by name, as they were read once: the files may be others a moment later."""
Places = Mapping[str, tuple[str, int]]
"""Where batteries were found last, host and port, by the BLE address that each of them keeps."""
BLE = "ble"
"""In place of a port: the address is no network's."""
PORTAL = re.compile(r" portal ([0-9a-f]{12})\b")
MAP_HASH = re.compile(r"@([0-9a-f]{16})$")


def resolved(host: str) -> str:
    """The numeric address of a host, IPv4 first; the name itself where nobody knows it now."""
    if is_number(host):
        return host
    try:
        found = {item[4][0] for item in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return host.lower()
    addresses = [ipaddress.ip_address(str(text).partition("%")[0]) for text in found]
    return str(min(addresses, key=lambda address: (address.version, int(address))))


@lru_cache(maxsize=1024)
def is_number(host: str) -> bool:
    """Whether a host is an address as it stands, so that nobody has to be asked."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_here(host: str) -> bool:
    """Whether a host is an address of this machine alone."""
    return is_number(host) and ipaddress.ip_address(host).is_loopback


def address_of(gateway: Gateway) -> str:
    """``address:port`` of a gateway: what two files mean when they mean the same socket. A battery that is known by its
    own address is the same one wherever it answers."""
    return socket_of(gateway.host, gateway.port) if gateway.mac is None else f"{gateway.mac}:{BLE}"


async def address_now(gateway: Gateway) -> str:
    """The same without holding up the event loop while a name server is asked."""
    is_known = gateway.mac is not None or is_number(gateway.host)
    return address_of(gateway) if is_known else await asyncio.to_thread(address_of, gateway)


def socket_of(host: str, port: int) -> str:
    """``address:port``, the host being a name or an address in any spelling."""
    host = resolved(host)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"{host}:{port}"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_unspecified or address == ipaddress.IPv6Address("::1"):
        return f"{HERE}:{port}"
    return f"{address}:{port}"


def maps_of(site: Site) -> dict[str, PointMap]:
    """The point maps of a site as their files are now; MapFileError: one is missing or wrong."""
    return {name: load_map(name) for name in {device.map for device in site.devices}}


def wires_of(site: Site, maps: Maps | None = None) -> dict[str, str]:
    """Where each device of a site answers now, and as what.

    Raises:
        MapFileError: without ``maps`` those of the files count, and one is missing or wrong.
    """
    understood = maps_of(site) if maps is None else maps
    addresses = {gateway.key: address_of(gateway) for gateway in site.gateways}
    return {d.key: wire(addresses[d.gateway], d, site, understood[d.map]) for d in site.devices}


def wire(address: str, device: Device, site: Site, point_map: PointMap) -> str:
    """One device's place, and the map it is understood by: its name, and what it says where something can be told."""
    told = f"@{content_hash(point_map)}" if any(p.writable for p in point_map.points) else ""
    return f"{_place(address, device, site)} {device.map}{told}"


def map_hash(wire: str) -> str:
    """`content_hash` of the map that a wire was understood by; empty where it names none."""
    found = MAP_HASH.search(wire)
    return found[1] if found else ""


def without_hash(wire: str) -> str:
    """A wire with the name of its map alone."""
    return MAP_HASH.sub("", wire)


def _place(address: str, device: Device, site: Site) -> str:
    """A unit of an address, the name of who calls in there, whom a broker speaks for, or the address itself."""
    gateway = site.gateway_of(device)
    if calls_in(gateway.transport):
        connector = device.options.get("connector", 1)
        place = f"{address} {device.options.get('station', device.key)}"
        return place if connector == 1 else f"{place} connector {float(connector):g}"
    if gateway.portal is not None:
        return f"{address} portal {gateway.portal}"
    return f"{address} unit {device.unit_id}" if has_units(gateway.transport) else address


def place_of(site: Site, device: Device) -> str:
    """What can be only one device: a unit of an address. SunSpec models of one unit and web devices differ by map,
    and what the site file alone names by those names."""
    gateway = site.gateway_of(device)
    place = _place(address_of(gateway), device, site)
    if any(p.may_lack_place for p in PROTOCOLS.values() if gateway.transport in p.transports):
        return f"{place} {device.map} {sorted(map(str, device.options.values()))}"
    return f"{place} {device.map}" if not has_units(gateway.transport) or _shares_unit(device.map) else place


def _shares_unit(name: str) -> bool:
    try:
        return PROTOCOLS[load_map(name).protocol].shares_unit
    except MapFileError:  # whoever opens the device says so
        return False


def at_address(wire: str) -> str:
    """``address:port`` of a `wire`."""
    return wire.partition(" ")[0]


def dialled(site: Site) -> Site:
    """The site with numbers for its gateways' names, so that what is locked is what is talked to."""
    gateways = tuple(
        g if g.port in TLS_PORTS else g.model_copy(update={"host": resolved(g.host)}) for g in site.gateways
    )
    return site.model_copy(update={"gateways": gateways})


def followed(site: Site, places: Places) -> Site:
    """The site with its batteries where they were found last; one that nobody has found is where the file says."""
    gateways = tuple(
        g.model_copy(update=dict(zip(("host", "port"), places[g.mac], strict=True)))
        if g.mac is not None and g.mac in places
        else g
        for g in site.gateways
    )
    return site if gateways == site.gateways else site.model_copy(update={"gateways": gateways})


def as_wired(site: Site, device: str, wire: str) -> Site:
    """The site with only one device, where it answered when ``wire`` was noted, wherever its name points to now."""
    chosen = site.device(device)
    gateway = site.gateway_of(chosen)
    address, _, port = at_address(wire).rpartition(":")
    if port == BLE:
        gateway = gateway.model_copy(update={"mac": address})
    elif address_of(gateway) != at_address(wire) and gateway.port not in TLS_PORTS:
        gateway = gateway.model_copy(update={"host": address, "port": int(port)})
    if told := PORTAL.search(wire):
        gateway = gateway.model_copy(update={"portal": told[1]})
    return dialled(site.model_copy(update={"devices": (chosen,), "gateways": (gateway,)}))
