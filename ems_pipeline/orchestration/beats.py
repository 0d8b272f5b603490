"""What the clock asks for, and when: the slots that sensors serve and `ems cadence` counts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ems_pipeline.time_grid import MINUTE, SLOT, utc

STAMP = "%Y%m%dT%H%MZ"


@dataclass(frozen=True)
class Beat:
    """A job that serves every slot of a length once.

    Attributes:
        every: length of its slots, which divides an hour; one begins with each full hour.
        lead: how long before a slot begins its run is asked for; negative: after.
    """

    job: str
    every: timedelta
    lead: timedelta = timedelta(0)

    def slot(self, now: datetime) -> datetime:
        """The newest slot whose time has come."""
        at = utc(now) + self.lead
        minute = at.minute - at.minute % (self.every // MINUTE)
        return at.replace(minute=minute, second=0, microsecond=0)

    def due(self, slot: datetime) -> datetime:
        """When the run of a slot should begin."""
        return slot - self.lead

    def slots(self, start: datetime, end: datetime) -> list[datetime]:
        """Slots due in ``[start, end)``."""
        first = self.slot(start) if self.due(self.slot(start)) == utc(start) else self.slot(start) + self.every
        count = max(0, -((self.due(first) - utc(end)) // self.every))
        return [first + self.every * i for i in range(count)]


# Not all at the full minute: they share gateways, and control goes first.
TELEMETRY = Beat("read_telemetry", MINUTE, lead=timedelta(seconds=-10))
VERIFICATION = Beat("verify_setpoints", 2 * MINUTE, lead=timedelta(seconds=-30))
CONTROL = Beat("apply_control", SLOT)
PLAN = Beat("plan_rolling", SLOT, lead=MINUTE)
ALL = (TELEMETRY, VERIFICATION, PLAN, CONTROL)


def stamp(slot: datetime) -> str:
    """A slot's name in run keys and tags."""
    return f"{slot:{STAMP}}"


def slot_of(stamp: str) -> datetime:
    """The slot a stamp names."""
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
