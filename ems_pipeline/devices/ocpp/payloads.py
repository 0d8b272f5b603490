"""What messages hold, read and written: instants, counters, and messages that mean nothing here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from ocpp.routing import on

S = TypeVar("S")


def instant(text: Any) -> datetime | None:
    """An instant as a message tells it, UTC where it names no zone; None where it is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def number_or_none(found: Any) -> float | None:
    """A counter as a message tells it."""
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if is_number and abs(found) < 1e12 else None


def text(at: datetime) -> str:
    """An instant as OCPP writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(found: Any) -> Iterable[Any]:
    """The items of a list; of anything else none."""
    return found if isinstance(found, list) else ()


def notes(*messages: str) -> Callable[[type[S]], type[S]]:
    """Have a class answer messages that mean nothing here, so that nobody sends them again and again."""

    def add(kind: type[S]) -> type[S]:
        for message in messages:
            handler = _noting(message)
            setattr(kind, handler.__name__, on(message, skip_schema_validation=True)(handler))
        return kind

    return add


def _noting(message: str) -> Callable[..., Any]:
    def heard(self: Any, **_: Any) -> Any:
        return getattr(self._call_result, message)()

    # By this name the library finds it: findings/ocpp_handlers_are_found_by_function_name.sh
    heard.__name__ = f"_notes_{message}"
    return heard
