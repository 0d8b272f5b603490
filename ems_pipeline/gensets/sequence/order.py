"""What was asked of a set, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """A command; each is a sequence."""

    START = "start"
    STOP = "stop"
    AUTO = "auto"
    MANUAL = "manual"
    POWER = "power"
    MUTE = "mute"
    RESET = "reset"
    RUN = "run"
    """Of dispatch: run at a power until an instant, which is moved on as long as a plan wants it."""
    RELEASE = "release"
    """The target goes back to the site's default; the set is neither stopped nor taken from its controller."""


BY_DISPATCH = "dispatch"
"""Who asks where no person does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command as it was filed. ``power_w``: the target, W of active power; ``until_at``: the end of a run."""

    kind: Kind
    asked_by: str
    reason: str = ""
    power_w: float | None = None
    until_at: datetime | None = None

    @property
    def is_dispatch(self) -> bool:
        """Whether a plan asks, not a person: it keeps the machine's own limits of time, too."""
        return self.asked_by == BY_DISPATCH
