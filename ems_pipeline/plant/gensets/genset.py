"""One set under its controller: from standstill to load and back, with the times of the facts (E: an engineering
choice where the maker's are not public), its protections and its breaker.

Pure: `step` moves it on; the hall tells what its bus is and what it carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import NamedTuple

from ems_pipeline.gensets.states import AlarmGroup, BreakerState, EngineState
from ems_pipeline.plant.gensets.panel import Alarm, Panel
from ems_pipeline.plant.gensets.running import CRANK_RPM, HELD_RPM, NOMINAL_RPM, Running
from ems_pipeline.plant.gensets.switch import Failed, Switch

RAMP_PART_S = 0.03
"""Of rated power per second."""
UNLOADED_PART = 0.05
"""Of rated power: below it the breaker opens."""
OVERLOAD_PART, OVERLOAD_S = 1.1, 5.0
LOW_OIL_KPA, LOW_OIL_S = 150.0, 2.0
HOT_C, TOO_HOT_C = 95.0, 98.0
SYNC_LIMIT_S = 60.0
DEFAULT_TARGET_PCT = 80.0
BASES: Mapping[AlarmGroup, int] = {
    AlarmGroup.SHUTDOWN: 1, AlarmGroup.TRIP_STOP: 16, AlarmGroup.TRIP: 31, AlarmGroup.SAFETY_TRIP_STOP: 46,
    AlarmGroup.SAFETY_TRIP: 61, AlarmGroup.BLOCK: 76, AlarmGroup.WARNING: 91,
}  # fmt: skip
"""First register of each group; the same bits repeat in all (smartgen-hgm9520n.md section 4)."""
STOPPING = frozenset({AlarmGroup.SHUTDOWN, AlarmGroup.TRIP_STOP, AlarmGroup.SAFETY_TRIP_STOP})
OPENING = frozenset({AlarmGroup.TRIP, AlarmGroup.SAFETY_TRIP})


class Mode(Enum):
    """What the keys have chosen; the value is its bit in register 0."""

    AUTO = 9
    MANUAL = 10
    STOP = 11


def alarm(group: AlarmGroup, word: int, bit: int) -> Alarm:
    """A bit of the table that repeats in each group."""
    return Alarm(group, BASES[group] + word, bit)


EMERGENCY_STOP = alarm(AlarmGroup.SHUTDOWN, 0, 0)
CRANK_FAILURE = alarm(AlarmGroup.SHUTDOWN, 0, 8)
OVER_POWER = alarm(AlarmGroup.TRIP, 0, 13)
TEMP_SENSOR_OPEN = alarm(AlarmGroup.WARNING, 1, 7)
TOO_HOT, HOT = alarm(AlarmGroup.SHUTDOWN, 1, 8), alarm(AlarmGroup.WARNING, 1, 8)
LOW_OIL = alarm(AlarmGroup.SHUTDOWN, 1, 13)
STOP_FAILURE = alarm(AlarmGroup.WARNING, 2, 11)
SYNC_FAILURE = alarm(AlarmGroup.SHUTDOWN, 2, 15)
CLOSE_FAILURE, OPEN_FAILURE = alarm(AlarmGroup.WARNING, 3, 9), alarm(AlarmGroup.WARNING, 3, 11)
GAS_LEAK = alarm(AlarmGroup.SHUTDOWN, 4, 9)


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

    def step(self, around: Around) -> None:
        """Move on, with what is around it now."""
        self.around = around
        self.for_s += around.dt_s
        self.panel.at_s = around.now_s
        self._protect(around.dt_s)
        if self.breaker.is_made and (self.state is not EngineState.RUNNING or self.panel.has(OPENING)):
            self._failed(self.breaker.trip())
        PHASES[self.state](self)

    def carry(self, dt: float) -> None:
        """After the hall has shared the load: what it does to the engine."""
        self.running.turn(self._wanted_rpm(), dt)
        self.running.warm(self.load, "hot" in self.faults, dt)
        self.running.press("low-oil" in self.faults, dt)
        self.running.count(self.power_w, self.rated_w, dt, "meter-stuck" not in self.faults)

    def stop_now(self) -> None:
        """Breaker open, fuel off."""
        self._failed(self.breaker.trip())
        self.to(EngineState.ENERGISED_TO_STOP)

    def to(self, state: EngineState) -> None:
        self.state, self.for_s = state, 0.0

    def _wanted_rpm(self) -> float:
        if self.state in FIRED:
            return NOMINAL_RPM
        if self.state is EngineState.CRANKING:
            return CRANK_RPM
        return HELD_RPM if "stop-fail" in self.faults and self.running.rpm >= HELD_RPM else 0.0

    def _protect(self, dt: float) -> None:
        """What the controller watches, and what it does about the worst at once."""
        panel, running, is_up = self.panel, self.running, self.state in WATCHED
        panel.cause(TOO_HOT, running.coolant_c >= TOO_HOT_C)
        panel.cause(HOT, running.coolant_c >= HOT_C)
        self.leaking_s = self.leaking_s + dt if is_up and running.oil_kpa < LOW_OIL_KPA else 0.0
        panel.cause(LOW_OIL, self.leaking_s >= LOW_OIL_S)
        self.overload_s = self.overload_s + dt if self.load > OVERLOAD_PART else 0.0
        panel.cause(OVER_POWER, self.overload_s >= OVERLOAD_S)
        if panel.has((AlarmGroup.SHUTDOWN,)) and (self.state in FIRED or self.state in STARTING):
            self.stop_now()

    def _failed(self, failed: Failed | None) -> None:
        """Its breaker did not do what it was told."""
        self.panel.cause(CLOSE_FAILURE, failed is Failed.TO_CLOSE or CLOSE_FAILURE in self.panel.causes)
        self.panel.cause(OPEN_FAILURE, failed is Failed.TO_OPEN or OPEN_FAILURE in self.panel.causes)
        if self.breaker.is_at_rest and not self.breaker.is_stuck:
            self.panel.cause(CLOSE_FAILURE, False)
            self.panel.cause(OPEN_FAILURE, False)

    def _standby(self) -> None:
        if self.is_called and not self.panel.has((AlarmGroup.BLOCK,)):
            self.attempts = 0
            self.to(EngineState.PREHEAT)

    def _preheat(self) -> None:
        self._on_after(self.times.preheat, EngineState.FUEL_ON)

    def _fuel_on(self) -> None:
        self._on_after(self.times.fuel_on, EngineState.CRANKING)

    def _cranking(self) -> None:
        if not self.is_called:
            self.to(EngineState.ENERGISED_TO_STOP)
        elif self.for_s >= self.times.fires and not self._misfires():
            self.running.starts += 1
            self.to(EngineState.SAFETY_RUN)
        elif self.for_s >= self.times.crank:
            self.attempts += 1
            self.to(EngineState.CRANK_REST)
            if self.attempts >= self.times.attempts:
                self.to(EngineState.STANDBY)
                self.panel.happened(CRANK_FAILURE)

    def _misfires(self) -> bool:
        """With a number: only so many attempts in a row fail."""
        failing = self.faults.get("crank-fail", 0.0)
        return failing is None or self.attempts < failing

    def _crank_rest(self) -> None:
        self._on_after(self.times.crank_rest, EngineState.CRANKING)

    def _safety_run(self) -> None:
        self._on_after(self.times.safety, EngineState.START_IDLE)

    def _start_idle(self) -> None:
        self._on_after(self.times.idle, EngineState.WARMING_UP)

    def _warming_up(self) -> None:
        self.trying_s = 0.0
        self._on_after(self.times.warm_up, EngineState.WAIT_LOAD)

    def _on_after(self, seconds: float, following: EngineState) -> None:
        """Go on when it is time, or stop: an engine that has not been loaded needs no cooling."""
        if not self.is_called:
            self.to(EngineState.ENERGISED_TO_STOP)
        elif self.for_s >= seconds:
            self.to(following)

    def _wait_load(self) -> None:
        if not self.is_called:
            self._failed(self.breaker.trip())
            self.to(EngineState.COOLING)
        elif self.is_held_open or self.panel.has(OPENING):
            self.trying_s = 0.0
            self._failed(self.breaker.open(self.around.dt_s, True))
        else:
            self.trying_s = self.trying_s + self.around.dt_s if self.around.has_voltage else 0.0
            self.breaker.never_syncs = "sync-never" in self.faults
            self._close()
            if self.breaker.state is BreakerState.CLOSED:
                self.is_ramping = not self.breaker.is_on_dead
                self.to(EngineState.RUNNING)
            elif self.trying_s >= SYNC_LIMIT_S:
                self.panel.happened(SYNC_FAILURE)

    def _running(self) -> None:
        self.trying_s = 0.0
        if self.stays:
            self._close()
        else:
            self._failed(self.breaker.open(self.around.dt_s, self.load < UNLOADED_PART))
        if not self.breaker.is_made:
            self.to(EngineState.WAIT_LOAD if self.is_called else EngineState.COOLING)

    def _close(self) -> None:
        here, around = self.makes_voltage, self.around
        self._failed(self.breaker.close(around.dt_s, around.now_s, here, around.has_voltage, around.may_on_dead))

    def _cooling(self) -> None:
        if self.is_called:
            self.to(EngineState.WAIT_LOAD)
        elif self.for_s >= self.times.cooling:
            self.to(EngineState.STOP_IDLE)

    def _stop_idle(self) -> None:
        if self.for_s >= self.times.stop_idle:
            self.to(EngineState.ENERGISED_TO_STOP)

    def _energised_to_stop(self) -> None:
        if self.for_s >= self.times.energised_to_stop:
            self.to(EngineState.WAIT_STOP)

    def _wait_stop(self) -> None:
        if self.running.rpm == 0:
            self.to(EngineState.POST_STOP)
        elif self.for_s >= self.times.wait_stop:
            self.panel.cause(STOP_FAILURE, True)
            self.to(EngineState.STOP_FAILURE)

    def _post_stop(self) -> None:
        if self.for_s >= self.times.post_stop:
            self.to(EngineState.STANDBY)

    def _stop_failure(self) -> None:
        if self.running.rpm == 0:
            self.panel.cause(STOP_FAILURE, False)
            self.to(EngineState.STANDBY)


STARTING = frozenset({EngineState.PREHEAT, EngineState.FUEL_ON, EngineState.CRANKING, EngineState.CRANK_REST})
EXCITED = frozenset({EngineState.WARMING_UP, EngineState.WAIT_LOAD, EngineState.RUNNING, EngineState.COOLING})
"""With voltage."""
WATCHED = EXCITED | {EngineState.START_IDLE, EngineState.STOP_IDLE}
"""Oil pressure counts from the end of the safety run on."""
FIRED = WATCHED | {EngineState.SAFETY_RUN}
PHASES: Mapping[EngineState, Callable[[Genset], None]] = {
    EngineState.STANDBY: Genset._standby,
    EngineState.PREHEAT: Genset._preheat,
    EngineState.FUEL_ON: Genset._fuel_on,
    EngineState.CRANKING: Genset._cranking,
    EngineState.CRANK_REST: Genset._crank_rest,
    EngineState.SAFETY_RUN: Genset._safety_run,
    EngineState.START_IDLE: Genset._start_idle,
    EngineState.WARMING_UP: Genset._warming_up,
    EngineState.WAIT_LOAD: Genset._wait_load,
    EngineState.RUNNING: Genset._running,
    EngineState.COOLING: Genset._cooling,
    EngineState.STOP_IDLE: Genset._stop_idle,
    EngineState.ENERGISED_TO_STOP: Genset._energised_to_stop,
    EngineState.WAIT_STOP: Genset._wait_stop,
    EngineState.POST_STOP: Genset._post_stop,
    EngineState.STOP_FAILURE: Genset._stop_failure,
}
