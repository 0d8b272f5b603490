"""What a Bitrix24 portal keeps and how it says it: tasks, lines of checklists, refusals, queries as PHP reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

MOST_IN_BATCH, PAGE = 50, 50
INVALID = "BITRIX_REST_V3_EXCEPTION_VALIDATION_REQUESTVALIDATIONEXCEPTION"
NEW_FIELDS = {"title", "description", "creatorId", "responsibleId", "priority", "deadline", "groupId"}
"""Of a task in REST 3.0, as far as we ask; there are no tags."""


class Fault(Exception):
    """A refusal, in the words of either version of REST."""

    def __init__(
        self, status: int, code: str, text: str, *, is_new: bool = False, validation: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.text, self.is_new, self.validation = status, code, text, is_new, validation

    def body(self, echo: str) -> bytes:
        text = self.text + echo
        if not self.is_new:
            return json.dumps({"error": self.code, "error_description": text}).encode()
        error: dict[str, Any] = {"code": self.code, "message": text}
        if self.validation:
            error["validation"] = self.validation
        return json.dumps({"error": error}).encode()


@dataclass
class Line:
    """A line of a checklist; ``parent`` 0: its head."""

    number: int
    title: str
    parent: int
    is_important: bool
    is_done: bool = False
    by: int = 0
    at: datetime | None = None


@dataclass
class Task:
    """A task with its checklist and chat."""

    task_id: int
    title: str
    tags: list[str]
    changed_at: datetime
    deadline: str | None
    status: int = 2
    closed_by: int = 0
    closed_at: datetime | None = None
    lines: list[Line] = field(default_factory=list)
    chat: list[str] = field(default_factory=list)


def shown(task: Task) -> dict[str, Any]:
    """Numbers as texts."""
    closed = None if task.closed_at is None else task.closed_at.isoformat()
    return {
        "id": str(task.task_id), "title": task.title, "status": str(task.status), "responsibleId": "7",
        "changedDate": task.changed_at.isoformat(), "closedDate": closed, "closedBy": str(task.closed_by),
    }  # fmt: skip


def line(one: Line) -> dict[str, Any]:
    toggled = None if one.at is None else one.at.isoformat()
    return {
        "ID": str(one.number), "PARENT_ID": str(one.parent), "TITLE": one.title,
        "IS_COMPLETE": "Y" if one.is_done else "N", "IS_IMPORTANT": "Y" if one.is_important else "N",
        "TOGGLED_BY": str(one.by) if one.by else None, "TOGGLED_DATE": toggled, "MEMBERS": [], "ATTACHMENTS": [],
    }  # fmt: skip


def matching(wanted: Mapping[str, Any]) -> Callable[[Task], bool]:
    """Whether a task is what a filter asks for; a filter that the old list does not know filters nothing."""
    ids = None if "ID" not in wanted else {int(one) for one in listed(wanted["ID"])}

    def is_wanted(task: Task) -> bool:
        if ids is not None and task.task_id not in ids:
            return False
        if "TAG" in wanted and wanted["TAG"] not in task.tags:
            return False
        return "%TITLE" not in wanted or str(wanted["%TITLE"]) in task.title

    return is_wanted


def listed(value: Any) -> list[Any]:
    """A list, however PHP was told it."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else [value]


def php(query: str, results: Mapping[str, Any]) -> dict[str, Any]:
    """A query with brackets as objects; a value ``$result[a][b]`` is what was answered before."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        *path, last = name.replace("]", "").split("[")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = _resolved(value, results)
    return tree


def _resolved(value: str, results: Mapping[str, Any]) -> Any:
    if not value.startswith("$result["):
        return value
    found: Any = results
    for part in value.removeprefix("$result[").removesuffix("]").split("]["):
        found = found.get(part) if isinstance(found, Mapping) else None
    return "" if found is None else found
