"""What is worked out from a point map is worked out once for each map, and forgotten with it: beside the map, which is
data and stays as it was read."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import TypeVar, TypeVarTuple
from weakref import ref

from ems_pipeline.devices.points.point_map import PointMap

Further = TypeVarTuple("Further")
Made = TypeVar("Made")


def once_per_map(make: Callable[[PointMap, *Further], Made]) -> Callable[[PointMap, *Further], Made]:
    """As `functools.cache`, for a function of a map and of further arguments, which are hashable.

    Maps are told apart by which they are, not by what they say: the same file is read once, and to compare two costs
    more than most of what is kept here.
    """
    kept: dict[int, tuple[ref[PointMap], dict[Hashable, Made]]] = {}

    @wraps(make)
    def known(point_map: PointMap, /, *further: *Further) -> Made:
        number = id(point_map)
        try:
            return kept[number][1][further]
        except KeyError:
            made = make(point_map, *further)
        if number not in kept:
            kept[number] = ref(point_map, lambda _: kept.pop(number)), {}
        kept[number][1][further] = made
        return made

    return known
