"""What fields of requests and answers are made of: instants, texts, bodies that know their names, pages of a list."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from ems_pipeline.api.problems import UNKNOWN, Problem, nearest
from ems_pipeline.plain_text import plain

LATEST_S = 1e11
"""Epoch seconds beyond are milliseconds that somebody took for seconds."""
Item = TypeVar("Item")


def instant(said: Any) -> datetime:
    """An instant from RFC 3339 with an offset, or from epoch seconds.

    Raises:
        Problem: 400 ``time_ambiguous``: no zone, milliseconds, or no time at all.
    """
    if isinstance(said, datetime) and said.tzinfo is not None:
        return said.astimezone(UTC)
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        return _from_text(said)
    if isinstance(said, bool) or not math.isfinite(seconds) or not 0 <= seconds <= LATEST_S:
        raise _ambiguous(said)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise _ambiguous(said) from None


def _from_text(said: Any) -> datetime:
    try:
        found = datetime.fromisoformat(said)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise _ambiguous(said)


def _ambiguous(said: Any) -> Problem:
    return Problem(
        400, "time_ambiguous", "The time is not one instant", f"{plain(repr(said), 60)} may be several, or none",
        'write it with its offset, such as "2026-03-29T12:00:00Z" ("+" as %2B in a query), or as epoch seconds',
    )  # fmt: skip


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError(
            "unprintable", "holds characters that cannot be printed; write one line of plain text"
        )
    return text


Instant = Annotated[datetime, BeforeValidator(instant), Field(examples=["2026-03-29T12:00:00Z"])]
"""Aware UTC."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
"""One printable line."""
Reason = Annotated[
    str, StringConstraints(max_length=200), AfterValidator(_printable),
    Field(description="Why, in a few words: the journal says it beside what was told.", examples=["guests tonight"]),
]  # fmt: skip


class Body(BaseModel):
    """What a request says: no name that is not known, no number written as text, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _names_are_known(cls, said: Any) -> Any:
        if isinstance(said, dict):
            known = {field.alias or name for name, field in cls.model_fields.items()}
            for name in said.keys() - known:
                raise PydanticCustomError(
                    UNKNOWN,
                    "{name} is not known here{nearest}",
                    {"name": plain(name, 60), "nearest": nearest(name, known)},
                )
        return said


class Items(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(
        None, description="`cursor` of the next page; null: there is none", examples=["WyJob21lMDEiXQ"]
    )
