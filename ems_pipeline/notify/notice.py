"""What there is to say, and what somebody who says it must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from ems_pipeline.errors import EmsError

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""From the least on."""


class NotSent(EmsError):
    """Nothing arrived, and it may be tried again; the text names the host and the reason, never a secret address."""

    usual = "it is tried again"


class Unsure(NotSent):
    """The line broke after it was said: it may have arrived all the same."""


class Down(NotSent):
    """The service is not there, or does not let us in: it would say the same to everybody."""


class Unreached(NotSent):
    """The server of this address is not there, which says nothing of other addresses: each has a server of its own."""


class Blocked(NotSent):
    """This address takes nothing any more until a person does something."""


class Held(NotSent):
    """The service wants a pause for this address."""

    def __init__(self, what: str, after_s: float) -> None:
        super().__init__(what)
        self.after_s = after_s


class Moved(NotSent):
    """The address has become another one."""

    def __init__(self, what: str, to: str) -> None:
        super().__init__(what)
        self.to = to


@dataclass(frozen=True)
class Notice:
    """One alarm in words. ``severity``: info, warning or critical; site and device are empty where it has none.

    ``number``: as filed; 0: told by somebody who may have no database to file it in.
    """

    number: int
    severity: str
    site: str
    device: str
    kind: str
    text: str
    raised_at: datetime

    def __str__(self) -> str:
        where = "/".join(part for part in (self.site, self.device) if part) or "installation"
        return f"{self.severity}: {where}: {self.kind}: {self.text}"


class Notifier(Protocol):
    """One way to people, whoever they are."""

    def send(self, notices: Sequence[Notice]) -> None:
        """Deliver all of them together, or raise `NotSent` and deliver none."""


@dataclass(frozen=True)
class Message:
    """What one person is told at once. ``subject``: for ways that have one; ``key``: the same for the same again."""

    subject: str
    text: str
    key: str
    attachment: tuple[str, str] | None = None
    """Name and HTML of a file, for ways that take files."""
    severity: str = "info"
    """Of the worst in it: how urgent it is, for ways that ask."""
    button: str = ""
    """What a button below it carries, by which the person says that he knows, for ways that have buttons."""


class Way(Protocol):
    """One way to one person at a time, by the address that the person has there."""

    kind: str
    """As ``ems.notice_channel`` calls it."""
    has_buttons: bool
    """Whether a person can answer by a button below a message."""
    longest: int
    """UTF-16 units that one message may have; what does not fit follows in the next."""

    def send(self, address: str, message: Message) -> None:
        """Deliver, or raise `NotSent` or what is more exact of it."""

    def check(self) -> None:
        """Whether the service is there and lets us in: raises `NotSent` if not, and tells nobody anything."""

    def spacing_s(self, address: str) -> float:
        """How far apart messages to one address have to be."""
