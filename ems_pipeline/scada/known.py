"""Which controllers there are, and what their sites allow them; read anew where a configuration has changed."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass

from ems_pipeline.gensets.sequence.rules import MAPS, Rules, WrongOptions, rules_of
from ems_pipeline.plain_text import told
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.genset_commands import Controlled

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Allowed:
    """A controller's rules, or why it has none; ``locks``: what the site file says against a start."""

    rules: Rules | None
    fault: str = ""
    locks: tuple[str, ...] = ()


class Known:
    """By site the controllers of its newest configuration."""

    def __init__(self) -> None:
        self._hashes: dict[str, str] = {}
        self._allowed: dict[str, dict[str, Allowed]] = {}

    def look(self, connection: Connection, sites: Collection[str]) -> dict[Controlled, Allowed]:
        """Rules by controller, of these sites."""
        newest = registry.newest_hashes(connection, sites)
        for key in [key for key, said in newest.items() if self._hashes.get(key) != said]:
            site = registry.version(connection, key, newest[key])
            self._allowed[key] = {} if site is None else _of(site)
            self._hashes[key] = newest[key]
        return {(key, device): one for key in sites for device, one in self._allowed.get(key, {}).items()}


def _of(site: Site) -> dict[str, Allowed]:
    found = {}
    for device in (one for one in site.devices if one.map.startswith(MAPS)):
        is_out = any(one.device == device.key and one.locked_out for one in site.gensets)
        locks = ("locked_out in the site file",) if is_out else ()
        try:
            found[device.key] = Allowed(rules_of(site, device), locks=locks)
        except WrongOptions as error:
            logger.warning("%s", error)
            found[device.key] = Allowed(None, told(error))
    return found
