"""Where a sequence stands, and what it answers. What is here is all that outlives the process."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from ems_pipeline.gensets.sequence.keys import Action
from ems_pipeline.gensets.sequence.view import Mode


class Step(StrEnum):
    """What is being waited for. Named for what follows the last action: a step is entered by it, once."""

    CHECK = "check"
    """Nothing was told yet."""
    TAKING = "taking"
    """MANUAL was pressed."""
    SWITCHING = "switching"
    """AUTO or MANUAL was pressed for its own sake."""
    REQUESTED = "requested"
    """The master is to request the start."""
    STARTING = "starting"
    """Start was pressed."""
    COMING_UP = "coming_up"
    CLOSING = "closing"
    LOADING = "loading"
    """The wanted target was written."""
    HOLDING = "holding"
    UNLOADING_TOLD = "unloading_told"
    """The target 0 was written."""
    UNLOADING = "unloading"
    BACKING = "backing"
    """To be stopped as soon as the controller's own attempt is over."""
    STOPPING = "stopping"
    """Stop was pressed."""
    COOLING = "cooling"
    RESTORING = "restoring"
    """The target that was before, or the site's default, was written."""
    GIVING_BACK = "giving_back"
    """AUTO was pressed, to leave the set to its controller."""
    MUTING = "muting"
    RESETTING = "resetting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``opened_at``: when the sequence began, ``entered_at``: its step."""

    step: Step = Step.CHECK
    opened_at: datetime
    entered_at: datetime
    mode: Mode | None = None
    """What the switch stood at when we last had a say in it: another one is somebody at the set."""
    wish_pct: float | None = None
    """The target last written."""
    before_pct: float | None = None
    """The target before that."""
    trouble: str = ""
    """Why the sequence is backing out; empty while it goes ahead."""
    retreated_at: datetime | None = None
    """When it began to back out."""
    note: str = ""
    """What is to be told although it went well."""
    has_pressed: tuple[str, ...] = ()
    """Keys that were pressed; none is pressed twice."""

    def at(self, step: Step, now_at: datetime, **more: Any) -> Progress:
        """The same, in another step."""
        return replace(self, step=step, entered_at=now_at, **more)

    def document(self) -> dict[str, Any]:
        """As the journal keeps it."""
        said = asdict(self)
        return said | {name: None if said[name] is None else said[name].isoformat() for name in INSTANTS}

    @classmethod
    def read(cls, said: dict[str, Any]) -> Progress:
        """From the journal."""
        instants = {name: None if said[name] is None else datetime.fromisoformat(said[name]) for name in INSTANTS}
        mode = None if said["mode"] is None else Mode(said["mode"])
        pressed = tuple(said["has_pressed"])
        return cls(**said | instants | {"step": Step(said["step"]), "mode": mode, "has_pressed": pressed})


INSTANTS = ("opened_at", "entered_at", "retreated_at")


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do yet. Where the progress has a trouble, the sequence is backing out meanwhile."""


@dataclass(frozen=True, slots=True)
class Act:
    """One action, to be told after this progress was committed."""

    action: Action
    hands_back: bool = False
    """It leads the set back to rest or to its own controller: needs no opt-in."""


@dataclass(frozen=True, slots=True)
class Done:
    """It came to its end; ``note``: what is to be known of it."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """It ended otherwise, and why."""

    why: str


Answer = Wait | Act | Done | Failed
Move = tuple[Progress, Answer | None]
"""The progress from now on, and the answer; None: look again, another step was reached at once."""


def ended(progress: Progress) -> Move:
    """The end, as it came out."""
    if not progress.trouble:
        return progress, Done(progress.note)
    return progress, Failed("; ".join(filter(None, (progress.trouble, progress.note))))
