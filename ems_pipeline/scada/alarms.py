"""Follows the rounds of polls: alarms are stored as they come, and people are told.

What the database cannot take now is shown again until it does (`scada.shown`), round for round; after that, as after a
restart, what stands is read back, so that nothing is raised twice and nothing ends that was not seen to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from ems_pipeline.devices.points.map_file import MapFileError
from ems_pipeline.gensets.alarms import flood
from ems_pipeline.gensets.alarms.alarm import Controller
from ems_pipeline.gensets.alarms.around import Around
from ems_pipeline.gensets.alarms.limits import Limit
from ems_pipeline.gensets.alarms.telling import Telling
from ems_pipeline.gensets.alarms.watch import Watch
from ems_pipeline.gensets.snapshot import Snapshot
from ems_pipeline.scada.yard import is_polled
from ems_pipeline.sentence import gensets as say
from ems_pipeline.sites import Device, Site
from ems_pipeline.sites.alarm_limit import AlarmLimit
from ems_pipeline.warehouse import Warehouse, genset_alarms
from ems_pipeline.warehouse.engine import Connection

PATIENCE_S = 5.0
Limits = Mapping[Controller, Sequence[Limit]]
Gone = Callable[[Controller], str]
"""Why a controller is polled no more; empty while it is."""


class Alarms:
    """A `Follower` of the rounds."""

    def __init__(self, warehouse: Warehouse, limits: Limits) -> None:
        self._warehouse, self._limits = warehouse, limits
        self._watched: Limits | None = None
        self._watch: Watch | None = None
        self._gone: Gone = _none
        self._telling, self._around = Telling(), Around()

    def follow(self, sites: Sequence[Site]) -> None:
        """The site files say other limits or other controllers; from the next round on they hold."""
        self._limits, self._gone = limits_of(sites), gone_from(sites)

    async def seen(self, now_at: datetime, snapshots: Sequence[Snapshot]) -> None:
        """Take a round; DatabaseUnavailable: nothing of it has happened."""
        await asyncio.to_thread(self.take, now_at, snapshots)

    def take(self, at: datetime, snapshots: Sequence[Snapshot]) -> None:
        """Store and tell a round, in one transaction; same error."""
        with self._warehouse.begin(PATIENCE_S) as connection:
            genset_alarms.lock(connection)
            watch, self._watch = self._known(connection, at), None
            registered, removed = genset_alarms.sites(connection)
            steps = watch.see(at, [one for one in snapshots if one.site in registered], removed, self._gone)
            genset_alarms.store(connection, steps)
            genset_alarms.keep_around(connection, self._around.see(at, snapshots, steps))
            genset_alarms.tell(connection, self._telling.round(at, steps, watch.standing), at)
        self._watch = watch  # not where it could not be stored: then nothing has happened, and what stands is read back

    def _known(self, connection: Connection, at: datetime) -> Watch:
        """What stands, with what people have done since; read back where this process does not know it."""
        limits = self._limits
        if self._watch is not None and limits == self._watched:
            self._watch.heed(genset_alarms.persons(connection))
            return self._watch
        self._telling = Telling(genset_alarms.came_since(connection, at - flood.SPAN))
        self._watched = limits
        return Watch(limits, genset_alarms.standing(connection))


def gone_from(sites: Iterable[Site]) -> Gone:
    """Which controllers the files name no more. One whose map cannot be used is named all the same."""
    active = {site.key: site.active for site in sites}
    named = {site.key: {one.key for one in site.devices if _may_be_controller(one)} for site in sites}

    def gone(controller: Controller) -> str:
        site, device = controller
        if site not in active:
            return say.NO_FILE()
        if not active[site]:
            return say.NOT_ACTIVE()
        is_here = device in named[site] if device else len(named[site]) > 1
        return "" if is_here else say.NOT_IN_FILE()

    return gone


def _may_be_controller(device: Device) -> bool:
    try:
        return is_polled(device)
    except MapFileError:
        return True


def _none(_: Controller) -> str:
    """Of no controller anybody has said that it is gone: no file was read yet."""
    return ""


def limits_of(sites: Iterable[Site]) -> Limits:
    """Alarms of our own that the site files ask for, by controller."""
    return {
        Controller(site.key, genset.device): [_limit(limit) for limit in genset.alarm_limits]
        for site in sites
        for genset in site.gensets
        if genset.device is not None
    }


def _limit(said: AlarmLimit) -> Limit:
    bound = said.above if said.above is not None else said.below
    assert bound is not None  # a record with neither is refused
    return Limit(
        value=said.value, bound=bound, is_upper=said.above is not None, deadband_pct=said.deadband_pct,
        on_delay=timedelta(seconds=said.on_delay_s), off_delay=timedelta(seconds=said.off_delay_s),
        is_of_running=said.while_running,
    )  # fmt: skip
