"""A charger and the car on it: takes the current it is offered until the car is full.

Offers below 6 A are no offer (IEC 61851-1). With its watchdog on, the box stops when nobody has asked it anything for
that long and goes on with the next request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ems_pipeline import time_grid
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.plant.household import Visit, visit
from ems_pipeline.sites import Charger

LEAST_CURRENT_A = 6.0
TAPER_WH = 400.0
"""What a car takes more slowly at the end, so that its power falls in steps instead of at once."""


@dataclass
class Charging:
    """State of one charger. ``limit_a`` and ``started`` are what the registers say."""

    charger: Charger
    seed: int
    zone: ZoneInfo
    watchdog_s: float | None = None
    limit_a: float = field(init=False)
    started: bool = True
    phases: int = field(init=False)
    """By how many it charges now."""
    power_w: float = 0.0
    delivered_wh: float = 0.0
    plugged_s: float = 0.0
    asked_at: datetime | None = None
    _visit: Visit | None = None
    _day: object = None
    _visits: list[Visit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limit_a, self.phases = self.charger.max_current_a, self.charger.phases

    @property
    def visit(self) -> Visit | None:
        """The car that is plugged in."""
        return self._visit

    @property
    def status(self) -> EvStatus:
        """What the control pilot shows."""
        if self._visit is None:
            return EvStatus.NOT_CONNECTED
        return EvStatus.CHARGING if self.power_w > 0 else EvStatus.CONNECTED

    @property
    def current_a(self) -> float:
        """Per phase."""
        return self.power_w / (self.phases * self.charger.voltage_v)

    def decide(self, now: datetime) -> float:
        """Power from ``now`` on, W; to be asked each minute and after every write."""
        self._come_and_go(now)
        self.power_w = self._taken_w() if self._offers(now) else 0.0
        return self.power_w

    def integrate(self, seconds: float) -> None:
        """Let time pass at the decided power."""
        self.delivered_wh += self.power_w * seconds / 3600
        if self._visit is not None:
            self.plugged_s += seconds

    def _come_and_go(self, now: datetime) -> None:
        present = next((v for v in self._near(now) if v.arrives_at <= now < v.departs_at), None)
        if present != self._visit:
            self._visit = present
            if present is not None:
                self.delivered_wh, self.plugged_s = 0.0, 0.0

    def _near(self, now: datetime) -> list[Visit]:
        """Visits that may touch this instant: begun on the day before, today or tomorrow."""
        day = time_grid.local_day(now, self.zone)
        if day != self._day:
            days = [day + timedelta(days=i) for i in (-1, 0, 1)]
            self._visits = [v for v in (visit(self.seed, self.charger, self.zone, d) for d in days) if v is not None]
            self._day = day
        return self._visits

    def _offers(self, now: datetime) -> bool:
        alive = (
            self.watchdog_s is None
            or self.asked_at is None
            or (now - self.asked_at) <= timedelta(seconds=self.watchdog_s)
        )
        return self._visit is not None and self.started and alive and self.limit_a >= LEAST_CURRENT_A

    def _taken_w(self) -> float:
        """The offered power; within the last `TAPER_WH` the car asks for less, down to its least current."""
        assert self._visit is not None
        missing_wh = self._visit.energy_wh - self.delivered_wh
        if missing_wh <= 1e-6:
            return 0.0
        per_ampere_w = self.phases * self.charger.voltage_v
        offered_w = min(self.limit_a, self.charger.max_current_a) * per_ampere_w
        wanted_w = max(offered_w * min(1.0, missing_wh / TAPER_WH), LEAST_CURRENT_A * per_ampere_w)
        return min(offered_w, wanted_w, missing_wh * 60)
