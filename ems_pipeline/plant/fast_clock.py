"""A clock that runs faster than another one: an engine that takes minutes to start is watched in seconds."""

from __future__ import annotations

from datetime import datetime

from ems_pipeline.time_grid import Clock


class FastClock:
    """Starts where ``base`` stands and runs ``speed`` times as fast."""

    def __init__(self, base: Clock, speed: float) -> None:
        if speed <= 0:
            raise ValueError(f"speed {speed:g} would not let time pass; write a number above 0, e.g. 10")
        self.base, self.speed, self.begun_at = base, speed, base.now()

    def now(self) -> datetime:
        """The present instant of what runs by it, aware UTC."""
        return self.begun_at + (self.base.now() - self.begun_at) * self.speed

    def wait_until(self, at: datetime) -> None:
        """Return when ``at`` has come by this clock."""
        self.base.wait_until(self.begun_at + (at - self.begun_at) / self.speed)
