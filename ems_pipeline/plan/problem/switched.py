"""Loads that are on or off and may be interrupted, and groups of machines of which only so many run at once.

Units and slots as in `problem`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem.devices import Window
from ems_pipeline.plan.record import Record


@dataclass(frozen=True, eq=False)
class RunTime(Record):
    """So many ``slots`` of running within ``[first, end)``, made up of any runs; what is missing is priced."""

    first: int
    end: int
    slots: int
    most_starts: int | None = None
    """Starts it may still make in there; None: any number."""


@dataclass(frozen=True, eq=False)
class SwitchedLoad(Record):
    """A load that draws ``power_w`` or nothing; it runs where one of ``wanted`` asks for it and nowhere else."""

    key: str
    power_w: float
    wanted: tuple[RunTime, ...]
    """In the order of time, apart from each other; together where it may run at all."""
    missing_price_per_h: float = 100.0
    """Money per hour of running that is missing."""
    min_run_slots: int = 1
    min_pause_slots: int = 1
    was_on: bool | None = None
    """Whether it ran before the first slot; None when unknown (then the first start is free)."""
    state_slots: int | None = None
    """For how many slots it has been on (off) before the first; None: longer than any rule asks."""
    blocked: tuple[Window, ...] = ()
    """It does not run there."""
    anywhere_w: Array | None = None
    """What it may draw per slot wherever that comes from, W; more only where the sun leaves it. None: all of it."""
    most_price_per_kwh: float | None = None
    """Price above which `anywhere_w` is 0; told as the reason."""

    @property
    def min_w(self) -> float:
        """Its least power while it runs: the only one it has."""
        return self.power_w

    @property
    def max_w(self) -> float:
        """Its most power: the only one it has."""
        return self.power_w


@dataclass(frozen=True, eq=False)
class LoadGroup(Record):
    """Machines behind one actuator, of which at most ``most_at_once`` run in a slot."""

    key: str
    machines: tuple[str, ...]
    most_at_once: int = 1
