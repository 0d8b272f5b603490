"""Batteries of this network: asked who they are, noted by the address that each of them keeps, followed when they move.

A battery is looked for when somebody sets one up, and when one that a site names has been silent for a while: its
router may have given it another address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from ems_pipeline import settings
from ems_pipeline.devices import fleet
from ems_pipeline.devices.fleet import DeviceId
from ems_pipeline.devices.fleet.health import OPENS_AFTER, Health
from ems_pipeline.devices.installed.address import followed, is_here
from ems_pipeline.devices.marstek import finding
from ems_pipeline.devices.marstek.finding import Found
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import found_batteries
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.found_batteries import FoundBattery

BROADCAST_HERE = "127.255.255.255"
"""What is served on this machine alone is asked for on this machine alone."""


def discover(
    platform: Platform, addresses: Collection[str] = (), ports: Collection[int] = (), window_s: float | None = None
) -> list[Found]:
    """Ask everybody, and note who answered.

    Args:
        addresses: broadcast addresses; those of the settings when empty.
        ports: beside the usual one and those of the sites' own batteries.

    Raises:
        OSError: this machine may not broadcast there.
    """
    wanted = {*ports, finding.PORT, *(g.port for site in platform.sites() for g in site.gateways if g.mac is not None)}
    with fleet.runner() as loop:
        found = loop.run(
            finding.found(addresses or settings.BATTERY_BROADCAST.read(), sorted(wanted), window_s or finding.WINDOW_S)
        )
    asked_here = all(map(is_here, addresses)) if addresses else False
    with platform.warehouse.begin() as connection:
        noted = [_noted(one) for one in found]
        found_batteries.note(connection, noted, wanted, platform.clock.now(), asked_here=asked_here)
    return found


def broadcasts(site: Site) -> Collection[str]:
    """Where to ask everybody who might be of a site: on this machine alone where nothing of it is elsewhere."""
    is_served_here = bool(site.gateways) and all(is_here(g.host) for g in site.gateways)
    return (BROADCAST_HERE,) if is_served_here else ()


def _noted(one: Found) -> FoundBattery:
    return FoundBattery(one.mac, one.model, one.firmware, one.host, one.port, one.wifi_mac)


def where_they_are(connection: Connection, sites: Iterable[Site]) -> list[Site]:
    """The sites with their batteries where they were found last."""
    places = found_batteries.places(connection)
    return [followed(site, places) for site in sites]


def look_for_lost(
    platform: Platform, sites: Iterable[Site], heard: Mapping[DeviceId, Health], at: datetime
) -> Iterator[str]:
    """Ask everybody where batteries are that have just now been silent once too often; yields why that failed.

    A silent device is asked again ever more rarely, and so is everybody where it is.
    """
    behind = {(s.key, d.key): s.gateway_of(d) for s in sites for d in s.devices}
    lost = [
        behind[device].host
        for device, health in heard.items()
        if device in behind and behind[device].mac is not None and _is_lost(health, at)
    ]
    for where in sorted({(BROADCAST_HERE,) if is_here(host) else () for host in lost}):
        try:
            discover(platform, where)
        except OSError as error:
            yield f"batteries that are silent cannot be looked for: {error}"


def _is_lost(health: Health, at: datetime) -> bool:
    """Whether it was asked since ``at`` and has been silent as often as opens a circuit."""
    return health.error_streak >= OPENS_AFTER and health.last_attempt_at is not None and health.last_attempt_at >= at
