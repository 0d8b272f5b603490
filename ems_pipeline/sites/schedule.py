"""Schedules: what the owner wants of an asset at fixed hours, as dated data. Above the plan, below an override."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from ems_pipeline.sites.asset import LARGEST_LIMIT, Asset
from ems_pipeline.sites.hours import Hours
from ems_pipeline.sites.record import Key
from ems_pipeline.sites.wish import Unfit

POWER_LIMITS = {"charge": "charge_limit_w", "discharge": "discharge_limit_w", "run": "power_w"}
"""Modes with one power, and the limit that says it."""


class Schedule(Hours):
    """Mode and limits of an asset in its hours."""

    key: Key
    asset: Key
    mode: str
    limits: dict[str, Annotated[float, Field(ge=0, le=LARGEST_LIMIT)]] = Field(default_factory=dict)


def acting(schedules: Sequence[Schedule], slot: datetime, zone: ZoneInfo) -> dict[str, Schedule]:
    """Schedules that act in a quarter-hour, by asset; a site file that loads has one for an asset at most."""
    return {s.asset: s for s in schedules if s.covers(slot, zone)}


def faults(schedules: Sequence[Schedule], assets: Mapping[str, Asset]) -> Iterator[str]:
    """What schedules ask that the site cannot do, or ask twice, each with its remedy."""
    keys = [s.key for s in schedules]
    yield from (f"schedule key {k!r} is used twice; keys are unique" for k in dict.fromkeys(keys) if keys.count(k) > 1)
    for schedule in schedules:
        if fault := _cannot(schedule, assets):
            yield f"schedule {schedule.key!r} {fault}"
    for one, other in combinations(schedules, 2):
        if one.asset == other.asset and one.meets(other):
            yield (
                f"schedules {one.key!r} and {other.key!r} both act on {one.asset!r} at times; "
                "part their hours, days or dates"
            )


def _cannot(schedule: Schedule, assets: Mapping[str, Asset]) -> str:
    asset = assets.get(schedule.asset)
    if asset is None:
        return f"names asset {schedule.asset!r}; known assets: {sorted(assets)}"
    wish = asset.wish(schedule.mode, schedule.limits)
    return wish.fault if isinstance(wish, Unfit) else ""
