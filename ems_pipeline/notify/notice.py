"""What there is to say, and what somebody who says it must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ems_pipeline.errors import EmsError


class NotSent(EmsError):
    """A way to people is blocked; the text names the host and the reason, never the address."""


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
    """One way to people."""

    def send(self, notices: Sequence[Notice]) -> None:
        """Deliver all of them together, or raise `NotSent` and deliver none."""
