"""A way or a channel that does not work is an alarm; it goes by the ways that do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ems_pipeline.notify.notice import Notice
from ems_pipeline.warehouse import alarms
from ems_pipeline.warehouse.alarms import Trouble
from ems_pipeline.warehouse.channels import Channel
from ems_pipeline.warehouse.engine import Connection

WAY, CHANNEL = "notices-", "channel-blocked:"
"""How the kinds of these alarms begin; the way follows."""
PATIENCE = timedelta(minutes=2)
"""How long a way may fail before people should know: networks blink."""


@dataclass
class Health:
    """How one way is doing, as far as this process has seen."""

    kind: str
    what: str
    """What does not happen while it fails."""
    failing_since: datetime | None = None
    has_worked: bool = False
    """Since the last failure, and not yet told to the database."""
    why: str = ""

    def failed(self, why: str, at: datetime) -> None:
        self.failing_since, self.why, self.has_worked = self.failing_since or at, why, False

    def worked(self) -> None:
        self.failing_since, self.has_worked = None, True

    def tell(self, connection: Connection, at: datetime) -> None:
        """Raise, leave alone or end the alarm of the way; what a former process raised stands until it works."""
        kind = WAY + self.kind
        if self.failing_since is not None and at - self.failing_since >= PATIENCE:
            text = f"{self.what} since {self.failing_since:%H:%M} UTC: {self.why}"
            alarms.settle(connection, kind, [Trouble(None, kind, "warning", text)], at)
        elif self.has_worked:
            alarms.clear(connection, None, kind, at)
            self.has_worked = False


def tell_blocked(connection: Connection, kind: str, channels: Iterable[Channel], at: datetime) -> None:
    """Alarms of the channels of a way that take nothing any more, until they are bound or entered again, or removed."""
    kinds = f"{CHANNEL}{kind}:"
    blocked = [channel for channel in channels if channel.state == "blocked"]
    alarms.settle(connection, kinds, [Trouble(None, f"{kinds}{c.number}", "warning", _words(c)) for c in blocked], at)


def _words(channel: Channel) -> str:
    again = {
        "telegram": f"unblock the bot there and bind it anew (`ems user channel telegram {channel.person}`)",
        "email": f"enter it again (`ems user channel add-email {channel.person} ADDRESS`)",
        "push": 'press "Tell this browser" there again, on the page Notices',
    }[channel.kind]
    return (
        f"{channel.person} is not told by {channel.kind} any more ({channel.state_reason}); {again}, or remove it "
        f"(`ems user channel remove {channel.number}`)"
    )


def is_of(notice: Notice, kind: str) -> bool:
    """Whether an alarm says that this very way is dead: once it arrives there, it is not true any more."""
    return notice.kind == WAY + kind
