"""What a portal posts to us when a task changes: a form of PHP's. It says which task, and is believed no further.

Events come once or never, so that looking every five minutes is the truth and an event only its wake-up.
Source: b24restdocs, api-reference/tasks/events-tasks.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from ems_pipeline.bitrix.reading import number

NAMES = frozenset({"ONTASKADD", "ONTASKUPDATE", "ONTASKDELETE"})
TOKEN = "auth[application_token]"
AFTER, BEFORE = "data[FIELDS_AFTER][ID]", "data[FIELDS_BEFORE][ID]"


class Event(NamedTuple):
    """Something happened to a task."""

    name: str
    task_id: int


def is_from(fields: Mapping[str, str], token: str) -> bool:
    """Whether whoever posts knows the portal's word for its events."""
    return hmac.compare_digest(fields.get(TOKEN, "").encode("utf-8", "replace"), token.encode())


def heard(fields: Mapping[str, str]) -> Event | None:
    """What a form says; None: nothing about a task."""
    name = fields.get("event", "").upper()
    task_id = number(fields.get(AFTER)) or number(fields.get(BEFORE))
    return Event(name, task_id) if name in NAMES and task_id is not None else None
