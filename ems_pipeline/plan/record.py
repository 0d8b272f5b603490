"""Dataclasses of plain values as JSON text and back: nothing is lost, and equal content gives equal bytes."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MEASURED = {"measured": True}
"""Field metadata: wall-clock figures stay out of the JSON form, so that the same plan has the same bytes."""


class Record:
    """Base of frozen dataclasses whose fields are numbers, text, instants, arrays and tuples of further records."""

    def to_json(self) -> str:
        """Compact JSON, fields in the order of their definition; floats by their shortest exact form."""
        return json.dumps(_plain(self), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record that `to_json` wrote; unknown and missing fields raise TypeError naming them."""
        return _read(cls, json.loads(text))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [f for f in dataclasses.fields(value) if not f.metadata.get("measured")]
        return {f.name: _plain(getattr(value, f.name)) for f in fields}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _read(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        inner = [k for k in get_args(kind) if k is not NoneType]
        return None if value is None else _read(inner[0], value)
    if origin is tuple:
        item, *rest = get_args(kind)
        kinds = [item] * len(value) if rest == [Ellipsis] else [item, *rest]
        return tuple(_read(k, v) for k, v in zip(kinds, value, strict=True))
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]
        if unknown := sorted(set(value) - set(hints)):
            raise TypeError(f"{kind} has no field {unknown}; it has {sorted(hints)}")
        return kind(**{name: _read(hints[name], item) for name, item in value.items()})  # type: ignore[operator]
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is float:
        return float(value)
    if origin is np.ndarray:
        return np.array(value, dtype=float)
    return value
