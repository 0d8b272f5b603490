"""What a site allows its set: who owns start, its power, limits of time and number. Defaults: genset-operation 3."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class StartBy(StrEnum):
    """Who owns start. Never both: the other way is not offered at that site."""

    AUTO = "auto"
    """The set stands in AUTO and starts by a request of its master or of a dry contact; we write its power only."""
    MANUAL = "manual"
    """We take the set from AUTO to MANUAL, press start, and give AUTO back once it stands still again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Limits of one controller. Powers in W and % of rated; a switchboard has no engine of its own."""

    start_by: StartBy
    rated_power_w: float
    is_switchboard: bool = False
    default_power_pct: float = 100.0
    """What the target is when nobody wants anything: the controller's own load sharing goes below it by itself."""
    min_power_pct: float = 30.0
    """Less is for starting and stopping only (low load, reverse power)."""
    jacket_min_c: float | None = 35.0
    """Colder is no start; None: the site has no such sensor and says so."""
    starts_per_hour: int = 2
    starts_per_day: int = 6
    min_run: timedelta = timedelta(minutes=60)
    min_pause: timedelta = timedelta(minutes=15)
    oldest: timedelta = timedelta(seconds=10)
    """Older data starts, stops and tells nothing."""
    resets_per_hour: int = 3
    between_resets: timedelta = timedelta(minutes=10)
    request_wait: timedelta = timedelta(minutes=5)
    """How long a run waits for the master's start request where the set starts in AUTO."""
    come_up: timedelta = timedelta(minutes=4)
    """From the key to readiness: three attempts of 8 s with rests, safety run, idle, warm-up."""
    close: timedelta = timedelta(minutes=2)
    """To synchronise and close."""
    unload: timedelta = timedelta(seconds=90)
    cool: timedelta = timedelta(minutes=8)
    """Cooling for 180 to 300 s, and coming to rest."""
    stalled: timedelta = timedelta(seconds=15)
    """How long a key may take to show any effect."""
    longest_run: timedelta = timedelta(hours=24)

    def pct(self, power_w: float) -> float:
        """A power as % of rated."""
        return 100 * power_w / self.rated_power_w
