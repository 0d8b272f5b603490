"""How a site stands, in some lines for a chat. What is not known is said so, never as 0."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from ems_pipeline import time_grid
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.glances import Glance, look

MOST_ALARMS = 5


def words(connection: Connection, site_key: str, now: datetime) -> str:
    """State, charge, price, what is planned and why, alarms."""
    return "\n".join(_lines(look(connection, site_key, now), now))


def _lines(site: Glance, now: datetime) -> Iterator[str]:
    wall = time_grid.zone(site.timezone)
    yield f"{site.name} ({site.key}), {now.astimezone(wall):%a %H:%M}: {_authority(site, wall)}"
    yield f"charge: {_charge(site, wall)}"
    yield f"price: {_price(site)}"
    if site.mode is None:
        yield "plan: none holds now"
    else:
        yield f"plan: {site.mode}: {site.reason}"
    for told in site.overrides:
        yield f"override: {told}"
    if not site.alarms:
        yield "no alarm is open"
    for alarm in site.alarms[:MOST_ALARMS]:
        yield f"alarm: {alarm}"
    if len(site.alarms) > MOST_ALARMS:
        yield f"and {len(site.alarms) - MOST_ALARMS} alarms more: /alarms"


def _authority(site: Glance, wall: ZoneInfo) -> str:
    if not site.is_enabled:
        return "in shadow, nothing is written"
    if site.armed_until is None:
        return "not armed, nothing is written"
    return f"armed until {site.armed_until.astimezone(wall):%a %d %b %H:%M}"


def _charge(site: Glance, wall: ZoneInfo) -> str:
    if site.soc_pct is None or site.measured_at is None:
        return "unknown, nothing was measured lately"
    return f"{site.soc_pct:.0f} %, measured {site.measured_at.astimezone(wall):%H:%M}"


def _price(site: Glance) -> str:
    if site.buy_per_kwh is None:
        return "unknown"
    sell = "" if site.sell_per_kwh is None else f", selling {site.sell_per_kwh:.2f}"
    return f"buying {site.buy_per_kwh:.2f} {site.currency}/kWh{sell}"
