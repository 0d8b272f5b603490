"""What stands in a portal's answers: numbers as texts, instants as seconds, objects that PHP writes as lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    """An object; PHP writes an empty one as ``[]``, and one whose keys are 0, 1, 2 as a list."""
    if isinstance(value, Mapping):
        return value
    return {str(i): one for i, one in enumerate(value)} if isinstance(value, list) else {}


def number(value: object) -> int | None:
    """A positive whole number, whether as number or as text; None: it is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 19 and int(text) > 0 else None


def instant_of(value: object) -> datetime | None:
    """An instant as UTC, from ISO 8601 with its offset or from seconds since 1970; None: it is neither."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return None if found is None or found.tzinfo is None else found.astimezone(UTC)
