"""What a sequence sees at an instant: the newest snapshot, and what is remembered of the set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ems_pipeline.gensets.sequence.rules import Rules
from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.gensets.states import AlarmGroup, BreakerState, EngineState


class Mode(StrEnum):
    """What the controller's mode switch stands at."""

    AUTO = "auto"
    MANUAL = "manual"
    STOP = "stop"
    TEST = "test"


ENGINES: Mapping[object, EngineState] = {str(one): one for one in EngineState}
BREAKERS: Mapping[object, BreakerState] = {str(one): one for one in BreakerState}
MODE_BITS = tuple((f"mode_{mode}", mode) for mode in Mode)
STOPPING = frozenset(AlarmGroup) - {AlarmGroup.WARNING}
"""Groups whose alarms stop, open or block: none of them may stand when a set is started."""
COMING_UP = frozenset(
    {EngineState.PREHEAT, EngineState.FUEL_ON, EngineState.CRANKING, EngineState.CRANK_REST, EngineState.SAFETY_RUN,
     EngineState.START_IDLE, EngineState.WARMING_UP, EngineState.WAIT_LOAD}
)  # fmt: skip
"""States 1 to 8: the controller is at its own start."""
COMING_DOWN = frozenset(
    {EngineState.COOLING, EngineState.STOP_IDLE, EngineState.ENERGISED_TO_STOP, EngineState.WAIT_STOP,
     EngineState.POST_STOP}
)  # fmt: skip
"""States 10 to 14: the controller is at its own stop."""
STOPPABLE = frozenset({EngineState.WARMING_UP, EngineState.WAIT_LOAD, EngineState.RUNNING, EngineState.START_IDLE})
"""The engine turns by itself and the controller is in no attempt: the stop key means just that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered of a set beside what it says now. Unknown is empty."""

    owned_mode: Mode | None = None
    """The mode that our own keys left it in; None: nobody knows who set it."""
    starts: tuple[datetime, ...] = ()
    """Starts of the last 24 h, whoever caused them."""
    resets: tuple[datetime, ...] = ()
    """Resets of ours within the last hour."""
    running_from_at: datetime | None = None
    stopped_at: datetime | None = None
    locks: tuple[str, ...] = ()
    """Why the set is locked out: persons, and open orders that want the engine stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One look."""

    now_at: datetime
    snapshot: Snapshot
    memory: Memory = Memory()
    withdrawn: str = ""
    """Why nothing may be told any more (opt-ins); empty while it may."""
    cancelled: str = ""
    """By whom the command was taken back; empty: it was not."""

    def is_fresh(self, rules: Rules) -> bool:
        """Whether what stands here may be acted on: answered whole, lately, with the mode and the state known."""
        taken_at = self.snapshot.taken_at
        if self.snapshot.link is not Link.GOOD or taken_at is None or self.mode is None:
            return False
        young = self.now_at - rules.oldest <= taken_at <= self.now_at
        return young and (rules.is_switchboard or self.engine is not None)

    @property
    def engine(self) -> EngineState | None:
        """Where the engine is; None: not known."""
        said = self.snapshot.values.get("engine_state")
        return ENGINES.get(said)

    @property
    def breaker(self) -> BreakerState | None:
        """The set's own breaker; None: not known."""
        said = self.snapshot.values.get("generator_breaker")
        return BREAKERS.get(said)

    @property
    def mode(self) -> Mode | None:
        """What the switch stands at; None where no mode or more than one is told."""
        told = [mode for bit, mode in MODE_BITS if self.snapshot.bits.get(bit)]
        return told[0] if len(told) == 1 else None

    def number(self, name: str) -> float | None:
        """A number of the snapshot; None: no sensor, or not believed."""
        found = self.snapshot.values.get(name)
        return float(found) if isinstance(found, int | float) else None

    @property
    def is_wrong(self) -> bool | None:
        """Whether the controller shows any alarm; None: not known."""
        return self.snapshot.bits.get("common_alarm")

    def standing(self) -> list[str]:
        """Names of alarms that stop, open or block, as far as they were read."""
        found = self.snapshot.alarms or frozenset()
        return sorted(f"{alarm.group}: {alarm.name}" for alarm in found if alarm.group in STOPPING)

    def named(self, *words: str) -> list[str]:
        """Names of alarms of any group that contain one of the words."""
        found = self.snapshot.alarms or frozenset()
        return sorted({alarm.name for alarm in found if any(word in alarm.name for word in words)})
