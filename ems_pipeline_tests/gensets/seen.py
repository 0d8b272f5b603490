"""Made-up rounds of polls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from ems_pipeline.gensets.snapshot import AlarmBit, Link, Snapshot
from ems_pipeline.gensets.states import AlarmGroup

START = datetime(2026, 11, 30, 12, tzinfo=UTC)
POLL = timedelta(seconds=2)
RUNNING: Mapping[str, float | str | None] = {"engine_state": "running", "coolant_c": 82.0, "oil_kpa": 350.0}


def bits(*names: str, group: AlarmGroup = AlarmGroup.WARNING) -> frozenset[AlarmBit]:
    return frozenset(AlarmBit(group, name) for name in names)


def shot(
    at: datetime = START, alarms: Iterable[AlarmBit] | None = (), *, link: Link = Link.GOOD, site: str = "hall",
    device: str = "set-1", values: Mapping[str, float | str | None] = RUNNING,
) -> Snapshot:  # fmt: skip
    known = None if alarms is None or link is Link.DOWN else frozenset(alarms)
    told = dict.fromkeys(values) if link is Link.DOWN else values
    return Snapshot(
        site=site, device=device, model="HGM9520N", taken_at=at, link=link, values=told, bits={}, alarms=known
    )
