"""A question as PostgREST's query string asks it, as records; its names are compared with nothing yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Path: TypeAlias = tuple[str, ...]
"""Names of the embedded relations from the top to where something applies; empty: the relation that was asked."""


@dataclass(frozen=True)
class Step:
    """One arrow into a document: a key, or an index; ``as_text`` is the arrow with two heads."""

    key: str | int
    as_text: bool


@dataclass(frozen=True)
class Field:
    """A column, or a place in its document."""

    name: str
    path: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Condition:
    """``field operator value``; an ``in`` has a tuple of values."""

    field: Field
    operator: str
    value: str | tuple[str, ...]
    negated: bool = False
    quantifier: Literal["any", "all"] | None = None
    language: str | None = None


@dataclass(frozen=True)
class Logic:
    """Conditions joined by ``and`` or ``or``."""

    joined: Literal["and", "or"]
    parts: tuple[Condition | Logic, ...]
    negated: bool = False


@dataclass(frozen=True)
class Term:
    """One level of an order; ``relation`` names the embedded to-one relation whose column it is."""

    field: Field
    relation: str | None = None
    descending: bool = False
    nulls: Literal["first", "last"] | None = None


@dataclass(frozen=True)
class Column:
    """A selected column; the name ``*`` is all of them."""

    field: Field
    alias: str | None = None
    cast: str | None = None

    @property
    def label(self) -> str:
        """Its key in the answer: the alias, or the last name on the way to it."""
        named = [step.key for step in self.field.path if isinstance(step.key, str)]
        return self.alias or (named[-1] if named else self.field.name)


@dataclass(frozen=True)
class Embed:
    """A related relation inside each row."""

    relation: str
    columns: tuple[Column | Embed, ...]
    alias: str | None = None
    hint: str | None = None
    is_inner: bool = False

    @property
    def label(self) -> str:
        """Its key in the answer, and its name in the other parameters."""
        return self.alias or self.relation


@dataclass(frozen=True)
class Window:
    """Rows from ``offset`` on, ``limit`` at most (None: all)."""

    offset: int = 0
    limit: int | None = None


@dataclass
class Query:
    """All parameters of one request; ``arguments`` are what is meant for a function."""

    select: tuple[Column | Embed, ...] = (Column(Field("*")),)
    conditions: dict[Path, list[Condition | Logic]] = field(default_factory=dict)
    order: dict[Path, tuple[Term, ...]] = field(default_factory=dict)
    windows: dict[Path, Window] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
