"""A charger that calls in, as OCPP shows it: profiles by level and purpose over the box of the world, on its own clock.

It keeps what it is told as the standard says: default profiles outlive a restart, those of a transaction do not, and
each ends at its time whoever is there. It is one connector of a station: profiles are numbered by the station, and its
limit is shared. What it does wrong is one of `MOODS`; sockets are `ocpp_calls`'s business.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.plant.charging import LEAST_CURRENT_A
from ems_pipeline.plant.twin import Twin, part_of
from ems_pipeline.plant.world import World

MOODS = {
    "refuses": "profiles are rejected",
    "ignores": "profiles are accepted and dropped",
    "silent": "the socket is open and nothing is said or answered",
    "late": "answers come `late_s` too late",
    "twice": "every message is sent twice",
    "counts-back": "its counter has lost 5 kWh",
    "waits": "it begins no transaction by itself, and charges in none",
    "one-way": "profiles for one phase are accepted, and it charges by all",
    "refuses-phases": "profiles for one phase are rejected",
    "forgets-at-resume": "charging that goes on after a pause has no limit until it is told again",
    "ends-at-pause": "a pause ends the transaction, and it begins none by itself",
}
LOST_WH = 5000.0
ALWAYS = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a charger could say at one instant, ``at`` by its own clock."""

    at: datetime
    status: EvStatus
    is_offering: bool
    power_w: float
    current_a: float
    total_wh: float


@dataclass
class Cabinet:
    """What connectors of one station share: their numbers for profiles, and what all of them may draw, A per phase."""

    twins: list[OcppTwin] = field(default_factory=list)
    most_a: float | None = None

    def hold(self, twin: OcppTwin, connector: int = 1) -> None:
        """A twin is a connector of this station."""
        self.twins.append(twin)
        twin.cabinet, twin.connector = self, connector

    def share(self, twin: OcppTwin) -> float:
        """What its own limit leaves a connector, A: all of them get the same part of what they want."""
        wanted_a = sum(t.wanted()[0] for t in self.twins if t.box.visit is not None or t is twin)
        own_a = twin.wanted()[0]
        return own_a if self.most_a is None or wanted_a <= self.most_a else own_a * self.most_a / wanted_a


class OcppTwin(Twin):
    """A charger; its profiles are those of OCPP 1.6, with keys in snake case."""

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        self.box = part_of(world.chargings.values(), lambda b: b.charger.device, device, "charger")
        self.profiles: dict[int, Mapping[str, Any]] = {}
        self.transaction: int | str | None = None
        self.ahead = timedelta(0)
        """Its clock before the world's."""
        self.moods: set[str] = set()
        self.late_s = 0.0
        self.is_called_to_start = False
        """Somebody has asked for a transaction."""
        self.events = 0
        """Of transactions, as OCPP 2.0.1 numbers them."""
        self.is_booting = True
        """It has been started and not said so yet."""
        self.resumed_at: datetime | None = None
        """It went on after a pause then, and has forgotten its limit."""
        self.connector, self.cabinet = 1, Cabinet()
        self.cabinet.hold(self)
        self._before_wh, self._delivered_wh = 40_000.0, 0.0
        super().__init__(world, device, point_map)

    def feel(self, mood: str) -> None:
        """Be in a mood from now on, until `moods` is cleared. KeyError: there is no such mood."""
        assert MOODS[mood]
        self.moods.add(mood)
        self.hold({})

    @property
    def own_time(self) -> datetime:
        return self.world.at + self.ahead

    def seen(self) -> Seen:
        """Everything it could say now; Silent: it is down."""
        self.check_alive()
        with self.world.lock:
            self.world.advance()
            box = self.box
            if box.delivered_wh < self._delivered_wh:
                self._before_wh += self._delivered_wh
            self._delivered_wh = box.delivered_wh
            total_wh = self._before_wh + box.delivered_wh - (LOST_WH if "counts-back" in self.moods else 0.0)
            is_offering = box.limit_a >= LEAST_CURRENT_A
            return Seen(self.own_time, box.status, is_offering, box.power_w, box.current_a, total_wh)

    def takes(self, profile: Mapping[str, Any]) -> str:
        """The answer to a charging profile, which holds from now on."""
        with self.world.lock:
            self.world.advance()
            if self._rejects(profile):
                return "Rejected"
            if "ignores" not in self.moods and "ignored-write" not in self.troubles:
                self._keep(profile)
            self.hold({})
            return "Accepted"

    def _rejects(self, profile: Mapping[str, Any]) -> bool:
        is_running = profile["charging_profile_purpose"] == "TxProfile"
        is_stale = is_running and str(profile.get("transaction_id")) != str(self.transaction)
        turns = any(p.get("number_phases") != self.box.charger.phases for p in _periods(profile))
        return "refuses" in self.moods or is_stale or ("refuses-phases" in self.moods and turns)

    def _keep(self, profile: Mapping[str, Any]) -> None:
        """A profile takes the place of the one with its number, wherever in the station that stands."""
        number, was_paused = int(profile["charging_profile_id"]), self.wanted()[0] < LEAST_CURRENT_A
        for twin in self.cabinet.twins:
            if twin is not self and twin.profiles.pop(number, None) is not None:
                twin.hold({})
        self.profiles[number] = profile
        if "forgets-at-resume" in self.moods and was_paused:
            self.resumed_at = self.world.at
        elif self.resumed_at is not None and self.world.at > self.resumed_at:
            self.resumed_at = None
        begin = _instant(profile["charging_schedule"].get("start_schedule")) or self.own_time
        changes = [begin + timedelta(seconds=p["start_period"]) for p in _periods(profile)]
        for at in (*changes, self._end(profile)):
            self.world.schedule(at - self.ahead, lambda: self.hold({}))

    def clears(self, number: int) -> str:
        """The answer to whoever takes a profile away."""
        with self.world.lock:
            self.world.advance()
            found = self.profiles.pop(number, None)
            self.hold({})
            return "Unknown" if found is None else "Accepted"

    def begins(self, number: int | str | None) -> None:
        """A transaction runs from now on; None: the running one is over, and its profiles with it."""
        with self.world.lock:
            self.transaction = number
            if number is None:
                self._forget("TxProfile")
            self.hold({})

    def reboots(self) -> None:
        """It is started anew, in the middle of whatever it did, with all its connectors."""
        with self.world.lock:
            self.world.advance()
            for twin in self.cabinet.twins:
                twin.is_booting, twin.resumed_at = True, None
                twin._forget("TxProfile")
                twin.hold({})

    def _forget(self, purpose: str) -> None:
        kept = {n: p for n, p in self.profiles.items() if p["charging_profile_purpose"] != purpose}
        self.profiles = kept

    def obey(self) -> None:
        limit_a, phases = self.offer()
        self.box.limit_a, self.box.phases = limit_a, phases
        self.box.started = self.transaction is not None or not {"waits", "ends-at-pause"} & self.moods

    def offer(self) -> tuple[float, int]:
        """What it offers now, A per phase, and by how many phases."""
        return self.cabinet.share(self), self.wanted()[1]

    def limit_a(self) -> float:
        """What it offers now, A per phase."""
        return self.offer()[0]

    def wanted(self) -> tuple[float, int]:
        """What it would offer alone: by a profile of the transaction, else by the default of the highest level, else
        all."""
        charger, ranked = self.box.charger, self._ranked()
        if not ranked or self.resumed_at is not None:
            return charger.max_current_a, charger.phases
        return self._of(self._period(ranked[-1]))

    def _of(self, period: Mapping[str, Any]) -> tuple[float, int]:
        charger = self.box.charger
        phases = charger.phases if "one-way" in self.moods else int(period.get("number_phases", charger.phases))
        return min(float(period["limit"]), charger.max_current_a), min(phases, charger.phases)

    def ahead_of(self, seconds: float) -> list[dict[str, Any]]:
        """What it will offer within so many seconds, as a composite schedule says it."""
        limit_a, phases = self.offer()
        found = [{"start_period": 0, "limit": limit_a, "number_phases": phases}]
        ranked = self._ranked()
        if ranked and self.resumed_at is None:
            begin = _instant(ranked[-1]["charging_schedule"].get("start_schedule")) or self.own_time
            for period in _periods(ranked[-1]):
                after = (begin - self.own_time).total_seconds() + period["start_period"]
                if 0 < after < seconds:
                    limit_a, phases = self._of(period)
                    found.append({"start_period": math.ceil(after), "limit": limit_a, "number_phases": phases})
        return found

    def _ranked(self) -> list[Mapping[str, Any]]:
        """Profiles that hold now, the one that counts last."""
        holding = [p for p in self.profiles.values() if self._holds(p)]
        return sorted(holding, key=lambda p: (p["charging_profile_purpose"] == "TxProfile", p["stack_level"]))

    def _period(self, profile: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part of its schedule that holds now."""
        begin = _instant(profile["charging_schedule"].get("start_schedule")) or self.own_time
        passed_s = (self.own_time - begin).total_seconds()
        return [p for p in _periods(profile) if p["start_period"] <= passed_s or p["start_period"] == 0][-1]

    def _holds(self, profile: Mapping[str, Any]) -> bool:
        begins = _instant(profile.get("valid_from"))
        return (begins is None or begins <= self.own_time) and self.own_time < self._end(profile)

    def _end(self, profile: Mapping[str, Any]) -> datetime:
        """When a profile ends, by its own clock: its validity, or the duration of its schedule."""
        schedule = profile["charging_schedule"]
        start, duration = _instant(schedule.get("start_schedule")), schedule.get("duration")
        ends = [_instant(profile.get("valid_to"))]
        ends += [start + timedelta(seconds=duration)] if start is not None and duration is not None else []
        return min((end for end in ends if end is not None), default=self.own_time + ALWAYS)


def _periods(profile: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(profile["charging_schedule"]["charging_schedule_period"])


def _instant(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text)).astimezone(UTC)
