"""A site as it is in one quarter-hour: what holds at some hours only has become what holds.

Whoever steers asks this once for his slot; everything after him then needs to know of no hours.
"""

from __future__ import annotations

from datetime import datetime

from ems_pipeline import time_grid
from ems_pipeline.sites.site import Site


def in_slot(site: Site, slot: datetime) -> Site:
    """The site in the quarter-hour that begins at ``slot``."""
    if not (site.grid.at_times or any(b.at_times for b in site.batteries) or any(f.at_times for f in site.fuses)):
        return site
    zone = time_grid.zone(site.timezone)
    batteries, fuses = (b.at(slot, zone) for b in site.batteries), (f.at(slot, zone) for f in site.fuses)
    return site.model_copy(
        update={"grid": site.grid.at(slot, zone), "batteries": tuple(batteries), "fuses": tuple(fuses)}
    )
