"""A map fitted to the device before it: ranges that grow with its size, larger steps of counters, places by the site.

A map is written for one model of a family. What is garbage there is an honest value of a larger sister, or of a meter
behind current transformers: so a range grows with the size that the site file names or the device itself states, and
never shrinks, because a small inverter may stand at a large connection. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from ems_pipeline.devices.points.per_map import once_per_map
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.sites.protocol import PROTOCOLS

COUNTER_SCALE = "counter_scale"
"""Option of a device: how many times more its energy counters count per step than the map says."""
COUNTED = ("Wh", "varh")
Said = Mapping[str, float]
"""Sizes by name (`made_for` of a map), in the unit of the name."""


def sizes(point_map: PointMap, options: Mapping[str, float | str | bool], measured: Said) -> dict[str, float]:
    """How large device and connection are: by the site file, else by the device's own points (``measured``), else as
    large as any of the family."""
    if not point_map.made_for:
        return {}
    named = {name: float(options[name]) for name in point_map.made_for if name in options}
    stated = {name: measured[point] for name, point in point_map.rated_by.items() if point in measured}
    return point_map.largest | stated | named


def fitted(point_map: PointMap, said: Said) -> PointMap:
    """The map with the ranges of a device of these sizes."""
    found = factors(point_map, said)
    return _grown(point_map, frozenset(found.items())) if found else point_map


@once_per_map
def _grown(point_map: PointMap, found: frozenset[tuple[str, float]]) -> PointMap:
    return point_map.with_points(grown(p, dict(found)) for p in point_map.points)


def factors(point_map: PointMap, said: Said) -> dict[str, float]:
    """How many times larger the device is than what the map was made for; what is not larger is left out."""
    return {name: size / point_map.made_for[name] for name, size in said.items() if size > point_map.made_for[name]}


def grown(point: Point, factors: Said) -> Point:
    """The point with its range as many times wider as what it grows with is larger."""
    factor = max((factors.get(name, 1.0) for name in point.grows), default=1.0)
    if factor <= 1.0 or point.range is None:
        return point
    low, high = point.range
    return point.model_copy(update={"range": (low * factor, high * factor)})


def installed(point_map: PointMap, options: Mapping[str, float | str | bool]) -> PointMap:
    """The map of one device of a site: the points it has there, counters at the scale the site file says.

    Raises:
        ValueError: see `counting`.
    """
    return counting(named(point_map, options), options)


def named(point_map: PointMap, options: Mapping[str, float | str | bool]) -> PointMap:
    """The map with the places that the site file names; what has none afterwards, the device has not got."""
    if not PROTOCOLS[point_map.protocol].may_lack_place:
        return point_map
    return _named(point_map, frozenset((p.name, str(options[p.name])) for p in point_map.points if p.name in options))


@once_per_map
def _named(point_map: PointMap, places: frozenset[tuple[str, str]]) -> PointMap:
    by_name = dict(places)
    found = [p.model_copy(update={"path": by_name.get(p.name, p.path)}) for p in point_map.points]
    return point_map.with_points(p for p in found if p.path)


def counting(point_map: PointMap, options: Mapping[str, float | str | bool]) -> PointMap:
    """The map with energy counters at the scale the site file says.

    Raises:
        ValueError: a scale that is no positive number.
    """
    scale = options.get(COUNTER_SCALE, 1.0)
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale <= 1e6:
        raise ValueError(
            f"option {COUNTER_SCALE}: {scale!r} is no positive number; 10 where counters are ten times low"
        )
    return point_map if scale == 1 else _counting(point_map, scale)


@once_per_map
def _counting(point_map: PointMap, scale: float) -> PointMap:
    own = (p.model_copy(update={"scale": p.scale * scale}) if p.unit in COUNTED else p for p in point_map.points)
    return point_map.with_points(own)
