"""All points of one document at once: a call for each point would cost several times what its number does. Pure.

A plain number in its place, which lies in its range, is a good value, and so is one of the numbers or words that a map
lists; whatever else is there is looked at closely, point by point (`document.sample_of`), and nothing is believed here
that would not be believed there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ems_pipeline.devices.driver.document import Dialect, json_number
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.points.samples import Gathering, Sample

Closely = Callable[[Any, Point], Sample]
"""Document, point -> what the one says of the other, whatever it is."""
NUMBERS, LISTED = frozenset({int, float, bool}), frozenset({int, float, bool, str})
ANY_NUMBER = (-sys.float_info.max, sys.float_info.max)


class _Place(NamedTuple):
    """Where a point stands (a key for a mapping, a position for a list, step by step), and what makes a value of it."""

    at: int
    point: Point
    field: str
    steps: tuple[tuple[str, Any], ...]
    listed: Mapping[Any, float] | None
    scale: float
    offset: float
    sign: int
    low: float
    high: float


class Fields:
    """Where some points stand in a document, each with its position among those that were asked.

    Args:
        apart: names of those that are looked at closely whatever is there.
    """

    def __init__(
        self, points: Iterable[tuple[int, Point]], point_map: PointMap, dialect: Dialect, apart: Collection[str] = ()
    ) -> None:
        self._places: list[_Place] = []
        self._apart: list[tuple[int, Point]] = []
        for at, point in points:
            if point.true_field or point.name in apart or dialect.number is not json_number:
                self._apart.append((at, point))
                continue
            field = point.field or point_map.link.field or ""
            steps = tuple((key, int(key) if key.isdecimal() else key) for key in field.split("."))
            ends = point.range or ANY_NUMBER
            self._places.append(
                _Place(at, point, field, steps, _listed(point), point.scale, point.offset, point.sign, *ends)
            )

    def fill(self, gathered: Gathering, document: Any, closely: Closely) -> None:
        """What the document says of each point, at its position."""
        values = gathered.values
        is_mapping = isinstance(document, dict)
        for at, point, field, steps, listed, scale, offset, sign, low, high in self._places:
            found = document
            try:
                if is_mapping and field in document:
                    found = document[field]
                else:
                    for key, place in steps:
                        found = found[key] if type(found) is dict else found[place]
                if listed is not None:
                    if type(found) in LISTED and found in listed:
                        values[at] = listed[found]
                        continue
                elif type(found) in NUMBERS and low <= (value := (found * scale + offset) * sign) <= high:
                    values[at] = value
                    continue
            except (LookupError, TypeError, OverflowError):
                pass
            gathered.put(at, closely(document, point))
        for at, point in self._apart:
            gathered.put(at, closely(document, point))


def _listed(point: Point) -> dict[Any, float] | None:
    """Good values by the numbers and words that a map lists; None: any number in the range is one."""
    if point.codes is None and not point.words:
        return None
    words = {word.partition("&")[0]: raw for raw, word in reversed(point.words.items())}  # the first one counts
    said = {raw: codec.judge(point, codec.to_site(point, raw)) for raw in {**(point.codes or {}), **point.words}}
    good = {raw: value for raw, (value, quality, _) in said.items() if value is not None and quality is Quality.GOOD}
    return {**good, **{word: good[raw] for word, raw in words.items() if raw in good}}
