"""The meter of one charger over time: what is of now, and the energy of the running transaction.

A message may be repeated, overtaken by a newer one, or kept for hours until there was a connection; a counter may go
back, and a clock may be wrong. What is not surely of now is no value of now, and nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ems_pipeline.devices.ocpp.metering import Metered
from ems_pipeline.time_grid import CLOCK_SLACK

OLDEST = timedelta(seconds=150)
"""A meter value older than this is no value of now: two heartbeats and some slack."""
ASKED_FROM = timedelta(seconds=90)
"""From this age on it is asked for anew before it is read."""
ON_TIME = timedelta(seconds=2)
"""What a message takes; a clock this close is right."""
ROUNDING_WH = 100.0
"""Counters are told in whole Wh at the begin of a transaction, and by some in tenths of a kWh later on."""
NAMES = ("power", "energy_total", "car_soc", *(f"{what}_l{n}" for what in ("current", "voltage") for n in (1, 2, 3)))
UNHEARD = "its transaction began before this server did"


@dataclass(slots=True)
class Transaction:
    """A running transaction; ``began_wh`` is None where nobody heard it begin."""

    number: int | str
    began_at: datetime | None = None
    began_wh: float | None = None


@dataclass(slots=True)
class Meter:
    """Instants are ours but for ``newest_at``, which is the charger's own time."""

    transaction: Transaction | None = None
    ahead: timedelta = timedelta(0)
    """How far the charger's clock is before ours, as far as a message showed it."""
    session_wh: float | None = None
    session_why: str = "no transaction was heard to begin"
    metered_at: datetime | None = None
    newest_at: datetime | None = None
    _highest_wh: float | None = None
    _values: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    _missing: dict[str, str] = field(default_factory=dict)

    def started_anew(self) -> None:
        """The charger has booted: our answer sets its clock."""
        self.ahead, self.newest_at = timedelta(0), None

    def is_of_now(self, said_at: datetime, now: datetime, *, is_fresh: bool) -> bool:
        """Whether a message of the charger's time ``said_at`` is about now.

        Args:
            is_fresh: it answers what was just asked, so that its time is the charger's clock. Any other one may have
                waited for a connection; only a time to come shows that the clock is ahead.
        """
        if is_fresh or said_at - self.ahead > now + CLOCK_SLACK:
            self.ahead = said_at - now if abs(said_at - now) > ON_TIME else timedelta(0)
        return now - (said_at - self.ahead) <= OLDEST

    def take(self, found: Metered, said_at: datetime | None, now: datetime, *, is_fresh: bool) -> None:
        """Take the values of one instant; without a time of its own a message is of now."""
        is_now = said_at is None or self.is_of_now(said_at, now, is_fresh=is_fresh)
        if said_at is not None:
            if self.newest_at is not None and said_at < self.newest_at and not is_fresh:
                return  # overtaken
            self.newest_at = said_at
        if not is_now:
            why = f"its meter values are of {said_at:%H:%M:%S} by its own clock: late, or the clock is wrong"
            self._missing |= dict.fromkeys(found.values, why)
            return
        self.metered_at = now
        self._values |= {name: (value, now) for name, value in found.values.items()}
        for name in found.missing:
            self._values.pop(name, None)
        kept = {name: why for name, why in self._missing.items() if name not in found.values}
        self._missing = {**kept, **found.missing}
        if "energy_total" in found.values:
            self._count(found.values["energy_total"])

    def _count(self, total_wh: float) -> None:
        """A counter that went back says nothing of the session until it is where it was."""
        if self._highest_wh is not None and total_wh < self._highest_wh - ROUNDING_WH:
            self.session_wh = None
            self.session_why = f"its counter went back from {self._highest_wh:g} to {total_wh:g} Wh"
            return
        self._highest_wh = max(total_wh, self._highest_wh or total_wh)
        if self.transaction is not None and self.transaction.began_wh is not None:
            self.session_wh = self._highest_wh - self.transaction.began_wh

    def began(self, number: int | str, began_at: datetime | None = None, began_wh: float | None = None) -> None:
        """A transaction runs; one that is known already goes on. Without its begin nobody knows its energy."""
        if self.runs(number):
            return
        self.transaction = Transaction(number, began_at, began_wh)
        self._highest_wh = began_wh
        self.session_wh, self.session_why = (None, UNHEARD) if began_wh is None else (0.0, "")

    def runs(self, number: object) -> bool:
        """Whether this transaction is the one that runs."""
        return self.transaction is not None and self.transaction.number == number

    def ended(self, number: int | str, total_wh: float | None) -> None:
        """A transaction is over; its energy stands until the next one."""
        if not self.runs(number):
            return
        if total_wh is not None:
            self._count(total_wh)
        self.transaction = None

    def said(self, now: datetime) -> tuple[Mapping[str, float], Mapping[str, str]]:
        """Values of now, by name; and why the others are none."""
        values = {name: value for name, (value, at) in self._values.items() if now - at <= OLDEST}
        return values, {name: self._why(name) for name in NAMES if name not in values}

    def _why(self, name: str) -> str:
        if name in self._missing:
            return self._missing[name]
        if name in self._values:
            return f"last said at {self._values[name][1]:%H:%M:%S} UTC"
        return f"its meter values have no {name} yet; see MeterValuesSampledData in its settings"
