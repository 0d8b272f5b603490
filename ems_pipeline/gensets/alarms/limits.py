"""Alarms of our own on a value. A controller delays its own bits as it is set up: nothing is added to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ems_pipeline.gensets.states import AlarmGroup

ON_DELAY, OFF_DELAY = timedelta(seconds=5), timedelta(seconds=15)
DEADBAND_PCT = 2.0


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A value of the snapshot that is not to be beyond ``bound`` (in the unit of its name)."""

    value: str
    bound: float
    is_upper: bool
    group: AlarmGroup = AlarmGroup.WARNING
    on_delay: timedelta = ON_DELAY
    off_delay: timedelta = OFF_DELAY
    deadband_pct: float = DEADBAND_PCT
    """Of the bound, by which the value has to come back."""
    is_of_running: bool = False
    """It means something only while the engine runs."""

    @property
    def name(self) -> str:
        """Of its alarm, such as ``coolant_c_high``."""
        return f"{self.value}_{'high' if self.is_upper else 'low'}"

    def is_beyond(self, value: float, *, is_on: bool) -> bool:
        """Whether the value is beyond the bound, or where the alarm is on not yet back by the deadband."""
        back = abs(self.bound) * self.deadband_pct / 100.0 if is_on else 0.0
        return value > self.bound - back if self.is_upper else value < self.bound + back


class Delay:
    """A change counts once it has lasted; what is not known in between begins anew."""

    def __init__(self, on: timedelta, off: timedelta) -> None:
        self._on, self._off = on, off
        self._since: datetime | None = None

    def settled(self, at: datetime, wanted: bool | None, *, is_on: bool) -> bool:
        """Whether it is on now. ``wanted``: whether it ought to be, None where nobody knows."""
        if wanted is None or wanted == is_on:
            self._since = None
            return is_on
        self._since = self._since or at
        if at - self._since < (self._on if wanted else self._off):
            return is_on
        self._since = None
        return wanted


class Gauge:
    """A limit with its delay, of one controller."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._delay = Delay(limit.on_delay, limit.off_delay)

    def is_on(self, at: datetime, value: float | None, *, was_on: bool, is_resting: bool | None) -> bool:
        """Whether its alarm has a cause at this instant.

        Args:
            value: None where there is no sensor or it is not believed: then all stays as it is.
            is_resting: whether the engine rests; None: not known.
        """
        if self.limit.is_of_running and is_resting is not False:
            wanted = False if is_resting else None
        else:
            wanted = None if value is None else self.limit.is_beyond(value, is_on=was_on)
        return self._delay.settled(at, wanted, is_on=was_on)
