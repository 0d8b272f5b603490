"""From the names a caller asks for to readings: selection, derived quantities, the device's own "not ready".

Shared by every transport, because a sum of strings or a module that still starts up is the same over any wire.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from ems_pipeline.devices.point import Point
from ems_pipeline.devices.point_map import Derived, PointMap
from ems_pipeline.devices.quantities import QUANTITIES
from ems_pipeline.devices.reading import Quality, Reading


@dataclass(frozen=True, slots=True)
class Sample:
    """One point as it came off the wire, in site units."""

    value: float | None
    quality: Quality = Quality.GOOD
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a caller wants, and which points must be asked for it."""

    points: tuple[Point, ...]
    derived: tuple[str, ...]
    asked: tuple[Point, ...]


def names_in(point_map: PointMap, groups: Collection[str] = ("live",)) -> tuple[str, ...]:
    """Everything a device can say in some poll groups; derived quantities are live."""
    own = [p.key for p in point_map.points if p.group in groups and p.readable and p.type != "ascii"]
    return (*own, *(point_map.derived if "live" in groups else ()))


def select(point_map: PointMap, names: Collection[str]) -> Selection:
    """Points and derived quantities called ``names``, with the points they are made of.

    Raises:
        KeyError: a name the map does not have.
    """
    derived = tuple(n for n in point_map.derived if n in names)
    points = {p.name: p for p in (point_map.point(n) for n in names if n not in point_map.derived)}
    parts = {n: point_map.by_name[n] for d in derived for n in point_map.derived[d].points}
    gate = {point_map.ready.point: point_map.by_name[point_map.ready.point]} if point_map.ready and names else {}
    return Selection(tuple(points.values()), derived, tuple((gate | points | parts).values()))


def to_readings(
    device: str,
    point_map: PointMap,
    selection: Selection,
    samples: Mapping[str, Sample],
    asked_at: datetime,
    received_at: datetime,
) -> list[Reading]:
    """Readings of a selection; ``samples`` holds every point of ``selection.asked`` by name."""
    gate = _not_ready(point_map, samples)
    named = [(p.key, p.unit, samples[p.name], p.name) for p in selection.points]
    named += [(d, QUANTITIES[d].unit, _derive(point_map.derived[d], samples), d) for d in selection.derived]
    readings = []
    for key, unit, sample, name in named:
        if gate is not None and sample.quality is Quality.GOOD and name != gate[0]:
            sample = Sample(None, Quality.NOT_READY, gate[1])
        readings.append(Reading(device, key, unit, sample.value, asked_at, received_at, sample.quality, sample.reason))
    return readings


def silent_readings(
    device: str, point_map: PointMap, names: Collection[str], fault: Sample, now: datetime
) -> list[Reading]:
    """Readings of a device that was not asked or did not answer at all."""
    selection = select(point_map, names)
    samples = {p.name: fault for p in selection.asked}
    return to_readings(device, point_map, selection, samples, now, now)


def _derive(rule: Derived, samples: Mapping[str, Sample]) -> Sample:
    """A sum is as bad as its worst part: three strings out of four are not the roof."""
    parts = [samples[n] for n in rule.points]
    if rule.first_good:
        return next((s for s in parts if s.quality is Quality.GOOD), parts[-1])
    bad = next((s for s in parts if s.quality is not Quality.GOOD or s.value is None), None)
    if bad is not None:
        return Sample(None, bad.quality, bad.reason)
    return Sample(sum(s.value for s in parts if s.value is not None))


def _not_ready(point_map: PointMap, samples: Mapping[str, Sample]) -> tuple[str, str] | None:
    """The gate's point and reason while the device says that its values do not count."""
    ready = point_map.ready
    if ready is None or ready.point not in samples:
        return None
    value = samples[ready.point].value
    if value is not None and int(value) & ready.mask == ready.equals:
        return None
    return ready.point, ready.reason
