"""What a site is steered on: one configuration, and the wires its devices are found at now.

What was told to a device is looked after with the configuration, by the point map and at the wire it was told, until it
is let go: files are edited, gateways move, devices are renamed and sites taken out of service while something stands in
the hardware.
Besides the newest configuration of a site there is therefore one `Footing` for each device that holds something of ours
elsewhere; there it is released and never told anything again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ems_pipeline.devices import fleet
from ems_pipeline.devices.installed.address import (
    Maps,
    Places,
    Wires,
    as_wired,
    at_address,
    dialled,
    followed,
    map_hash,
    maps_of,
    wires_of,
)
from ems_pipeline.devices.installed.reach import Reach, reach
from ems_pipeline.devices.points.map_file import MapFileError
from ems_pipeline.plain_text import told as told_in_words
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import found_batteries, point_maps, setpoints
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.arming import Standing
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.intents import Held


@dataclass(frozen=True)
class Footing:
    """A configuration as it is dialled; ``former`` says why nothing may be told on it any more (the newest: empty).

    ``fault``: a map of it is missing, or no driver can be made of one. It has no wires then, nothing can be told on it,
    and whatever is held counts as held elsewhere.
    """

    site: Site
    config_hash: str
    wires: Wires
    maps: Maps = field(repr=False)
    """By which its devices are understood: as they were when the wires were named."""
    former: str = ""
    fault: str = ""

    @property
    def addresses(self) -> set[str]:
        """Where its gateways are."""
        return {at_address(wire) for wire in self.wires.values()}

    @cached_property
    def reach(self) -> Reach:
        """What set-points on it can do at most."""
        return reach(self.site, self.wires, self.maps)

    def holds(self, told: Held) -> bool:
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
    places: Places = field(default_factory=dict)
    """Where its batteries were found last."""

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
    held, places = setpoints.held(connection, keys), found_batteries.places(connection)
    found = []
    for key in keys:
        site = given.get(key)
        if site is None or registry.config_hash(site) != hashes.get(key):
            site = registry.version(connection, key, hashes[key]) if key in hashes else None
        found.append(Told(key, site, hashes.get(key, ""), tuple(h for h in held if h.site_key == key), places))
    return found


def anew(connection: Connection, site_key: str) -> Told:
    """One site, because it has changed meanwhile."""
    return told(connection, (), [site_key])[0]


def current(known: Told) -> Footing | None:
    """The newest configuration as it is dialled now; asks name servers where gateways have names."""
    if known.site is None:
        return None
    site = dialled(followed(known.site, known.places))
    try:
        maps = maps_of(site)
        fleet.open_site(site, maps=maps)
    except Exception as error:  # a map that no driver can be made of is a wrong one, too
        return Footing(site, known.config_hash, {}, {}, fault=told_in_words(error))
    return Footing(site, known.config_hash, wires_of(site, maps), maps)


@dataclass(frozen=True)
class Kept:
    """With what something was told, as far as it can be read; whoever is held by anything else has an alarm."""

    versions: Mapping[str, Site]
    """Configurations by hash."""
    maps: Maps
    """Point maps by hash."""
    places: Places
    """Where batteries were found last."""


def kept(connection: Connection, site_key: str, held: Collection[Held]) -> Kept:
    """Read it for what is held."""
    found = {}
    for config_hash in {h.config_hash for h in held}:
        version = registry.version(connection, site_key, config_hash)
        if version is not None:
            found[config_hash] = version
    maps = point_maps.kept(connection, {map_hash(h.wire) for h in held} - {""})
    return Kept(found, maps, found_batteries.places(connection))


def formers(elsewhere: Iterable[Held], known: Kept) -> list[Footing]:
    """A footing for each device that holds something of ours on another wire."""
    found = {}
    for held in elsewhere:
        version = known.versions.get(held.config_hash)
        if version is None or held.device_key not in {d.key for d in version.devices}:
            continue
        site = followed(as_wired(version, held.device_key, held.wire), known.places)
        maps = _maps(site, held, known)
        if maps is not None:
            why = (
                f"{held.device_key} is no longer told anything at {held.wire}: the configuration or the map has changed"
            )
            wires = {held.device_key: held.wire}
            found[held.device_key, held.wire] = Footing(site, held.config_hash, wires, maps, why)
    return list(found.values())


def _maps(site: Site, held: Held, known: Kept) -> Maps | None:
    """The map a device was told by; the file of its name where nobody noted what it said. None: it cannot be read."""
    if content := map_hash(held.wire):
        return {site.device(held.device_key).map: known.maps[content]} if content in known.maps else None
    try:
        return maps_of(site)
    except MapFileError:
        return None
