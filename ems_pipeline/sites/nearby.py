"""Addresses that somebody may name over a channel: numbers within networks of this house, and nothing else.

The pipeline opens them for whoever asks, so a channel must not make it knock elsewhere: not at names (a name server
would decide where that is), not in the Internet, not at a place within this network that is asked for by a page, an
option or a password. ``EMS_SETUP_NETWORKS`` widens or narrows the networks; ``none``: nothing is looked for at all.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator

from ems_pipeline import settings
from ems_pipeline.plain_text import plain
from ems_pipeline.sites.protocol import PROTOCOLS, found_by
from ems_pipeline.sites.wiring import Gateway

LOOKED_INTO = tuple(dict.fromkeys(t for p in PROTOCOLS.values() if p.found_by for t in p.transports))
"""What the set-up may look for; what is only recognised (Home Assistant), by two fixed pages that change nothing, wants
a token, so its address and the token's name come from the file."""
TRANSPORTS = tuple(transport for transport in LOOKED_INTO if found_by(transport) != "name")
"""Whose reads are known to change nothing. A page of an HTTP device may switch it: its address comes from the file."""
MACHINE = "write the gateway into the site's file on the machine"


def fault(host: str) -> str:
    """Why a host may not be named over a channel, with what may; empty where it may be."""
    allowed = settings.SETUP_NETWORKS.read()
    if not allowed:
        return f"no address is looked at here ({settings.SETUP_NETWORKS.name} is none); {MACHINE}"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"{plain(repr(host), 60)} is no number such as 192.168.1.20; look it up in the router's list of devices"
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if any(address in network for network in allowed):
        return ""
    return f"{address} is none of this house ({', '.join(map(str, allowed))}); {MACHINE}"


def faults(gateways: tuple[Gateway, ...], transports: Collection[str] = TRANSPORTS) -> Iterator[str]:
    """Why gateways may not come over a channel, each with its remedy.

    Args:
        transports: what may be spoken there.
    """
    for gateway in gateways:
        if gateway.transport not in transports:
            yield f"gateways: {gateway.key} speaks {gateway.transport}, not {' or '.join(transports)}; {MACHINE}"
        if gateway.user is not None or gateway.password_env is not None:
            yield f"gateways: {gateway.key} names a user or a password; {MACHINE}"
        if found := fault(gateway.host):
            yield f"gateways: {gateway.key}: {found}"
