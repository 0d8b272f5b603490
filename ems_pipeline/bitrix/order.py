"""What is to be done, as a task with a checklist, and what people did of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple


class Item(NamedTuple):
    """A line of the checklist; ``code`` is that of the task in the template (`T1-01`)."""

    code: str
    text: str
    critical: bool

    @property
    def line(self) -> str:
        """As it stands in the portal: the code first, so that a line added twice is known again."""
        return f"{self.code} {self.text}"


@dataclass(frozen=True, kw_only=True)
class Order:
    """A service of a set that has to be done. ``key`` is ours, of ASCII letters, digits and dashes."""

    key: str
    title: str
    text: str
    deadline_at: datetime | None
    items: tuple[Item, ...]
    is_urgent: bool = False

    def stored(self) -> dict[str, Any]:
        """As JSON: an order is kept as it was first sent, whatever becomes of the template."""
        until = None if self.deadline_at is None else self.deadline_at.isoformat()
        return {
            "key": self.key, "title": self.title, "text": self.text, "deadline_at": until,
            "items": [list(item) for item in self.items], "is_urgent": self.is_urgent,
        }  # fmt: skip

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Order:
        """The order that was stored."""
        until = stored["deadline_at"]
        return cls(
            key=stored["key"], title=stored["title"], text=stored["text"], is_urgent=stored["is_urgent"],
            deadline_at=None if until is None else datetime.fromisoformat(until),
            items=tuple(Item(*item) for item in stored["items"]),
        )  # fmt: skip


class Tick(NamedTuple):
    """A line of the checklist as people left it. ``by``: number of a user of the portal, empty: nobody touched it."""

    is_done: bool
    by: str
    at: datetime | None


@dataclass(frozen=True)
class Seen:
    """A task as a portal shows it. ``changed_at`` is the portal's."""

    task_id: int
    is_closed: bool
    changed_at: datetime | None
    closed_at: datetime | None
    by: str
    """Number of whoever closed it, or of whoever is responsible where that is not told."""


@dataclass(frozen=True)
class Closed:
    """What people did: a task that is closed, with its checklist by code; a line that is gone is not in it."""

    task_id: int
    ticks: Mapping[str, Tick]
    by: str
    at: datetime
