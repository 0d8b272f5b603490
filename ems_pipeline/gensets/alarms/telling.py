"""Which alarms people are told of: one by one, or in a flood all of a site in a digest a minute.

A notice is an ordinary alarm of the system (``ems.alarm``): it goes by everybody's own ways, and ends with its cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ems_pipeline.gensets.alarms import design, titles
from ems_pipeline.gensets.alarms.alarm import Alarm, Source, Step
from ems_pipeline.gensets.alarms.flood import Flood
from ems_pipeline.gensets.alarms.life import State, What
from ems_pipeline.gensets.states import AlarmGroup

MOST_NAMED = 3
"""Of a digest: which came most often."""


@dataclass(frozen=True)
class Digest:
    """What is told of a site in a flood, for a minute."""

    site: str
    severity: str
    text: str


@dataclass
class Told:
    """What a round says to people."""

    new: list[Alarm] = field(default_factory=list)
    """To be told one by one."""
    over: list[Alarm] = field(default_factory=list)
    """Whose notice ends; it was told."""
    digests: list[Digest] = field(default_factory=list)
    calm: list[str] = field(default_factory=list)
    """Sites whose flood is over."""


class Telling:
    """Remembers the floods of all sites."""

    def __init__(self, before: Mapping[str, Iterable[datetime]] | None = None) -> None:
        """``before``: instants of alarms by site, of the ten minutes before."""
        self._floods = {site: Flood(came) for site, came in (before or {}).items()}
        self._untold: dict[str, list[Alarm]] = {}
        """Of a flood, since its last digest."""

    def round(self, at: datetime, steps: Iterable[Step], standing: Iterable[Alarm]) -> Told:
        """What this round is to say. ``standing``: after the steps."""
        told = Told(over=[s.alarm for s in steps if s.alarm.state is State.NORMAL and s.alarm.notice is not None])
        came = [s.alarm for s in steps if s.what is What.RAISED and not s.alarm.is_hidden]
        by_site = Counter(alarm.controller.site for alarm in came)
        for site in by_site.keys() | self._floods.keys():
            self._flooded(told, site, at, by_site[site])
        for alarm in came:
            if self._floods[alarm.controller.site].is_on:
                self._untold.setdefault(alarm.controller.site, []).append(alarm)
        told.digests = [self._digest(site) for site, flood in self._floods.items() if self._is_due(site, flood, at)]
        for alarm in standing:
            if alarm.notice is not None and _is_over(alarm):
                told.over.append(alarm)
            elif alarm.notice is None and self._wants(alarm):
                told.new.append(alarm)
        return told

    def _flooded(self, told: Told, site: str, at: datetime, came: int) -> None:
        flood = self._floods.setdefault(site, Flood())
        was_on = flood.is_on
        flood.look(at, came)
        if was_on and not flood.is_on:
            told.calm.append(site)
            self._untold.pop(site, None)

    def _is_due(self, site: str, flood: Flood, at: datetime) -> bool:
        return bool(self._untold.get(site)) and flood.takes_digest(at)

    def _wants(self, alarm: Alarm) -> bool:
        """Of a lost link people hear by ``controllers-lost``, once for each site."""
        if alarm.state is not State.UNACKNOWLEDGED or alarm.is_hidden or alarm.condition.source is Source.LINK:
            return False
        flood = self._floods.get(alarm.controller.site)
        return flood is None or not flood.is_on or titles.bypasses(alarm.condition)

    def _digest(self, site: str) -> Digest:
        alarms, flood = self._untold.pop(site), self._floods[site]
        groups = Counter(alarm.condition.group for alarm in alarms)
        names = Counter(f"{alarm.controller.device} {titles.title(alarm.condition.name)}" for alarm in alarms)
        by_group = ", ".join(f"{groups[group]} {titles.GROUPS[group]}" for group in AlarmGroup if groups[group])
        most = "; ".join(f"{name} ({often})" for name, often in names.most_common(MOST_NAMED))
        text = f"{len(alarms)} new alarms, {flood.count} in ten minutes: {by_group}. Most often: {most}. "
        worst = max(alarms, key=lambda alarm: titles.severity(alarm.condition) == "critical")
        return Digest(site, titles.severity(worst.condition), text + "The page Genset alarms has them all.")


def _is_over(alarm: Alarm) -> bool:
    """Its notice ends when its cause does, or when somebody hides it; what a lost link hides stays as it was."""
    return not alarm.state.is_active or (alarm.is_hidden and alarm.suppressed_by != design.LINK)
