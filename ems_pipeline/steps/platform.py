"""What every step works with: the warehouse, the clock and the sites, handed out as one plain object."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from ems_pipeline import time_grid
from ems_pipeline.sites import Site, SiteFileError
from ems_pipeline.steps.shards import Shard
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse import sites as registry

ALL_SITES = Shard()


@dataclass
class Platform:
    """The running installation; only the registry's `registration` calls ``read_sites``, which reads the files."""

    warehouse: Warehouse
    clock: Clock
    read_sites: Callable[[], Sequence[Site | SiteFileError]]

    def sites(self, shard: Shard = ALL_SITES) -> list[Site]:
        """Active sites as last registered, ordered by key: a file broken while being edited stops nobody's control."""
        with self.warehouse.begin() as connection:
            return [site for site in registry.configured(connection) if shard.holds(site.key)]

    def slot_end(self) -> datetime:
        """End of the last quarter-hour that is over: nothing later has been measured whole."""
        return time_grid.floor_slot(self.clock.now())

    def chosen(self, keys: Collection[str]) -> dict[str, Site]:
        """Those of the sites called ``keys`` that are active, read at once; LookupError says what to do if none is."""
        found = {site.key: site for site in self.sites() if site.key in keys}
        if keys and not found:
            raise LookupError(
                f"site {next(iter(keys))!r} is not active; `ems site list` shows what is, `ems site add FILE` adds one"
            )
        return found
