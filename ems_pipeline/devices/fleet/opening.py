"""A site's devices, opened: a driver for each, on the wire of its gateway; nothing is connected yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ems_pipeline.devices.driver.contract import Driver
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.installed.address import Maps, maps_of
from ems_pipeline.devices.installed.options import stated
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.protocols import DRIVERS, WIRES, Wire
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.sites import Device, Gateway, Site
from ems_pipeline.sites.protocol import PROTOCOLS
from ems_pipeline.time_grid import Clock, SystemClock

DeviceId = tuple[str, str]
"""Site key, device key."""


@dataclass
class OpenSite:
    """The drivers of a site, by device and by gateway; ``wires`` are shared by the devices behind a gateway."""

    site: Site
    wires: dict[str, Wire]
    drivers: dict[str, Driver]

    def behind(self, gateway: str) -> list[Driver]:
        """Drivers of the devices behind a gateway, in the order of the site file."""
        return [self.drivers[d.key] for d in self.site.devices if d.gateway == gateway]

    async def close(self) -> None:
        """Let all connections go."""
        for driver in self.drivers.values():
            await driver.close()


def open_site(site: Site, clock: Clock | None = None, maps: Maps | None = None) -> OpenSite:
    """Drivers for all devices of a site; nothing is connected yet.

    Args:
        maps: by which its devices are understood; None: by the files as they are now.

    Raises:
        MapFileError: a device names a map that does not exist or is wrong.
        ValueError: a map's protocol does not fit its gateway's transport, or its driver is unknown.
    """
    wires = {g.key: open_wire(g) for g in site.gateways}
    understood = maps_of(site) if maps is None else maps
    ticking = clock or SystemClock()
    drivers = {d.key: build_driver(site, d, understood[d.map], wires[d.gateway], ticking) for d in site.devices}
    return OpenSite(site, wires, drivers)


async def close_all(opened: Iterable[OpenSite]) -> None:
    """Let all connections of many sites go."""
    for one in opened:
        await one.close()


def open_wire(gateway: Gateway) -> Wire:
    """The one connection all devices behind a gateway share."""
    return WIRES[gateway.transport](gateway)


def build_driver(site: Site, device: Device, point_map: PointMap, wire: Wire, clock: Clock) -> Driver:
    """The driver of one device on the wire of its gateway; see `open_site` for the errors."""
    family = FAMILIES.get(point_map.driver)
    if family is None:
        raise ValueError(f"map {point_map.map}: driver {point_map.driver!r} is unknown; known: {sorted(FAMILIES)}")
    if site.gateway_of(device).transport not in PROTOCOLS[point_map.protocol].transports:
        raise ValueError(
            f"device {device.key}: map {device.map} speaks {point_map.protocol} and gateway {device.gateway} does not; "
            "put it behind a gateway of that transport"
        )
    described = Described(device.key, point_map, family, stated(site, device), clock)
    return DRIVERS[point_map.protocol](device, described, wire)
