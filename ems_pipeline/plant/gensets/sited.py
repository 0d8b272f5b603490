"""The hall of a site file: its devices that are controllers of sets, and the one of the switchboard."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from ems_pipeline.plant.gensets.hall import Hall
from ems_pipeline.plant.gensets.running import FITTED_W
from ems_pipeline.sites import Device, Site

SET_MAP, BOARD_MAP = "smartgen-hgm9520n", "smartgen-hgm9560"
UNSEEN = "switchboard"
"""Of a site that has sets alone: the switching is done all the same, and no device shows it."""


def hall_of(site: Site, seed: int, begun_at: datetime, zone: ZoneInfo) -> Hall | None:
    """The site's sets on one busbar, whatever switchboards it names; None where it has no controller."""
    sets = {d.key: _rated_w(site, d) for d in site.devices if d.map == SET_MAP}
    boards = [d.key for d in site.devices if d.map == BOARD_MAP]
    if not sets and not boards:
        return None
    return Hall(sets, seed, board=boards[0] if boards else UNSEEN, begun_at=begun_at.astimezone(zone))


def _rated_w(site: Site, device: Device) -> float:
    """As its device says, or the most that the set of the site may give."""
    most_w = [g.max_power_w for g in site.gensets if g.device == device.key]
    return float(device.options.get("rated_power_w", most_w[0] if most_w else FITTED_W))
