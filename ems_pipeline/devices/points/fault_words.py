"""What a device says about its own faults, in the words of its map. Pure.

The quantity `fault` counts them: 0 says that the device names none, and a device whose fault words do not answer has no
value, which is neither. The words are the reason of the reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ems_pipeline.devices.points.map_rules import Derived, FaultWord
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.points.samples import Sample

SILENT_PARTS = frozenset({Quality.NOT_READY, Quality.ABSENT})
"""Words that this device does not have: the others speak for it."""


def fault_of(rule: Derived, points: Sequence[Point], parts: Sequence[Sample]) -> Sample:
    """How many faults the device names, with the words; no value while one of its words is not known."""
    said = [(point, s.value) for point, s in zip(points, parts, strict=True) if s.value is not None]
    words = [word for point, value in said for word in _words(point, rule.told_by[point.name], value)]
    if words:
        return Sample(float(len(words)), reason="; ".join(words))
    unknown = next((s for s in parts if s.quality not in SILENT_PARTS and s.value is None), None)
    if unknown is None and all(s.value is None for s in parts):
        unknown = parts[0]
    return Sample(0.0) if unknown is None else Sample(None, unknown.quality, unknown.reason)


def _words(point: Point, which: FaultWord, value: float) -> Iterator[str]:
    number = int(value)
    if which == "code":
        yield from [f"{point.name} {value:g}"] if number else []
    elif not number and (which == "bits" or point.type == "bits"):
        return
    elif which == "bits" or point.type == "bits":
        chosen = range(64) if which == "bits" else [int(bit) for bit in which]
        yield from (f"{point.name}: {point.labels.get(bit, f'bit {bit}')}" for bit in chosen if number >> bit & 1)
    elif value in which:
        yield f"{point.name}: {point.labels.get(number, f'{value:g}')}"
