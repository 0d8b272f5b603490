"""The draft of a template: what was read and where it stands, what is doubted, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple


class Place(NamedTuple):
    """Where something stands in the document, both from 1."""

    page: int
    line: int

    def __str__(self) -> str:
        return f"page {self.page}, line {self.line}"


@dataclass(frozen=True)
class DraftLevel:
    """A service as the document tells of it; None: not said, or said twice and differently."""

    level: str
    hours: float | None
    months: int | None
    at: Place
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class DraftTask:
    """A line of the checklist; None: the document does not say. ``by``: ``rules``, or ``model`` for a proposal."""

    text: str
    at: Place
    level: str | None = None
    hours: float | None = None
    months: int | None = None
    kind: str | None = None
    system: str | None = None
    doubts: tuple[str, ...] = ()
    is_interval_known: bool = True
    """False: it has one of its own, which was not understood; else none of its own is that of its level."""
    by: str = "rules"

    def doubted(self, *why: str) -> DraftTask:
        return replace(self, doubts=(*self.doubts, *(one for one in why if one)))


class Unread(NamedTuple):
    """A line that became nothing, and why."""

    text: str
    at: Place
    why: str


@dataclass
class Draft:
    """What became of a document. Every line of it is in a level, a task, a heading, or unread."""

    source: str
    language: str
    levels: list[DraftLevel] = field(default_factory=list)
    tasks: list[DraftTask] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Draft:
        """A draft that was stored. KeyError, TypeError: it is none."""
        return cls(
            stored["source"], stored["language"],
            [DraftLevel(**_placed(one)) for one in stored["levels"]],
            [DraftTask(**_placed(one)) for one in stored["tasks"]],
            [Unread(text, Place(*at), why) for text, at, why in stored["unread"]],
        )  # fmt: skip

    def coded(self) -> Iterator[tuple[str, DraftTask]]:
        """Tasks with codes of our own: the level's number and the place within it; X where no level is known."""
        counts: dict[str, int] = {}
        for task in self.tasks:
            stem = "TX" if task.level is None else f"T{task.level.removeprefix('TO-')}"
            counts[stem] = counts.get(stem, 0) + 1
            yield f"{stem}-{counts[stem]:02d}", task

    def missing(self) -> list[str]:
        """What a person has to say before it can become a template."""
        wants = [f"{one.level}: hours or months" for one in self.levels if one.hours is None and one.months is None]
        for code, task in self.coded():
            unknown = [name for name in ("level", "kind", "system") if getattr(task, name) is None]
            unknown += [] if task.is_interval_known else ["interval"]
            if unknown:
                wants.append(f"{code} ({task.at}): {', '.join(unknown)}")
        return wants


def _placed(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {**stored, "at": Place(*stored["at"]), "doubts": tuple(stored["doubts"])}
