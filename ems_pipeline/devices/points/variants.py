"""One map, several firmwares: points whose scale depends on what the device says it is. Pure.

A device says a model with a hardware number in it ("VenusE 3.0"; none: 2.0) and a firmware number. What no variant of
the map speaks of has no scale, and so no value: a wrong temperature is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ems_pipeline.devices.points.map_rules import Variant
from ems_pipeline.devices.points.per_map import once_per_map
from ems_pipeline.devices.points.point_map import PointMap

HARDWARE = re.compile(r"\d+\.\d+")
FIRST_HARDWARE = 2.0
DIGITS = 1000
"""A firmware of four digits has one decimal that nobody wrote: 1476 is 147.6."""


@dataclass(frozen=True, slots=True)
class Firmware:
    """What a device says it is."""

    hardware: float
    version: float

    @classmethod
    def of(cls, model: str, version: float) -> Self:
        """From a model's name and the number of its firmware as it stands in an answer."""
        named = HARDWARE.search(model)
        return cls(float(named[0]) if named else FIRST_HARDWARE, version / 10 if version >= DIGITS else float(version))

    def __str__(self) -> str:
        return f"hardware {self.hardware:g}, firmware {self.version:g}"


def fitting(point_map: PointMap, firmware: Firmware | None) -> Variant | None:
    """The variant of the map that a firmware is of; None: it is not known, or none speaks of it."""
    found = (v for v in point_map.variants if firmware is not None and v.holds(firmware.hardware, firmware.version))
    return next(found, None)


def varying(point_map: PointMap) -> frozenset[str]:
    """Points whose scale some variant gives."""
    return _varying(point_map)


@once_per_map
def _varying(point_map: PointMap) -> frozenset[str]:
    return frozenset(_names(point_map.variants))


def _names(variants: Iterable[Variant]) -> Iterable[str]:
    return (name for variant in variants for name in variant.scale)


def as_variant(point_map: PointMap, variant: Variant) -> PointMap:
    """The map with the scales of a variant."""
    return _scaled(point_map, tuple(variant.scale.items()))


@once_per_map
def _scaled(point_map: PointMap, scales: tuple[tuple[str, float], ...]) -> PointMap:
    own = dict(scales)
    return point_map.with_points(
        p.model_copy(update={"scale": own[p.name]}) if p.name in own else p for p in point_map.points
    )
