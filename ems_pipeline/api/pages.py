"""Lists in pages: so many items at a time, and a cursor that says where the next page begins."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import Query

from ems_pipeline.api.problems import Problem

Limit = Annotated[int, Query(ge=1, le=1000, description="Items at most.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]


def page(rows: Sequence[dict[str, Any]], limit: int, *keys: str) -> dict[str, Any]:
    """A page of ``limit`` rows out of up to ``limit + 1``, and the cursor that names its last row by its keys."""
    shown = list(rows[:limit])
    more = len(rows) > limit
    return {"items": shown, "next_cursor": _written([shown[-1][key] for key in keys]) if more else None}


def _written(values: list[Any]) -> str:
    text = json.dumps(values, default=str, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def after(cursor: str | None, *kinds: Callable[[Any], Any]) -> list[Any] | None:
    """The keys that a cursor names, each made by one of ``kinds``; None for the first page.

    Raises:
        Problem: 400 where it is none of ours.
    """
    if cursor is None:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        found = [kind(value) for kind, value in zip(kinds, values, strict=True)]
    except (ValueError, TypeError, AttributeError, RecursionError):
        found = ["\0"]
    if any("\0" in str(value) for value in found):
        raise Problem(
            400, "bad_cursor", "A cursor nobody gave", f"cursor {cursor!r} names no page",
            "give back next_cursor as it came, or none", field="cursor",
        )  # fmt: skip
    return found
