"""What demand inputs say, once a minute: told to the planner as a grid event, and to people as an alarm.

Control reads the inputs itself and waits for nobody. An event is for the next three quarters of an hour and is
prolonged as long as the input asks, so it ends by itself when nobody looks any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from ems_pipeline import time_grid
from ems_pipeline.control import demand
from ems_pipeline.control.live import STATE, Live, Observed
from ems_pipeline.plan import GridEvent
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import alarms, events, telemetry
from ems_pipeline.warehouse.engine import Connection

KIND = "demand-limit"
AHEAD = 3 * time_grid.SLOT
STEP_W = 500.0
"""The rest of the house is beside the limit; rounded up, so that not every minute makes new terms."""
BY = "demand input"


def follow(connection: Connection, sites: Iterable[Site], now: datetime) -> None:
    """Make events and alarms of the sites' inputs what they say now."""
    for site in (one for one in sites if one.demand_inputs):
        live = _lately(connection, site, now)
        found = {one.key: demand.asked(site, one, live) for one in site.demand_inputs}
        listed = events.listing(connection, [site.key], now)["event_key"]
        for key, asked in found.items():
            name = f"demand-{key}"
            if asked is not None:
                begin = time_grid.floor_slot(now)
                limit_w = min(asked.limit_w + _rest_w(site, live), site.grid.import_limit_w)
                events.put(connection, site.key, GridEvent(name, begin, begin + AHEAD, limit_w), BY, now)
            elif name in listed:
                events.cancel(connection, site.key, name, BY, now)
        _tell(connection, site, [asked.text for asked in found.values() if asked is not None], now)


def _tell(connection: Connection, site: Site, texts: list[str], now: datetime) -> None:
    text = "; ".join(texts)
    said = alarms.open_texts(connection, site.key).get(("", KIND), "")
    if text and said != text:
        alarms.raise_alarm(connection, site.key, KIND, "warning", text, now)
    elif said and not text:
        alarms.clear(connection, site.key, KIND, now)


def _lately(connection: Connection, site: Site, now: datetime) -> Live:
    oldest = now - timedelta(minutes=site.control.max_state_age_minutes)
    values: dict[str, dict[str, float]] = {}
    told = telemetry.latest(connection, [site.key], now, oldest)
    for device, quantity, value in told.select("device_key", "quantity", "value").iter_rows():
        if quantity in STATE:
            values.setdefault(device, {})[quantity] = value
    return Live(site, {d.key: Observed(values.get(d.key, {})) for d in site.devices})


def _rest_w(site: Site, live: Live) -> float:
    """What the rest of the house draws, W: as measured, else as usual."""
    base_w = live.base_w
    rest_w = site.usual_load_w if base_w is None else base_w
    return math.ceil(max(rest_w, 0.0) / STEP_W) * STEP_W
