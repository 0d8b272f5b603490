"""The laws of genset-operation section 3, written again: who plays by them never sees this, who judges never those.

It is shown every look and every action, keeps its own book of keys, starts and modes, and names each breach.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ems_pipeline.gensets.snapshot import Snapshot

OWN_START = {
    "preheat", "fuel_on", "cranking", "crank_rest", "safety_run", "start_idle", "warming_up", "wait_load",
}  # fmt: skip
OWN_STOP = {"cooling", "stop_idle", "energised_to_stop", "wait_stop", "post_stop"}
KEYS = {"start", "stop", "auto", "manual", "mute", "reset"}
VISIT = ("emergency_stop", "gas", "detonation", "overspeed", "low_oil", "high_engine_temp", "earth_fault", "breaker")


@dataclass
class Referee:
    """Of one set. ``manual``: the site gave start to us; ``breaches``: what was done against which law."""

    manual: bool
    breaches: list[str] = field(default_factory=list)
    told: list[tuple[datetime, int, str]] = field(default_factory=list)
    """Keys as they were committed: when, by which sequence."""
    shown: Snapshot | None = None
    owned: set[str] = field(default_factory=lambda: {"auto"})
    starts: list[datetime] = field(default_factory=list)
    rested_at: datetime | None = None
    last_state: str | None = None
    running: set[int] = field(default_factory=set)

    def look(self, at: datetime, snapshot: Snapshot) -> None:
        """A poll as the sequences are shown it."""
        self.shown = snapshot
        if snapshot.link != "good":
            return
        state = snapshot.values.get("engine_state")
        if isinstance(state, str):
            if self.last_state == "standby" and state in OWN_START and not self._pressed("start", at, 300):
                self.starts.append(at)
            if state == "standby" and self.last_state not in (None, "standby"):
                self.rested_at = at
            self.last_state = state
        mode = self._mode()
        if mode is None or mode == "auto":
            return
        if mode in self.owned:
            self.owned &= {mode, "auto"} | self._fresh_modes(at)
        else:
            self.owned = {"auto"} | self._fresh_modes(at)

    def _fresh_modes(self, at: datetime) -> set[str]:
        modes = {"auto", "manual", "stop"}
        return {key for when, _, key in self.told if key in modes and at - when <= timedelta(seconds=16)}

    def _mode(self) -> str | None:
        bits = self.shown.bits if self.shown else {}
        told = [name for name in ("auto", "manual", "stop", "test") if bits.get(f"mode_{name}")]
        return told[0] if len(told) == 1 else None

    def _pressed(self, key: str, at: datetime, within_s: float) -> bool:
        return any(name == key and at - when <= timedelta(seconds=within_s) for when, _, name in self.told)

    def _breach(self, at: datetime, law: str) -> None:
        self.breaches.append(f"{at:%H:%M:%S} {law}")

    def begun(self, at: datetime, number: int) -> None:
        """A sequence has begun."""
        if self.running:
            self._breach(at, "two sequences at one controller")
        self.running.add(number)

    def ended(self, at: datetime, number: int, opened_at: datetime, until_at: datetime | None) -> None:
        """A sequence has ended, in time or not."""
        self.running.discard(number)
        latest = max(opened_at, until_at or opened_at) + timedelta(minutes=65)
        if at > latest:
            self._breach(at, f"an end at {at} where {latest} was the last")

    def action(
        self, at: datetime, number: int, what: str, value: float | None, *, permitted: bool, locks: bool
    ) -> None:
        """An action was committed; ``what``: the key, or ``power``."""
        shown = self.shown
        if (
            shown is None
            or shown.taken_at is None
            or shown.link != "good"
            or at - shown.taken_at > timedelta(seconds=10)
        ):
            self._breach(at, f"{what} on data older than 10 s, or of a link that is not good")
            return
        if what == "power":
            self._power(at, value, permitted)
            return
        if what not in KEYS:
            self._breach(at, f"{what} is no key that may be pressed")
        if any(one == number and key == what for _, one, key in self.told):
            self._breach(at, f"{what} was pressed twice by one sequence")
        self._key(at, what, permitted, locks)
        self.told.append((at, number, what))
        if what in ("auto", "manual", "stop"):
            self.owned |= {what}
        if what == "start":
            self.starts.append(at)

    def _power(self, at: datetime, value: float | None, permitted: bool) -> None:
        if value is None or not (value == 0 or 30 <= value <= 100):
            self._breach(at, f"a target of {value}")
        if value == 0 and self.shown and self.shown.values.get("generator_breaker") != "closed":
            self._breach(at, "unloading a set that is not on load")
        if not permitted and value not in (0, 100) and not (value is not None and value >= 30):
            self._breach(at, "a target without both opt-ins")

    def _key(self, at: datetime, key: str, permitted: bool, locks: bool) -> None:
        assert self.shown is not None
        state, mode = self.shown.values.get("engine_state"), self._mode()
        if state is None or mode is None:
            self._breach(at, f"{key} with an unknown state or mode")
        if key != "mute" and mode not in self.owned:
            self._breach(at, f"{key} in the mode {mode} that somebody chose at the set")
        if not permitted and key not in ("stop",):
            self._breach(at, f"{key} without both opt-ins")
        if key in ("start", "auto", "manual", "reset") and locks:
            self._breach(at, f"{key} on a set that is locked out")
        {"start": self._start, "stop": self._stop, "auto": self._switch, "manual": self._switch,
         "reset": self._reset}.get(key, lambda _at: None)(at)  # fmt: skip

    def _dangers(self) -> list[str]:
        assert self.shown is not None
        if self.shown.alarms is None:
            return ["alarms not read"] if self.shown.bits.get("common_alarm", True) else []
        return [a.name for a in self.shown.alarms if a.group != "warning" or "gas" in a.name or "detonation" in a.name]

    def _start(self, at: datetime) -> None:
        assert self.shown is not None
        if not self.manual:
            self._breach(at, "start where the master owns it")
        if self._mode() != "manual":
            self._breach(at, f"start in the mode {self._mode()}")
        if self.shown.values.get("engine_state") != "standby":
            self._breach(at, f"start while {self.shown.values.get('engine_state')}")
        if found := self._dangers():
            self._breach(at, f"start on {found}")
        coolant = self.shown.values.get("coolant_c")
        if not isinstance(coolant, int | float) or coolant < 35:
            self._breach(at, f"start with a jacket at {coolant}")
        if sum(at - start < timedelta(hours=1) for start in self.starts) >= 2:
            self._breach(at, "a third start within an hour")
        if sum(at - start < timedelta(hours=24) for start in self.starts) >= 6:
            self._breach(at, "a seventh start within a day")
        if self.rested_at is not None and at - self.rested_at < timedelta(minutes=15):
            self._breach(at, "a start within the pause")

    def _stop(self, at: datetime) -> None:
        assert self.shown is not None
        values = self.shown.values
        state, power_w = values.get("engine_state"), values.get("power_w")
        if state in OWN_START - {"start_idle", "warming_up", "wait_load"} or state in OWN_STOP or state == "standby":
            self._breach(at, f"stop while {state}")
        if self._mode() == "stop":
            self._breach(at, "stop in the mode STOP resets alarms")
        is_open = values.get("generator_breaker") == "open"
        if not is_open and not (isinstance(power_w, float) and abs(power_w) < 8000):
            self._breach(at, f"stop at {power_w} W, not unloaded")

    def _switch(self, at: datetime) -> None:
        assert self.shown is not None
        if self.shown.values.get("engine_state") != "standby":
            self._breach(at, f"a mode chosen while {self.shown.values.get('engine_state')}")
        if found := self._dangers():
            self._breach(at, f"a mode chosen on {found}")

    def _reset(self, at: datetime) -> None:
        assert self.shown is not None
        before = [when for when, _, key in self.told if key == "reset"]
        if any(at - when < timedelta(minutes=10) for when in before):
            self._breach(at, "two resets within ten minutes")
        if sum(at - when < timedelta(hours=1) for when in before) >= 3:
            self._breach(at, "a fourth reset within an hour")
        if self.shown.alarms is None or any(word in a.name for a in self.shown.alarms for word in VISIT):
            self._breach(at, f"a reset of {self.shown.alarms}")
        if self.shown.values.get("rpm") != 0:
            self._breach(at, "a reset while the engine turns")
