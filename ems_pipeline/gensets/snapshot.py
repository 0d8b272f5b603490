"""What one poll of a controller found, and who is shown it.

Names are the map's, and the same for every model that has the thing: `engine_state`, `generator_breaker`,
`mains_breaker`, `power_w`, `power_pct`, `power_target_pct`, `rpm`, `coolant_c`, `oil_kpa`, `fuel_pct`, `battery_v`,
`run_hours`, `starts`, `energy_wh`. A switchboard has `busbar_breaker` for `generator_breaker`, and `mains_power_w`.
Modes are the bits `mode_auto`, `mode_manual`, `mode_stop`, `mode_test`; `common_alarm` says that anything is wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from ems_pipeline.gensets.states import AlarmGroup


class Link(StrEnum):
    """How far a snapshot can be believed."""

    GOOD = "good"
    STALE = "stale"
    """The last poll, or a part of it, was not answered; what stands here was read before."""
    DOWN = "down"
    """Nothing has been answered for three polls; no value is known, and no alarm has ended."""


class AlarmBit(NamedTuple):
    """An alarm as a controller shows it."""

    group: AlarmGroup
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A controller at an instant. ``taken_at`` is when its last answer came, None before the first."""

    site: str
    device: str
    model: str
    taken_at: datetime | None
    link: Link
    values: Mapping[str, float | str | None]
    """Numbers in the units of their names, states in the words of `states`; None: no sensor, or not believed."""
    bits: Mapping[str, bool]
    """Status bits, without alarms."""
    alarms: frozenset[AlarmBit] | None
    """Alarm bits that are set; None where they were not read: unknown is not ended."""


class Follower(Protocol):
    """Who is shown every round of polls: alarms, sequences, what is stored and told."""

    async def seen(self, now_at: datetime, snapshots: Sequence[Snapshot]) -> None:
        """Take a round; whoever fails here is told of and costs the others nothing."""
        ...


Leave = Callable[[], Awaitable[None]]
"""Asked once the line is ours, before anything is told; raises why nothing may be."""


async def freely() -> None:
    """Whatever else: it may be told."""


class Controller(Protocol):
    """What a sequence can do to a controller. Names are the map's commands; others are refused."""

    async def pulse(self, command: str, leave: Leave = freely) -> None:
        """Press a key: off, on, off, each echoed. Raises the wire's error; the next polls show what came of it."""
        ...

    async def write(self, command: str, value: float, leave: Leave = freely) -> None:
        """Write a number in the unit of the command's name, within the map's range."""
        ...
