"""What a run did, partition by partition: the figures of each are its own, and one that got nothing is not made.

A run fills many days of many sites. Each (site, day) costs only itself: what fails for one is noted, the others go on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import dagster as dg

from ems_pipeline import time_grid
from ems_pipeline.orchestration import per_site
from ems_pipeline.orchestration.figures import told
from ems_pipeline.orchestration.machinery import dagster_private
from ems_pipeline.orchestration.partitions import site_day
from ems_pipeline.orchestration.requests import ROUTINE_TAG
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.warehouse import DatabaseUnavailable, alarms
from ems_pipeline.warehouse.engine import Connection

Picture = Callable[[], dg.MetadataValue | None]


class Ledger:
    """Kept by an asset over site x day while it works, and closed with what it returns.

    Args:
        alarm: kind of the alarm of a site that cannot be served today or later. A day that is over says nothing about
            how things stand: it neither raises nor ends one.
    """

    def __init__(
        self, context: dg.AssetExecutionContext, ems: Platform, windows: Sequence[SiteWindow], alarm: str | None = None
    ) -> None:
        self._context, self._ems, self._windows, self._alarm = context, ems, windows, alarm
        self._now = ems.clock.now()
        self._has_one_site = len({window.site.key for window in windows}) == 1
        self._made: dict[tuple[str, date], dict[str, Any]] = {}
        self._faults: dict[tuple[str, date], str] = {}
        self._current: set[tuple[str, date]] = set()
        self._picture: tuple[tuple[str, date], Picture] | None = None

    @contextmanager
    def each(self, site: Site, *days: date) -> Iterator[None]:
        """Work on days of a site; whatever goes wrong is theirs, and a database that is away is everybody's."""
        try:
            yield
        except DatabaseUnavailable:
            raise
        except Exception as fault:
            for day in days:
                self.lacks(site, day, per_site.told(fault))

    def day_by_day(self, work: Callable[[Connection, SiteWindow], None]) -> dg.MaterializeResult[Any]:
        """Each day of each site, in a transaction of its own; what goes wrong is that day's. Then as `close`.

        Args:
            work: is given one day at a time, and says what became of it.
        """
        for window in self._windows:
            for day in window.days:
                with self.each(window.site, day), self._ems.warehouse.begin() as connection:
                    work(connection, window.part(day, day))
        return self.close()

    def made(self, site: Site, day: date, rows: int, picture: Picture | None = None, **figures: Any) -> None:
        """A day was served, unless something of it could not be. No rows are right where the site has nothing of the
        kind: say so in a figure ``nothing``.

        Args:
            rows: what the partition holds now.
            picture: draws the day; asked once in a run, of its last day, and only where the run is about one site.
        """
        part = self._part(site, day)
        if part in self._faults:
            return
        self._made[part] = told(rows, **figures)
        if picture is not None and self._has_one_site:
            self._picture = part, picture

    def lacks(self, site: Site, day: date, why: str) -> None:
        """A day could not be served, or not whole; ``why`` has the remedy, and the first one counts."""
        part = self._part(site, day)
        self._faults.setdefault(part, why)
        self._made.pop(part, None)

    def not_yet(self, site: Site, day: date, why: str) -> None:
        """There is nothing to serve a day from, and that is as it should be: its partition stays as it is."""
        self._context.log.info(f"{site.key} {day}: {why}")

    def _part(self, site: Site, day: date) -> tuple[str, date]:
        part = site.key, day
        if time_grid.day_bounds(day, time_grid.zone(site.timezone))[1] > self._now:
            self._current.add(part)
        return part

    def close(self) -> dg.MaterializeResult[Any]:
        """Record what was made, file or end alarms, and give the asset its result.

        Raises:
            dg.Failure: nothing was made, or somebody who asked for just this misses something; with all reasons. What
                was made is recorded before.
        """
        if self._picture is not None and self._picture[0] in self._made:
            part, draw = self._picture
            drawn = draw()
            self._made[part] |= {"plot": drawn} if drawn is not None else {}
        _record(self._context, {site_day(*part): figures for part, figures in self._made.items()})
        for (site_key, day), why in self._faults.items():
            self._context.log.error(f"{site_key} {day}: {why}")
        self._tell()
        if self._faults and (not self._made or self._is_asked_for_just_this()):
            raise dg.Failure("; ".join(dict.fromkeys(self._faults.values())), allow_retries=False)
        return dg.MaterializeResult(metadata=dagster_private.SAID_ALREADY)

    def _is_asked_for_just_this(self) -> bool:
        """Routine has its alarms; and what the same run makes of the other partitions must not be kept from them."""
        return ROUTINE_TAG not in self._context.run.tags and not dagster_private.feeds_another(self._context)

    def _tell(self) -> None:
        if self._alarm is None or not self._current:
            return
        faults = {key: why for (key, day), why in self._faults.items() if (key, day) in self._current}
        served = {key for key, day in self._made if (key, day) in self._current} - faults.keys()
        with self._ems.warehouse.begin() as connection:
            alarms.clear_of_sites(connection, sorted(served), self._alarm, self._now)
            for key, why in faults.items():
                alarms.raise_alarm(connection, key, self._alarm, "warning", why, self._now)


def record_days(context: dg.AssetExecutionContext, figures: Mapping[date, dict[str, Any]]) -> None:
    """Materialise these of the run's market days and no other, each with its own figures."""
    _record(context, {day.isoformat(): own for day, own in figures.items()})


def _record(context: dg.AssetExecutionContext, figures: Mapping[str, dict[str, Any]]) -> None:
    for key, own in figures.items():
        context.add_asset_metadata(own, partition_key=key)
    if figures:
        dagster_private.materialize(context, list(figures))
