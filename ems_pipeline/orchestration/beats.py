"""What the clock asks for, and when: the slots that sensors serve and `ems cadence` counts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ems_pipeline.time_grid import CLOCK_SLACK, MINUTE, SLOT, utc

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

    def next_due(self, now: datetime) -> datetime:
        """When the next run begins."""
        return self.due(self.slot(now) + self.every)

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


@dataclass(frozen=True)
class Served:
    """A sensor's cursor: the newest slot it has served, and how often the clock went back under it.

    Runs of a slot that is lived once more need names of their own: Dagster starts no run of a known name again.
    """

    stamp: str = ""
    lives: int = 0

    @classmethod
    def read(cls, cursor: str | None) -> "Served":
        """From the text of a cursor; None: nothing was served yet."""
        stamp, _, lives = (cursor or "").partition("#")
        return cls(stamp, int(lives or 0))

    def went_back(self, now: datetime, beat: Beat) -> bool:
        """Whether ``now`` lies before what is served by more than a clock is set right every day."""
        return bool(self.stamp) and now < beat.due(slot_of(self.stamp)) - CLOCK_SLACK

    @property
    def key(self) -> str:
        """What makes the names of a slot's runs differ from those of any other, and of its former lives."""
        return f"{self.stamp}-{self.lives}" if self.lives else self.stamp

    def __str__(self) -> str:
        return f"{self.stamp}#{self.lives}" if self.lives else self.stamp


def stamp(slot: datetime) -> str:
    """A slot's name in run keys and tags."""
    return f"{slot:{STAMP}}"


def slot_of(stamp: str) -> datetime:
    """The slot a stamp names."""
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
