"""A charger that calls in, as OCPP shows it: profiles by level and purpose over the box of the world, on its own clock.

It keeps what it is told as the standard says: default profiles outlive a restart, those of a transaction do not, and
each ends at its time whoever is there. What it does wrong is one of `MOODS`; sockets are `ocpp_calls`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
            is_running = profile["charging_profile_purpose"] == "TxProfile"
            if "refuses" in self.moods or (is_running and str(profile.get("transaction_id")) != str(self.transaction)):
                return "Rejected"
            if "ignores" not in self.moods and "ignored-write" not in self.troubles:
                number = int(profile["charging_profile_id"])
                self.profiles[number] = profile
                self.world.schedule(self._end(profile) - self.ahead, lambda: self.hold({}))
            self.hold({})
            return "Accepted"

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
        """It is started anew, in the middle of whatever it did."""
        with self.world.lock:
            self.world.advance()
            self.is_booting = True
            self._forget("TxProfile")
            self.hold({})

    def _forget(self, purpose: str) -> None:
        kept = {n: p for n, p in self.profiles.items() if p["charging_profile_purpose"] != purpose}
        self.profiles = kept

    def obey(self) -> None:
        self.box.limit_a = self.limit_a()
        self.box.started = self.transaction is not None or "waits" not in self.moods

    def limit_a(self) -> float:
        """What it offers now: by a profile of the transaction, else by the default of the highest level, else all."""
        holding = [p for p in self.profiles.values() if self._holds(p)]
        ranked = sorted(holding, key=lambda p: (p["charging_profile_purpose"] == "TxProfile", p["stack_level"]))
        if not ranked:
            return self.box.charger.max_current_a
        limit_a = float(ranked[-1]["charging_schedule"]["charging_schedule_period"][0]["limit"])
        return min(limit_a, self.box.charger.max_current_a)

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


def _instant(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text)).astimezone(UTC)
