"""What a site is steered on: one configuration, and the wires its devices are found at now.

What was told to a device is looked after with the configuration and at the wire it was told, until it is let go: files
are edited, gateways move, devices are renamed and sites taken out of service while something stands in the hardware.
Besides the newest configuration of a site there is therefore one `Footing` for each device that holds something of ours
elsewhere; there it is released and never told anything again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from ems_pipeline.devices.installed.address import Wires, as_wired, at_address, dialled, wires_of
from ems_pipeline.devices.installed.reach import Reach, reach
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import setpoints
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.arming import Standing
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.setpoints import Held, Setpoint


@dataclass(frozen=True)
class Footing:
    """A configuration as it is dialled; ``former`` says why nothing may be told on it any more (the newest: empty)."""

    site: Site
    config_hash: str
    wires: Wires
    former: str = ""

    @property
    def addresses(self) -> set[str]:
        """Where its gateways are."""
        return {at_address(wire) for wire in self.wires.values()}

    @cached_property
    def reach(self) -> Reach:
        """What set-points on it can do at most."""
        return reach(self.site, self.wires)

    def holds(self, told: Held | Setpoint) -> bool:
        """Whether what was told is to be looked after here; what names no wire is the newest configuration's."""
        here = self.wires.get(told.device_key)
        return told.wire == here if told.wire else not self.former


@dataclass(frozen=True)
class Told:
    """What the database knows of a site before anybody talks to its gateways."""

    site_key: str
    site: Site | None
    """The newest configuration; None where it cannot be read."""
    config_hash: str
    held: tuple[Held, ...]

    def is_newest(self, standing: Standing | None) -> bool:
        """Whether nothing else has been registered since."""
        return standing is None or standing.config_hash == self.config_hash

    def elsewhere(self, current: Footing | None) -> list[Held]:
        """What is held on other wires than the newest configuration's."""
        return [h for h in self.held if h.wire and (current is None or not current.holds(h))]


def told(connection: Connection, sites: Collection[Site], others: Collection[str] = ()) -> list[Told]:
    """Read it for sites as their callers know them, and for others by key; a site that has changed is read anew."""
    given = {site.key: site for site in sites}
    keys = [*given, *(key for key in others if key not in given)]
    hashes = registry.newest_hashes(connection, keys)
    held = setpoints.held(connection, keys)
    found = []
    for key in keys:
        site = given.get(key)
        if site is None or registry.config_hash(site) != hashes.get(key):
            site = registry.version(connection, key, hashes[key]) if key in hashes else None
        found.append(Told(key, site, hashes.get(key, ""), tuple(h for h in held if h.site_key == key)))
    return found


def anew(connection: Connection, site_key: str) -> Told:
    """One site, because it has changed meanwhile."""
    return told(connection, (), [site_key])[0]


def current(known: Told) -> Footing | None:
    """The newest configuration as it is dialled now; asks name servers where gateways have names."""
    if known.site is None:
        return None
    site = dialled(known.site)
    return Footing(site, known.config_hash, wires_of(site))


def versions(connection: Connection, site_key: str, held: Iterable[Held]) -> dict[str, Site]:
    """Configurations by hash in which something was told, as far as they can be read."""
    found = {}
    for config_hash in {h.config_hash for h in held}:
        version = registry.version(connection, site_key, config_hash)
        if version is not None:  # whoever is held by another has no footing, and an alarm
            found[config_hash] = version
    return found


def formers(elsewhere: Iterable[Held], versions: Mapping[str, Site]) -> list[Footing]:
    """A footing for each device that holds something of ours on another wire."""
    found = {}
    for held in elsewhere:
        version = versions.get(held.config_hash)
        if version is not None and held.device_key in {d.key for d in version.devices}:
            why = f"{held.device_key} is no longer told anything at {held.wire}: the site's configuration has changed"
            site = as_wired(version, held.device_key, held.wire)
            wires = {held.device_key: held.wire}
            found[held.device_key, held.wire] = Footing(site, held.config_hash, wires, why)
    return list(found.values())
