"""A generating set in the abstract: states, dwell times and faults of genset-operation section 6, a look every 2 s.

Written from the facts, not from the sequences: keys do what the panel's keys do in each mode, whoever presses them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ems_pipeline.gensets.snapshot import AlarmBit, Link, Snapshot
from ems_pipeline.gensets.states import AlarmGroup, BreakerState, EngineState

E, B = EngineState, BreakerState
RATED_W = 160_000.0
ATTEMPTS = 3
FAULTS = (
    "crank_fail", "sync_never", "stop_fail", "breaker_stuck", "echo_no_effect", "clamp", "reset_ignored", "key_lost",
    "key_slow", "link_stale", "link_down", "state_lost", "alarms_unread", "cold", "no_sensor", "never_unloads",
    "wire_error",
)  # fmt: skip
LATCHED = ("low_oil_pressure", "overspeed", "crank_failure", "stop_failure", "aux1_high", "gas_leak")
UNTIL = {
    E.PREHEAT: 2, E.FUEL_ON: 1, E.CRANKING: 8, E.CRANK_REST: 10, E.SAFETY_RUN: 10, E.START_IDLE: 2, E.WARMING_UP: 60,
    E.COOLING: 180, E.STOP_IDLE: 2, E.ENERGISED_TO_STOP: 20, E.WAIT_STOP: 20, E.POST_STOP: 5,
}  # fmt: skip
NEXT = {
    E.PREHEAT: E.FUEL_ON, E.FUEL_ON: E.CRANKING, E.CRANK_REST: E.CRANKING, E.SAFETY_RUN: E.START_IDLE,
    E.START_IDLE: E.WARMING_UP, E.WARMING_UP: E.WAIT_LOAD, E.COOLING: E.STOP_IDLE, E.STOP_IDLE: E.ENERGISED_TO_STOP,
    E.ENERGISED_TO_STOP: E.WAIT_STOP, E.WAIT_STOP: E.POST_STOP, E.POST_STOP: E.STANDBY,
}  # fmt: skip
TURNS = frozenset({E.SAFETY_RUN, E.START_IDLE, E.WARMING_UP, E.WAIT_LOAD, E.RUNNING, E.COOLING, E.STOP_IDLE})


@dataclass
class Engine:
    """One set with its controller. ``at``: its clock, UTC."""

    random: random.Random
    at: datetime
    mode: str = "auto"
    state: EngineState = E.STANDBY
    dwell_s: float = 0.0
    breaker: BreakerState = B.OPEN
    target_pct: float = 100.0
    power_pct: float = 0.0
    attempts: int = 0
    requested: bool = False
    faults: set[str] = field(default_factory=set)
    alarms: set[AlarmBit] = field(default_factory=set)
    answered: Snapshot | None = None
    late: list[tuple[datetime, str]] = field(default_factory=list)

    def press(self, key: str) -> None:
        """A key of the panel; lost or late where such a fault stands."""
        if "wire_error" in self.faults:
            raise OSError("no echo")
        if "key_lost" in self.faults:
            return
        if "key_slow" in self.faults:
            self.late.append((self.at + timedelta(seconds=6), key))
            return
        self._heard(key)

    def _heard(self, key: str) -> None:
        if key in ("auto", "manual"):
            self.mode = key
        elif key == "stop":
            if self.mode == "stop":
                self._reset()
            self.mode = "stop"
            self._stop()
        elif key == "start" and self.mode == "manual" and self.state is E.STANDBY and not self._blocked():
            self._enter(E.PREHEAT)
        elif key == "reset" and "reset_ignored" not in self.faults:
            self._reset()

    def set_power(self, pct: float) -> None:
        """The target of active power, echoed always."""
        if "wire_error" in self.faults:
            raise OSError("no echo")
        if "echo_no_effect" in self.faults:
            return
        self.target_pct = min(pct, 60.0) if "clamp" in self.faults else pct

    def meddle(self, is_at_rest: bool) -> None:
        """Faults that come and go, people at the panel, a master that asks."""
        chance = self.random.random
        if chance() < 0.004:
            self.faults.add(self.random.choice(FAULTS))
        if self.faults and chance() < 0.03:
            self.faults.discard(self.random.choice(sorted(self.faults)))
        if chance() < 0.0008:
            self.shut_down(self.random.choice(LATCHED))
        if chance() < 0.001:
            group, name = self.random.choice([(AlarmGroup.WARNING, "gas_leak"), (AlarmGroup.BLOCK, "aux1_high"),
                                              (AlarmGroup.WARNING, "low_fuel")])  # fmt: skip
            self.alarms.add(AlarmBit(group, name))
        if self.alarms and chance() < 0.01:
            self.alarms.clear()  # somebody was there
        if chance() < 0.001:
            self.mode = self.random.choice(["auto", "manual", "stop", "test"])
        if self.mode != "auto" and is_at_rest and chance() < 0.02:
            self.mode = "auto"
        if chance() < 0.0006:
            self._heard(self.random.choice(["start", "stop"]))
        if chance() < 0.002:
            self.requested = not self.requested

    def pass_time(self, seconds: float) -> None:
        """Live on, in steps of a second."""
        for _ in range(round(seconds)):
            self.at += timedelta(seconds=1)
            self.dwell_s += 1
            for _at, key in [one for one in self.late if one[0] <= self.at]:
                self._heard(key)
            self.late = [one for one in self.late if one[0] > self.at]
            self._second()

    def _second(self) -> None:
        if self.mode == "auto" and self.requested and self.state is E.STANDBY and not self._blocked():
            self._enter(E.PREHEAT)
        elif self.mode == "auto" and not self.requested and self.state in (E.RUNNING, E.WAIT_LOAD):
            self._stop()
        elif self.state is E.CRANKING:
            self._crank()
        elif self.state is E.WAIT_LOAD:
            self._synchronise()
        elif self.state is E.RUNNING:
            self._run()
        elif self.state in UNTIL and self.dwell_s >= UNTIL[self.state]:
            self._pass_on()

    def _crank(self) -> None:
        if "crank_fail" not in self.faults and self.dwell_s >= 3:
            self._enter(E.SAFETY_RUN)
        elif self.dwell_s >= UNTIL[E.CRANKING]:
            self.attempts += 1
            if self.attempts < ATTEMPTS:
                self._enter(E.CRANK_REST)
            else:
                self.shut_down("crank_failure")

    def _synchronise(self) -> None:
        self.breaker = B.SYNCHRONISING
        if "sync_never" in self.faults:
            if self.dwell_s >= 60:
                self.alarms.add(AlarmBit(AlarmGroup.WARNING, "sync_failure"))
        elif self.dwell_s >= 8 and "breaker_stuck" not in self.faults:
            self.breaker = B.CLOSED
            self._enter(E.RUNNING)

    def _run(self) -> None:
        if self.breaker is B.UNLOADING and self.power_pct < 5:
            self.breaker = B.OPEN
            self._enter(E.COOLING)
            return
        floor = 40.0 if "never_unloads" in self.faults else 0.0
        goal = 0.0 if self.breaker is B.UNLOADING else max(self.target_pct, floor)
        self.power_pct += max(-3.0, min(3.0, goal - self.power_pct))

    def _pass_on(self) -> None:
        if self.state is E.WAIT_STOP and "stop_fail" in self.faults:
            self.alarms.add(AlarmBit(AlarmGroup.WARNING, "stop_failure"))
            self._enter(E.STOP_FAILURE)
        else:
            self._enter(NEXT[self.state])

    def _enter(self, state: EngineState) -> None:
        if state is E.PREHEAT:
            self.attempts = 0
        if state is not E.RUNNING:
            self.power_pct = 0.0
        self.state, self.dwell_s = state, 0.0

    def _stop(self) -> None:
        if self.state is E.RUNNING and self.breaker is B.CLOSED:
            self.breaker = B.UNLOADING
        elif self.state in TURNS - {E.COOLING, E.STOP_IDLE, E.RUNNING}:
            self.breaker = B.OPEN
            self._enter(E.COOLING)
        elif self.state in (E.PREHEAT, E.FUEL_ON, E.CRANKING, E.CRANK_REST):
            self._enter(E.WAIT_STOP)

    def shut_down(self, name: str) -> None:
        """A latched alarm: open and at rest at once."""
        self.alarms.add(AlarmBit(AlarmGroup.SHUTDOWN, name))
        self.breaker = B.OPEN
        if self.state is not E.STANDBY:
            self._enter(E.ENERGISED_TO_STOP)

    def _blocked(self) -> bool:
        return any(alarm.group is not AlarmGroup.WARNING for alarm in self.alarms)

    def _reset(self) -> None:
        self.alarms.clear()
        if self.state is E.STOP_FAILURE and "stop_fail" not in self.faults:
            self._enter(E.STANDBY)

    def snapshot(self) -> Snapshot:
        """What a poll finds now; with a fault of the link, what was found before."""
        if {"link_stale", "link_down"} & self.faults:
            link = Link.DOWN if "link_down" in self.faults else Link.STALE
            last = self.answered
            return _snapshot(
                last.taken_at if last else None, link, last.values if last else {}, last.bits if last else {}, None
            )
        hidden = "state_lost" in self.faults
        rpm = 1500.0 if self.state in TURNS else 250.0 if self.state is E.CRANKING else 0.0
        coolant = None if "no_sensor" in self.faults else 12.0 if "cold" in self.faults else 60.0
        values: dict[str, float | str | None] = {
            "engine_state": None if hidden else str(self.state), "generator_breaker": str(self.breaker),
            "power_w": RATED_W * self.power_pct / 100, "power_target_pct": self.target_pct, "rpm": rpm,
            "coolant_c": coolant,
        }  # fmt: skip
        bits = {f"mode_{mode}": self.mode == mode for mode in ("auto", "manual", "stop", "test")}
        alarms = None if "alarms_unread" in self.faults else frozenset(self.alarms)
        self.answered = _snapshot(
            self.at,
            Link.GOOD,
            values,
            bits
            | {
                "common_alarm": bool(self.alarms),
                "shutdown_alarm": any(a.group is AlarmGroup.SHUTDOWN for a in self.alarms),
            },
            alarms,
        )
        return self.answered


def _snapshot(at: datetime | None, link: Link, values: object, bits: object, alarms: object) -> Snapshot:
    return Snapshot(
        site="site01", device="set-1", model="hgm9520n", taken_at=at, link=link, values=values, bits=bits, alarms=alarms
    )  # type: ignore[arg-type]
