"""Dataclasses of plain values as JSON text and back: nothing is lost, and equal content gives equal bytes."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.errors import EmsError

MEASURED = {"measured": True}
"""Field metadata: wall-clock figures stay out of the JSON form, so that the same plan has the same bytes."""

WHERE_GIVEN = {"where_given": True}
"""Field metadata: what is left out where it is empty or 0 (or None, where it may be), so that documents without it
are the same as those from before it was thought of."""


class Record:
    """Base of frozen dataclasses whose fields are numbers, text, instants, arrays and tuples of further records."""

    def to_json(self) -> str:
        """Compact JSON, fields in the order of their definition; floats by their shortest exact form."""
        return json.dumps(_plain(self), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record that `to_json` wrote.

        Raises:
            FormInvalid: text that is no JSON, or a field that is unknown, missing or of another kind, by its path.
        """
        try:
            value = json.loads(text)
        except json.JSONDecodeError as fault:
            raise FormInvalid(f"the text is no JSON: {fault}", "give one object, as `to_json` writes it") from None
        read: Self = _read(cls, value, "")
        return read


class FormInvalid(EmsError, ValueError):
    """JSON in which a record cannot be read; the text names the field by its path, what stands there and the remedy."""


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value) if _is_said(f, value)}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _is_said(f: dataclasses.Field[Any], value: Any) -> bool:
    if f.metadata.get("measured"):
        return False
    given = getattr(value, f.name)
    return not f.metadata.get("where_given") or (given is not None if f.default is None else bool(given))


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _read(kind: Any, value: Any, path: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        inner = [k for k in get_args(kind) if k is not NoneType]
        return None if value is None else _read(inner[0], value, path)
    if origin is tuple:
        item, *rest = get_args(kind)
        _demand(isinstance(value, list), path, value, "a list")
        kinds = [item] * len(value) if rest == [Ellipsis] else [item, *rest]
        return tuple(_read(k, v, f"{path}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))
    if dataclasses.is_dataclass(kind):
        return _read_record(kind, value, path)
    if origin is np.ndarray:
        return _read_array(value, path)
    return _read_plain(kind, value, path)


def _read_record(kind: Any, value: Any, path: str) -> Any:
    _demand(isinstance(value, dict), path, value, "an object")
    hints, within = _hints(kind), f"{path}." if path else ""
    if unknown := sorted(set(value) - set(hints)):
        raise FormInvalid(f"{within}{unknown[0]} is no field; {path or 'it'} has {', '.join(hints)}", "give only those")
    nothing = dataclasses.MISSING
    fields = dataclasses.fields(kind)
    needed = [f.name for f in fields if f.default is nothing and f.default_factory is nothing]
    if missing := [name for name in needed if name not in value]:
        raise FormInvalid(f"{within}{missing[0]} is missing; {path or 'it'} needs {', '.join(needed)}", "give them all")
    return kind(**{name: _read(hints[name], item, f"{within}{name}") for name, item in value.items()})


def _read_array(value: Any, path: str) -> Array:
    """A list of numbers, or of equally long lists of numbers (a plan's device by slot)."""
    _demand(isinstance(value, list), path, value, "a list of numbers")
    if value and all(isinstance(row, list) for row in value):
        rows = [_read_array(row, f"{path}[{i}]") for i, row in enumerate(value)]
        for i, row in enumerate(rows):
            _demand(row.shape == rows[0].shape, f"{path}[{i}]", row.size, f"{rows[0].size} values like {path}[0]")
        return np.array(rows)
    for i, item in enumerate(value):
        _demand(_is_number(item), f"{path}[{i}]", item, "a number")
    return np.array(value, dtype=float)


def _read_plain(kind: Any, value: Any, path: str) -> Any:
    if kind is datetime:
        try:
            return datetime.fromisoformat(value)
        except (TypeError, ValueError):
            _demand(False, path, value, "an instant with its offset, e.g. 2026-03-24T12:00:00+00:00")
    if kind is float:
        _demand(_is_number(value), path, value, "a number")
        return float(value)
    if kind is int:
        _demand(_is_number(value) and float(value).is_integer(), path, value, "a whole number")
        return int(value)
    _demand(isinstance(value, kind), path, value, {bool: "true or false", str: "a text"}.get(kind, "another kind"))
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _demand(holds: bool, path: str, value: Any, wanted: str) -> None:
    if not holds:
        shown = json.dumps(value)
        raise FormInvalid(
            f"{path or 'the JSON'} is {shown if len(shown) < 60 else shown[:57] + '...'}", f"give {wanted}"
        )
