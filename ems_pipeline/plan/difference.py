"""Where two of the same form differ, value by value: a problem and the one read again, a plan's rows and new ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

MISSING = "nothing"
"""Shown for what stands on one side only."""


@dataclass(frozen=True)
class Difference:
    """What differs: where (path of a field, or table, row and column), what stands there, and what was found again."""

    where: str
    stored: Any
    again: Any

    def __str__(self) -> str:
        return f"{self.where}: {_short(self.stored)} is stored, {_short(self.again)} came again"


def of_documents(stored: Any, again: Any, path: str = "") -> Iterator[Difference]:
    """Leaves of two JSON documents that are not equal; of lists of different lengths their lengths, too."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for name in sorted({*stored, *again}):
            within = f"{path}.{name}" if path else name
            yield from of_documents(stored.get(name, MISSING), again.get(name, MISSING), within)
    elif isinstance(stored, list) and isinstance(again, list):
        if len(stored) != len(again):
            yield Difference(f"length of {path}", len(stored), len(again))
        for at, (one, other) in enumerate(zip(stored, again, strict=False)):
            yield from of_documents(one, other, f"{path}[{at}]")
    elif stored != again:
        yield Difference(path, stored, again)


def of_rows(table: str, keys: list[str], stored: pl.DataFrame, again: pl.DataFrame) -> Iterator[Difference]:
    """Values of two frames with the same columns that are not equal, row by row of their keys."""
    left, right = (_by_key(frame, keys) for frame in (stored, again))
    for key in sorted({*left, *right}):
        yield from of_documents(left.get(key, MISSING), right.get(key, MISSING), f"{table} {' '.join(key)}")


def _by_key(frame: pl.DataFrame, keys: list[str]) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(str(row[key]) for key in keys): row for row in frame.iter_rows(named=True)}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
