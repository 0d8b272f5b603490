"""A reading is a value with its age, its quality and, when there is none, the reason. Missing is never zero.

Everything a device says travels as a `Reading`; consumers state which quality and which age they accept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum


class Quality(IntEnum):
    """Why a value may or may not be used; stored as a smallint, so numbers never change meaning."""

    GOOD = 0
    OUT_OF_RANGE = 1
    """The device answered, the value is outside the point's physical range."""
    NO_ANSWER = 2
    """Timeout, refused connection, gateway exception."""
    REFUSED = 3
    """The device answered with a protocol exception (busy, illegal address, ...)."""
    GARBAGE = 4
    """A frame that cannot be decoded or belongs to somebody else."""
    NOT_READY = 5
    """The device says itself that its values are not valid yet (start-up, lost sub-unit)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One quantity of one device at one instant.

    ``value`` is None unless the device delivered a number; then ``quality`` says whether it may be believed.
    ``reported_at`` is when the device (or the request for it) spoke, ``received_at`` when we had it.
    """

    device: str
    quantity: str
    unit: str
    value: float | None
    reported_at: datetime
    received_at: datetime
    quality: Quality = Quality.GOOD
    reason: str = ""

    @property
    def is_good(self) -> bool:
        """A believable number."""
        return self.quality is Quality.GOOD and self.value is not None

    def fresh_value(self, now: datetime, max_age: timedelta) -> float | None:
        """The value if it is good and not older than the consumer accepts, else None."""
        return self.value if self.is_good and now - self.reported_at <= max_age else None


def good_values(readings: Iterable[Reading]) -> dict[str, float]:
    """Good values by quantity name (readings of one device)."""
    return {r.quantity: r.value for r in readings if r.is_good and r.value is not None}
