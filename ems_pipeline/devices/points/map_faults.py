"""What is wrong with a point map, in the words of its file: line, key, value, remedy.

Pure: from pydantic's errors and the lines of the file's keys to what a person reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from ems_pipeline.devices.points.link import Link
from ems_pipeline.devices.points.map_rules import Derived, Ready, Rest
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.recipe import Recipe, Step
from ems_pipeline.plain_text import nearest
from ems_pipeline.sites.document import Lines

RECORDS: dict[str, type[BaseModel]] = {
    "points": Point,
    "link": Link,
    "ready": Ready,
    "rest": Rest,
    "derived": Derived,
    "recipe": Recipe,
}
ABOUT = re.compile(r"(point|derived|recipe) '([^']+)'|(ready|rest|rated_by|phases|recipe|variants):")
"""How a fault between parts begins, see `PointMap`."""


def described(file: str, item: Mapping[str, Any], points: Sequence[tuple[str, str]], lines: Lines) -> Iterator[str]:
    """One of pydantic's errors as lines for a person.

    Args:
        points: key in the file and name of every point, in order (``slot{n}_soc``, ``slot1_soc``).
        lines: path of every key -> line of the file.
    """
    where = [points[part][0] if isinstance(part, int) and i == 1 else str(part) for i, part in enumerate(item["loc"])]
    value = item.get("input")
    shown = f" = {value!r}" if isinstance(value, str | int | float | bool) else ""
    for text in _text(item, where).split("\n"):
        place = where or _place(text, {name: key for key, name in points})
        yield f"  {file}:{_line(place, lines)}: {'.'.join(place) or 'map'}{shown}: {text}"


def _text(item: Mapping[str, Any], where: list[str]) -> str:
    if item["type"] == "extra_forbidden":
        record = RECORDS.get(where[0], PointMap) if len(where) > 1 else PointMap
        record = Step if record is Recipe and len(where) > 2 else record
        near = nearest(where[-1], record.model_fields)
        return "unknown option; " + (f"did you mean {near!r}?" if near else f"known: {', '.join(record.model_fields)}")
    return "is missing; add it" if item["type"] == "missing" else str(item["msg"]).removeprefix("Value error, ")


def _place(text: str, written_as: Mapping[str, str]) -> list[str]:
    """Where a fault between parts belongs, by how it begins."""
    found = ABOUT.match(text)
    if found is None:
        return []
    if found[3]:
        return [found[3]]
    if found[1] == "recipe":
        return ["recipe", found[2]] if found[2] == "release" else ["recipe", "modes", found[2]]
    return ["points", written_as[found[2]]] if found[1] == "point" else ["derived", found[2]]


def _line(where: list[str], lines: Lines) -> int:
    return next((lines[tuple(where[:n])] for n in range(len(where), 0, -1) if tuple(where[:n]) in lines), 1)
