"""Follows the rounds of polls: alarms are stored as they come, and people are told.

What the database cannot take now is taken when it answers again, round for round; after a restart what stands is read
back, so that nothing is raised twice and nothing ends that was not seen to end.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from ems_pipeline.gensets.alarms import flood
from ems_pipeline.gensets.alarms.alarm import Controller
from ems_pipeline.gensets.alarms.around import Around
from ems_pipeline.gensets.alarms.limits import Limit
from ems_pipeline.gensets.alarms.telling import Telling
from ems_pipeline.gensets.alarms.watch import Watch
from ems_pipeline.gensets.snapshot import Snapshot
from ems_pipeline.sites import Site
from ems_pipeline.sites.alarm_limit import AlarmLimit
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse, genset_alarms
from ems_pipeline.warehouse.engine import Connection

logger = logging.getLogger(__name__)
MOST_KEPT = 300
"""Rounds for a database that is away: ten minutes of them. Then the oldest are given up; what stands is seen anyhow."""
PATIENCE_S = 5.0
Limits = Mapping[Controller, Sequence[Limit]]


class Alarms:
    """A `Follower` of the rounds."""

    def __init__(self, warehouse: Warehouse, limits: Limits) -> None:
        self._warehouse, self._limits = warehouse, limits
        self._watched: Limits | None = None
        self._watch: Watch | None = None
        self._telling, self._around = Telling(), Around()
        self._rounds: deque[tuple[datetime, Sequence[Snapshot]]] = deque(maxlen=MOST_KEPT)

    def follow(self, sites: Iterable[Site]) -> None:
        """The site files say other limits; from the next round on they hold."""
        self._limits = limits_of(sites)

    async def seen(self, now_at: datetime, snapshots: Sequence[Snapshot]) -> None:
        """Take a round; DatabaseUnavailable: it waits for the next one. What else fails costs itself."""
        if not self._rounds or self._rounds[-1][1] is not snapshots:  # it is shown again where it could not be stored
            self._rounds.append((now_at, snapshots))
        try:
            await asyncio.to_thread(self.catch_up)
        except DatabaseUnavailable:
            raise
        except Exception:
            self._rounds.clear()
            raise

    def catch_up(self) -> None:
        """Store and tell every round that waits; same errors."""
        with self._warehouse.begin(PATIENCE_S) as connection:
            genset_alarms.lock(connection)
            watch, self._watch = self._known(connection), None
            removed, sites = genset_alarms.removed(connection), genset_alarms.registered(connection)
            for at, snapshots in self._rounds:
                self._take(connection, watch, at, [one for one in snapshots if one.site in sites], removed)
        self._watch = watch  # not where it could not be stored: then nothing has happened, and what stands is read back
        self._rounds.clear()

    def _known(self, connection: Connection) -> Watch:
        """What stands, with what people have done since; read back where this process does not know it."""
        limits = self._limits
        if self._watch is not None and limits == self._watched:
            self._watch.heed(genset_alarms.persons(connection))
            return self._watch
        first_at = self._rounds[0][0]
        self._telling = Telling(genset_alarms.came_since(connection, first_at - flood.SPAN))
        self._watched = limits
        return Watch(limits, genset_alarms.standing(connection))

    def _take(
        self, connection: Connection, watch: Watch, at: datetime, snapshots: Sequence[Snapshot],
        removed: Mapping[Controller, str],
    ) -> None:  # fmt: skip
        steps = watch.see(at, snapshots, removed)
        genset_alarms.store(connection, steps)
        genset_alarms.keep_around(connection, self._around.see(at, snapshots, steps))
        genset_alarms.tell(connection, self._telling.round(at, steps, watch.standing), at)


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
