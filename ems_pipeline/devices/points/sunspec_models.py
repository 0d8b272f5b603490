"""SunSpec's information models as data: which point stands where in a model, in which format, and what means "nothing".

The table is `sunspec_models.yaml`; add a model there. Formats and their "not implemented" patterns: SunSpec Device
Information Model Specification, section on data types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ems_pipeline.plain_text import nearest
from ems_pipeline.sites import document

TABLE = Path(__file__).with_name("sunspec_models.yaml")


@dataclass(frozen=True, slots=True)
class Format:
    """A SunSpec type as a type of `Point`, its registers, and the pattern that means "not implemented"."""

    type: str
    words: int
    nothing: int | None = None


FORMATS: dict[str, Format] = {
    "s16": Format("s16", 1, 0x8000),
    "u16": Format("u16", 1, 0xFFFF),
    "enum16": Format("enum", 1, 0xFFFF),
    "bits16": Format("bits", 1, 0xFFFF),
    "s32": Format("s32", 2, 0x80000000),
    "u32": Format("u32", 2, 0xFFFFFFFF),
    "bits32": Format("u32", 2, 0xFFFFFFFF),
    "acc32": Format("u32", 2, 0),
    "u64": Format("u64", 4, 0xFFFF_FFFF_FFFF_FFFF),
    "acc64": Format("u64", 4, 0),
    "f32": Format("f32", 2, 0x7FC00000),
    "sf": Format("s16", 1, 0x8000),
    "text8": Format("ascii", 8),
    "text16": Format("ascii", 16),
    "text32": Format("ascii", 32),
}
"""A counter of 0 is "not implemented" by definition, so a new one has no value before it has counted."""


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A point of a model; offsets, its own and that of its scale factor (None: it has none), from the model's id."""

    offset: int
    format: Format
    exponent_offset: int | None = None
    may_be_written: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The part of a model that repeats, the n-th of it at ``at + (n - 1) * size``; its points as ``name.n.point``.

    The point ``count`` of the model says how often; its length says it as well, and the next model follows from that.
    """

    name: str
    count: str
    at: int
    size: int
    points: Mapping[str, ModelPoint]


@dataclass(frozen=True, slots=True)
class Model:
    """One information model; ``length`` without id and length."""

    length: int
    points: Mapping[str, ModelPoint]
    group: Group | None = None

    def point(self, name: str) -> ModelPoint | None:
        """The point called ``name``, in a group ``module.2.DCW``."""
        group, number, part = ([*name.split("."), "", ""])[:3]
        if self.group is None or group != self.group.name or not number.isdecimal() or number == "0":
            return self.points.get(name)
        inner = self.group.points.get(part)
        if inner is None:
            return None
        offset = self.group.at + (int(number) - 1) * self.group.size + inner.offset
        return ModelPoint(offset, inner.format, inner.exponent_offset, inner.may_be_written)

    @property
    def names(self) -> list[str]:
        """All names, for a hint; those of a group as of its first."""
        grouped = [f"{self.group.name}.1.{name}" for name in self.group.points] if self.group else []
        return [*self.points, *grouped]


@cache
def models() -> dict[int, Model]:
    """All known models by id."""
    found: dict[int, Model] = {}
    for entry in document.read(TABLE):
        scales = {name: row[0] for name, row in entry["points"].items() if row[1] == "sf"}
        group = entry.get("group")
        repeated = Group(**group, points=_points(entry["repeated"], scales)) if group else None
        model = Model(entry["length"], _points(entry["points"], scales), repeated)
        found |= dict.fromkeys(entry["ids"], model)
    return found


def point_of(model_id: int, name: str) -> ModelPoint:
    """A point of a model.

    Raises:
        ValueError: an unknown model or point, with what there is instead.
    """
    model = models().get(model_id)
    if model is None:
        raise ValueError(f"model {model_id} is not in the table; known: {', '.join(map(str, sorted(models())))}")
    if (point := model.point(name)) is None:
        near = nearest(name, model.names)
        hint = f"did you mean {near!r}?" if near else f"it has {', '.join(model.names)}"
        raise ValueError(f"model {model_id} has no point {name!r}; {hint}")
    return point


def _points(rows: Mapping[str, list[object]], scales: Mapping[str, int]) -> dict[str, ModelPoint]:
    found = {}
    for name, row in rows.items():
        offset, kind, scale, access = [*row, None, None][:4]
        exponent_offset = scales[str(scale)] if scale else None
        found[name] = ModelPoint(int(str(offset)), FORMATS[str(kind)], exponent_offset, access == "rw")
    return found
