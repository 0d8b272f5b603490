"""What a device forgets by itself is told again while it stands: heartbeats, and set-points with a life of their own.

A point map says how long (`expires_s`). Every look of the verification renews all of it; what would not live until the
next one is renewed in between. Nothing new is told here: the journalled value (or, of a battery that follows a meter,
what its journalled command comes to now), with both opt-ins asked before each request and never beyond its end, so a
controller that dies is followed by the device's own watchdog.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from ems_pipeline import time_grid
from ems_pipeline.control import runner
from ems_pipeline.control.live import Live
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.control.session import SiteSession
from ems_pipeline.devices.points.map_file import MapFileError, load_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import Warehouse, setpoints
from ems_pipeline.warehouse.intents import Setpoint, State

EVERY = timedelta(seconds=20)
BRIEF_S = 150.0
"""What lives shorter does not survive from one look, every two minutes, to one that comes late."""
TOLD = frozenset({State.SENT, State.ECHOED, State.EFFECTIVE})
PATIENCE_S = 10.0
"""A control run that keeps the gateway for longer renews by telling anew."""


async def renew(session: SiteSession, live: Live, *, brief_only: bool = False) -> None:
    """Tell again what stands and expires, where the device answers."""
    for setpoint in _standing(session, brief_only=brief_only):
        driver, observed = session.drivers[setpoint.device], live.devices.get(setpoint.device)
        if observed is None or observed.fault:
            continue
        if told := driver.renewed(setpoint.intent.told, setpoint.intent.writes, observed.values):
            await driver.write(told, session.may_go(setpoint.intent))


def keep_alive(warehouse: Warehouse, sites: Iterable[Site], until: datetime, clock: Clock) -> None:
    """Renew what lives too briefly for the next look, every 20 s until then; returns at once where nothing does."""
    brief = [site for site in sites if any(map(is_brief, _maps_of(site)))]
    if not brief:
        return
    with warehouse.begin(runner.JOURNAL_PATIENCE_S) as connection:
        held = {one.site_key for one in setpoints.held(connection, [site.key for site in brief])}
    brief = [site for site in brief if site.key in held]
    while brief and (at := clock.now() + EVERY) <= until:
        clock.wait_until(at)
        runner.run(warehouse, brief, time_grid.floor_slot(at), clock, _renew_brief, PATIENCE_S, name="renewal")


def is_brief(point_map: PointMap) -> bool:
    """Whether something that is written by a map does not live from one look to the next."""
    return any(p.expires_s is not None and p.expires_s < BRIEF_S for p in point_map.points)


async def _renew_brief(session: SiteSession) -> list[Outcome]:
    await session.read_journal(lambda _: None)
    if session.not_steered:
        return []  # the next look lets it go
    devices = {setpoint.device for setpoint in _standing(session, brief_only=True)}
    await renew(session, await session.wires.observe(devices), brief_only=True)
    return []


def _standing(session: SiteSession, *, brief_only: bool) -> Iterator[Setpoint]:
    """What was told of devices that forget."""
    for setpoint in session.journal.open:
        driver = session.drivers.get(setpoint.device)
        if setpoint.is_shadow or setpoint.state not in TOLD or setpoint.intent.is_release or driver is None:
            continue
        if is_brief(driver.point_map) if brief_only else any(p.expires_s for p in driver.point_map.points):
            yield setpoint


def _maps_of(site: Site) -> Iterator[PointMap]:
    for device in site.devices:
        try:
            yield load_map(device.map)
        except MapFileError:
            continue  # whoever steers the site tells it
