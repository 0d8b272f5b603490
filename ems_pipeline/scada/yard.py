"""All controllers of all sites, and the lines to them: one line an address, however many files name it.

Followed from the site files. What has not changed stays as it is, connection and all: a converter that takes one client
is not let go because somebody corrected a name elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ems_pipeline.devices.installed.address import socket_of
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.smartgen.channel import place
from ems_pipeline.errors import EmsError
from ems_pipeline.gensets.link.bus import Manners, RtuBus
from ems_pipeline.gensets.link.line import Line
from ems_pipeline.gensets.link.poll import Place, Polled
from ems_pipeline.gensets.link.tcp import TcpLine
from ems_pipeline.gensets.link.tell import Told
from ems_pipeline.gensets.map.file import load
from ems_pipeline.gensets.map.whole import ControllerMap
from ems_pipeline.gensets.snapshot import Snapshot
from ems_pipeline.sites import Device, Gateway, Site
from ems_pipeline.sites.protocol import PROTOCOLS, TransportName
from ems_pipeline.time_grid import Clock

PREFIX = "smartgen-"
"""A point map of this name and a model means the controller map of the model, where no option names another."""


@dataclass(frozen=True)
class Wanted:
    """A controller as the files say it now; another one of the same place is polled anew."""

    site: Site
    device: Device
    gateway: Gateway
    whole: ControllerMap
    mains_sign: int

    @property
    def key(self) -> tuple[str, str]:
        """Site and device."""
        return self.site.key, self.device.key

    def is_as(self, other: Wanted) -> bool:
        """Whether it is polled in the same way."""
        own = (self.device, self.gateway, self.whole, self.mains_sign)
        return own == (other.device, other.gateway, other.whole, other.mains_sign)


@dataclass
class Standing:
    """One controller that is polled: how it is asked and told, and what it said last."""

    wanted: Wanted
    address: str
    polled: Polled
    told: Told
    snapshot: Snapshot | None = None


def is_polled(device: Device) -> bool:
    """Whether a device is a controller. MapFileError: its point map cannot be used."""
    return PROTOCOLS[load_map(device.map).protocol].is_polled


class Yard:
    """Everything that is polled, by site and device."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._standing: dict[tuple[str, str], Standing] = {}
        self._lines: dict[str, Line] = {}

    @property
    def standing(self) -> Mapping[tuple[str, str], Standing]:
        """By site and device."""
        return self._standing

    def at(self, where: str) -> Standing | None:
        """The controller at a `channel.place`."""
        return next((one for one in self._standing.values() if self._place(one) == where), None)

    def controller(self, site: str, device: str) -> Told | None:
        """How a controller is told anything; None: it is not polled."""
        one = self._standing.get((site, device))
        return None if one is None else one.told

    def by_address(self) -> dict[str, list[Standing]]:
        """Controllers behind each address, in the order of the files."""
        found: dict[str, list[Standing]] = {}
        for one in self._standing.values():
            found.setdefault(one.address, []).append(one)
        return found

    def lines(self) -> Mapping[str, Line]:
        """By address."""
        return self._lines

    async def follow(self, sites: Iterable[Site]) -> list[str]:
        """Poll what these sites name from now on; what cannot be, each with its remedy. Asks name servers."""
        wanted, faults = list[Wanted](), list[str]()
        for site in sites:
            for device in site.devices if site.active else ():
                try:
                    wanted += _wanted(site, device)
                except EmsError as error:
                    faults.append(f"{site.key}/{device.key} is not polled: {error}")
        former, self._standing = self._standing, {}
        addresses = {one.key: socket_of(one.gateway.host, one.gateway.port) for one in wanted}
        for one in wanted:
            before = former.get(one.key)
            if before is not None and before.wanted.is_as(one) and before.address == addresses[one.key]:
                before.wanted = one
                self._standing[one.key] = before
            else:
                self._standing[one.key] = self._begun(one, addresses[one.key])
        for address in self._lines.keys() - set(addresses.values()):
            await self._lines.pop(address).renew()
        return faults

    async def close(self) -> None:
        """Let every connection go."""
        for line in self._lines.values():
            await line.renew()

    def _begun(self, wanted: Wanted, address: str) -> Standing:
        line = self._lines.setdefault(address, _line(wanted, address))
        site, device = wanted.key
        at = Place(site=site, device=device, slave=wanted.device.unit_id, mains_sign=wanted.mains_sign)
        return Standing(
            wanted, address, Polled(at, wanted.whole, line, self._clock), Told(wanted.whole, line, at.slave)
        )

    @staticmethod
    def _place(one: Standing) -> str:
        host, _, port = one.address.rpartition(":")
        return place(host, int(port), one.wanted.device.unit_id)


def _wanted(site: Site, device: Device) -> Iterator[Wanted]:
    """The controller that a device is, if it is one. MapFileError, ControllerMapError: a map cannot be used."""
    if not is_polled(device):
        return
    name = str(device.options.get("controller_map", device.map.removeprefix(PREFIX)))
    board = next((board for board in site.switchboards if board.device == device.key), None)
    yield Wanted(site, device, site.gateway_of(device), load(name), 1 if board is None else board.mains_sign)


def _line(wanted: Wanted, address: str) -> Line:
    """The way to an address; patience is the gateway's where its file names one, else the map's."""
    host, _, port = address.rpartition(":")
    return WAYS[wanted.gateway.transport](wanted, host, int(port))


def _patience_s(wanted: Wanted) -> float:
    gateway = wanted.gateway
    return gateway.timeout_s if "timeout_s" in gateway.model_fields_set else wanted.whole.link.timeout_s


def _network(wanted: Wanted, host: str, port: int) -> Line:
    return TcpLine(host, port, _patience_s(wanted), wanted.gateway.gap_s)


def _converter(wanted: Wanted, host: str, port: int) -> Line:
    silence_s = wanted.whole.link.silence_ms / 1000
    silences = ((0.0, silence_s), (3.0, min(silence_s, 0.3)), (4.0, min(silence_s, 0.25)))
    return RtuBus(host, port, Manners(timeout_s=_patience_s(wanted), silences=silences))


WAYS: Mapping[TransportName, Callable[[Wanted, str, int], Line]] = {
    "modbus-tcp": _network, "rtu-over-tcp": _converter,
}  # fmt: skip
"""How an address is spoken to, by the transport of its gateway."""
