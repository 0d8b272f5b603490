"""One set under its controller: from standstill to load and back, with the times of the facts (E: an engineering
choice where the maker's are not public), its protections and its breaker.

Pure: `phases.step` moves it on; the hall tells what its bus is and what it carries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import NamedTuple

from ems_pipeline.gensets.states import AlarmGroup, BreakerState, EngineState
from ems_pipeline.plant.gensets.panel import Panel
from ems_pipeline.plant.gensets.running import CRANK_RPM, HELD_RPM, NOMINAL_RPM, Running
from ems_pipeline.plant.gensets.set_alarms import (
    CLOSE_FAILURE,
    HOT,
    LOW_OIL,
    OPEN_FAILURE,
    OPENING,
    OVER_POWER,
    STOPPING,
    TOO_HOT,
)  # fmt: skip
from ems_pipeline.plant.gensets.switch import Failed, Switch

RAMP_PART_S = 0.03
"""Of rated power per second."""
UNLOADED_PART = 0.05
"""Of rated power: below it the breaker opens."""
OVERLOAD_PART, OVERLOAD_S = 1.1, 5.0
LOW_OIL_KPA, LOW_OIL_S = 150.0, 2.0
HOT_C, TOO_HOT_C = 95.0, 98.0
DEFAULT_TARGET_PCT = 80.0


class Mode(Enum):
    """What the keys have chosen; the value is its bit in register 0."""

    AUTO = 9
    MANUAL = 10
    STOP = 11


@dataclass(frozen=True, slots=True)
class Times:
    """Dwell of the states, s."""

    preheat: float = 2.0
    fuel_on: float = 1.0
    fires: float = 3.0
    crank: float = 8.0
    crank_rest: float = 10.0
    attempts: int = 3
    safety: float = 10.0
    idle: float = 0.0
    warm_up: float = 60.0
    cooling: float = 180.0
    stop_idle: float = 0.0
    energised_to_stop: float = 20.0
    wait_stop: float = 30.0
    post_stop: float = 5.0


class Around(NamedTuple):
    """What a set finds at its breaker in a step."""

    dt_s: float
    now_s: float
    """Since the hall began."""
    has_voltage: bool
    """Whether its bus has voltage."""
    may_on_dead: bool
    """Whether nobody else closes on it while it is dead."""


NOWHERE = Around(0.0, 0.0, False, False)


@dataclass(slots=True)
class Genset:
    """``power_w`` is what it gives (the hall shares it out), ``target_pct`` what it was told for when it is parallel to
    the mains."""

    key: str
    rated_w: float
    chance: Random
    times: Times = field(default_factory=Times)
    mode: Mode = Mode.AUTO
    is_requested: bool = False
    """By the switchboard; counts in AUTO."""
    is_started: bool = False
    """By its own key; counts in MANUAL."""
    is_held_open: bool = False
    """Its breaker was opened by a key: it stays so until the other key."""
    state: EngineState = EngineState.STANDBY
    for_s: float = 0.0
    attempts: int = 0
    trying_s: float = 0.0
    """To synchronise."""
    target_pct: float = DEFAULT_TARGET_PCT
    goal_part: float | None = None
    """What it goes for now, as a part of its rating; None: it has no load to go for."""
    power_w: float = 0.0
    is_ramping: bool = False
    """Closed on a live bus a short while ago: in an island it takes its share by a ramp."""
    overload_s: float = 0.0
    leaking_s: float = 0.0
    running: Running = field(default_factory=Running)
    panel: Panel = field(default_factory=Panel)
    faults: dict[str, float | None] = field(default_factory=dict)
    """Switches of `switches` that are on, with their numbers."""
    breaker: Switch = field(init=False)
    around: Around = NOWHERE

    def __post_init__(self) -> None:
        self.breaker = Switch(self.chance)

    @property
    def is_called(self) -> bool:
        """Whether it is to run."""
        if self.panel.has(STOPPING):
            return False
        return self.is_requested if self.mode is Mode.AUTO else self.is_started and self.mode is Mode.MANUAL

    @property
    def makes_voltage(self) -> bool:
        return self.running.rpm == NOMINAL_RPM and self.state in EXCITED

    @property
    def feeds(self) -> bool:
        """Whether its bus has its voltage."""
        return self.breaker.is_made and self.makes_voltage

    @property
    def stays(self) -> bool:
        """Whether it is to keep its load; else it unloads, to open."""
        return self.is_called and not self.is_held_open

    @property
    def load(self) -> float:
        """Power as a part of rated."""
        return self.power_w / self.rated_w

    @property
    def is_quiet(self) -> bool:
        """Whether it would stay as it is if nobody did anything."""
        if self.state is EngineState.STANDBY:
            stands = self.running.rpm == 0 and self.running.oil_kpa == 0 and self.running.coolant_c < HOT_C
            return stands and not self.is_called
        closed = self.state is EngineState.RUNNING and self.breaker.state is BreakerState.CLOSED
        is_steady = closed and self.is_called and self.overload_s == 0 and self.running.is_warm(self.load)
        return is_steady and "low-oil" not in self.faults and not self.panel.has(OPENING)

    def carry(self, dt: float) -> None:
        """After the hall has shared the load: what it does to the engine."""
        self.running.turn(self._wanted_rpm(), dt)
        self.running.warm(self.load, "hot" in self.faults, dt)
        self.running.press("low-oil" in self.faults, dt)
        self.running.count(self.power_w, self.rated_w, dt, "meter-stuck" not in self.faults)

    def stop_now(self) -> None:
        """Breaker open, fuel off."""
        self.failed(self.breaker.trip())
        self.to(EngineState.ENERGISED_TO_STOP)

    def to(self, state: EngineState) -> None:
        self.state, self.for_s = state, 0.0

    def _wanted_rpm(self) -> float:
        if self.state in FIRED:
            return NOMINAL_RPM
        if self.state is EngineState.CRANKING:
            return CRANK_RPM
        return HELD_RPM if "stop-fail" in self.faults and self.running.rpm >= HELD_RPM else 0.0

    def protect(self, dt: float) -> None:
        """What the controller watches, and what it does about the worst at once.

        A start by the key that an alarm has ended is over: after a reset the engine waits for the key again.
        """
        panel, running, is_up = self.panel, self.running, self.state in WATCHED
        panel.cause(TOO_HOT, running.coolant_c >= TOO_HOT_C)
        panel.cause(HOT, running.coolant_c >= HOT_C)
        self.leaking_s = self.leaking_s + dt if is_up and running.oil_kpa < LOW_OIL_KPA else 0.0
        panel.cause(LOW_OIL, self.leaking_s >= LOW_OIL_S)
        self.overload_s = self.overload_s + dt if self.load > OVERLOAD_PART else 0.0
        panel.cause(OVER_POWER, self.overload_s >= OVERLOAD_S)
        self.is_started = self.is_started and not panel.has(STOPPING)
        if panel.has((AlarmGroup.SHUTDOWN,)) and (self.state in FIRED or self.state in STARTING):
            self.stop_now()

    def failed(self, failed: Failed | None) -> None:
        """Its breaker did not do what it was told."""
        self.panel.cause(CLOSE_FAILURE, failed is Failed.TO_CLOSE or CLOSE_FAILURE in self.panel.causes)
        self.panel.cause(OPEN_FAILURE, failed is Failed.TO_OPEN or OPEN_FAILURE in self.panel.causes)
        if self.breaker.is_at_rest and not self.breaker.is_stuck:
            self.panel.cause(CLOSE_FAILURE, False)
            self.panel.cause(OPEN_FAILURE, False)


STARTING = frozenset({EngineState.PREHEAT, EngineState.FUEL_ON, EngineState.CRANKING, EngineState.CRANK_REST})
EXCITED = frozenset({EngineState.WARMING_UP, EngineState.WAIT_LOAD, EngineState.RUNNING, EngineState.COOLING})
"""With voltage."""
WATCHED = EXCITED | {EngineState.START_IDLE, EngineState.STOP_IDLE}
"""Oil pressure counts from the end of the safety run on."""
FIRED = WATCHED | {EngineState.SAFETY_RUN}
