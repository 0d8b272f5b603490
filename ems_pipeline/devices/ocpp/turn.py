"""Charging by one phase or by three: what a charger was told last, and how long it pauses in between. Pure.

Contactors are not switched under load, and some cars take a change of phases while they charge for a fault: nothing is
offered for a while, which the set-point's own profile says, so that nobody has to come back for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ems_pipeline.devices.ocpp.profile import Order


@dataclass(frozen=True, slots=True)
class Turn:
    """Phases by which a charger charges; None: by all that are wired, as the safe profile says."""

    phases: int | None = None
    pauses_until: datetime | None = None

    def to(self, order: Order, wired: int, pause: timedelta, now: datetime) -> Turn:
        """What an order makes of it; a pause that has begun is finished, a current of 0 A turns nothing."""
        if order.limit_a <= 0 or order.phases == (self.phases or wired):
            return self
        return Turn(order.phases, now + pause if pause else None)
