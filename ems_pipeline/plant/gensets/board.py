"""The switchboard's controller: it watches the mains, starts the sets, and moves the mains and the busbar switch.

Blackout of 5 s: start all; the first closes on the dead busbar, the others synchronise; then the busbar feeds the load.
Mains back for 60 s: the mains switch synchronises, the sets unload, open and cool.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from random import Random

from ems_pipeline.gensets.states import AlarmGroup, BreakerState
from ems_pipeline.plant.gensets.genset import Mode
from ems_pipeline.plant.gensets.panel import Alarm, Panel
from ems_pipeline.plant.gensets.switch import Failed, Switch

BLACKOUT_S, RETURN_S = 5.0, 60.0
GATHER_S = 30.0
"""How long the first set waits for the others, where it cannot carry the load alone."""
SYNC_LIMIT_S = 60.0
SYNC_FAILURE = Alarm(AlarmGroup.WARNING, 21, 2)
MAINS_SWITCH_FAILURE, BUSBAR_SWITCH_FAILURE = Alarm(AlarmGroup.WARNING, 21, 6), Alarm(AlarmGroup.WARNING, 21, 7)


class MainsState(IntEnum):
    """As register 195 says it."""

    NORMAL = 0
    NORMAL_DELAY = 1
    ABNORMAL = 2
    ABNORMAL_DELAY = 3


class LoadMode(IntEnum):
    """As register 4351 says it: what the sets' power follows while they are parallel to the mains."""

    GENERATORS = 0
    """Each set's own target."""
    MAINS = 1
    """The mains give so much, as a part of the rated power of the sets that run."""
    RECEPTION = 2
    """The sets take all of the load."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the board finds in a step."""

    dt_s: float
    now_s: float
    is_mains_ok: bool
    has_busbar_voltage: bool
    has_load_voltage: bool
    is_fed: bool
    """Whether a set feeds the busbar."""
    is_staying: bool
    """Whether a set that feeds is to go on."""
    is_enough: bool
    """Whether the sets that feed can carry the load, or all that come have come."""
    is_unloaded: bool


@dataclass(slots=True)
class Board:
    """``is_requesting``: whether it wants the sets to run."""

    chance: Random
    mode: Mode = Mode.AUTO
    mains_state: MainsState = MainsState.NORMAL
    for_s: float = 0.0
    """In this state of the mains."""
    load_mode: LoadMode = LoadMode.GENERATORS
    power_pct: float = 80.0
    reactive_pct: float = 0.0
    is_contact_made: bool = False
    """The start request from outside, in AUTO."""
    is_started: bool = False
    """By its own key; counts in MANUAL."""
    is_supplying: bool = False
    """Started for the load, because the mains failed; ends when they are back in parallel."""
    is_mains_held_open: bool = False
    is_busbar_held_open: bool = False
    fed_s: float = 0.0
    trying_s: float = 0.0
    panel: Panel = field(default_factory=Panel)
    faults: dict[str, float | None] = field(default_factory=dict)
    mains: Switch = field(init=False)
    busbar: Switch = field(init=False)

    def __post_init__(self) -> None:
        self.mains = Switch(self.chance, BreakerState.CLOSED)
        self.busbar = Switch(self.chance)

    @property
    def is_requesting(self) -> bool:
        if self.panel.has((AlarmGroup.SHUTDOWN, AlarmGroup.TRIP_STOP, AlarmGroup.BLOCK)):
            return False
        if self.mode is Mode.AUTO:
            return self.is_contact_made or self.is_supplying
        return self.mode is Mode.MANUAL and self.is_started

    @property
    def sees_mains(self) -> bool:
        """Whether it takes the mains for sound."""
        return self.mains_state is MainsState.NORMAL

    @property
    def is_quiet(self) -> bool:
        """Whether it would stay as it is if nobody did anything."""
        is_timing = self.mains_state in (MainsState.NORMAL_DELAY, MainsState.ABNORMAL_DELAY)
        return self.mains.is_at_rest and self.busbar.is_at_rest and not is_timing

    def step(self, seen: Seen) -> None:
        """Move on by a step."""
        self.panel.at_s = seen.now_s
        self._watch(seen)
        if self.mode is Mode.AUTO:
            self._supply()
        self.fed_s = self.fed_s + seen.dt_s if seen.is_fed else 0.0
        self._move_mains(seen)
        self._move_busbar(seen)
        is_trying = BreakerState.SYNCHRONISING in (self.mains.state, self.busbar.state)
        self.trying_s = self.trying_s + seen.dt_s if is_trying else 0.0
        self.panel.cause(SYNC_FAILURE, self.trying_s >= SYNC_LIMIT_S)

    def _watch(self, seen: Seen) -> None:
        """The state of the mains; the delays keep a flicker from starting anybody."""
        self.for_s += seen.dt_s
        state = self.mains_state
        if seen.is_mains_ok:
            if state is MainsState.ABNORMAL_DELAY:
                self._to(MainsState.NORMAL)
            elif state is MainsState.ABNORMAL:
                self._to(MainsState.NORMAL_DELAY)
            elif state is MainsState.NORMAL_DELAY and self.for_s >= RETURN_S:
                self._to(MainsState.NORMAL)
        elif state is MainsState.NORMAL:
            self._to(MainsState.ABNORMAL_DELAY)
        elif state is MainsState.NORMAL_DELAY or (state is MainsState.ABNORMAL_DELAY and self.for_s >= BLACKOUT_S):
            self._to(MainsState.ABNORMAL)

    def _to(self, state: MainsState) -> None:
        self.mains_state, self.for_s = state, 0.0

    def _supply(self) -> None:
        """Start for a blackout; stop when the mains carry again."""
        if self.mains_state is MainsState.ABNORMAL:
            self.is_supplying = True
        elif self.mains_state is MainsState.NORMAL and self.mains.state is BreakerState.CLOSED:
            self.is_supplying = False

    def _move_mains(self, seen: Seen) -> None:
        """Parallel sets must not feed a dead grid: the switch trips at once. Else it opens when the sets come."""
        if self.mains.is_made and not seen.is_mains_ok and (seen.has_load_voltage or self.is_supplying):
            self._failed(MAINS_SWITCH_FAILURE, self.mains, self.mains.trip())
            return
        if self.mode is Mode.STOP:
            return
        is_wanted = self.mains_state is MainsState.NORMAL and not self.is_mains_held_open
        if is_wanted:
            may = self.busbar.is_at_rest
            failed = self.mains.close(seen.dt_s, seen.now_s, seen.is_mains_ok, seen.has_load_voltage, may)
            self._failed(MAINS_SWITCH_FAILURE, self.mains, failed)
        elif self.is_mains_held_open and self.mains.is_made:
            self._failed(MAINS_SWITCH_FAILURE, self.mains, self.mains.open(seen.dt_s, True))

    def _move_busbar(self, seen: Seen) -> None:
        """Closed while sets feed that go on, and on a dead load only when they can carry it."""
        is_wanted = seen.is_staying and not self.is_busbar_held_open and self.mode is not Mode.STOP
        is_coming = seen.has_load_voltage or seen.is_enough or self.fed_s >= GATHER_S or self.busbar.is_made
        if is_wanted and is_coming:
            may = self.mains.state is BreakerState.OPEN
            failed = self.busbar.close(seen.dt_s, seen.now_s, seen.has_busbar_voltage, seen.has_load_voltage, may)
        else:
            failed = self.busbar.open(seen.dt_s, seen.is_unloaded)
        self._failed(BUSBAR_SWITCH_FAILURE, self.busbar, failed)

    def _failed(self, alarm: Alarm, switch: Switch, failed: Failed | None) -> None:
        if failed is not None:
            self.panel.cause(alarm, True)
        elif switch.is_at_rest and not switch.is_stuck:
            self.panel.cause(alarm, False)
