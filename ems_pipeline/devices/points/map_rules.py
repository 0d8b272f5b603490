"""What a point map says about several points together: when values count, what is made of them, when a device rests.

`PointMap` holds these records and checks that they name points that exist.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ems_pipeline.devices.points.link import MapRecord
from ems_pipeline.devices.points.point import Address, PointName


class Ready(MapRecord):
    """The device says itself whether its values count: `point & mask == equals`."""

    point: PointName
    mask: int = 0xFFFF
    equals: int
    reason: str


class Rest(MapRecord):
    """The device says itself that it rests: while `point` is one of `values`, what it does not measure there is 0.

    A sleeping inverter shows 0x8000 for its power, which is "no value" and not a failure. What it does say counts.
    """

    point: PointName
    values: tuple[float, ...] = Field(min_length=1)
    zero: tuple[PointName, ...] = Field(min_length=1)
    reason: str


class Variant(MapRecord):
    """A hardware and firmware of the device, and the scales its points have there; a bound not given is open."""

    hardware: float | None = None
    from_version: float | None = None
    below_version: float | None = None
    scale: dict[PointName, Annotated[float, Field(gt=0)]] = Field(min_length=1)

    def holds(self, hardware: float, version: float) -> bool:
        """Whether a device of this hardware and firmware is of this variant."""
        above = self.from_version is None or version >= self.from_version
        below = self.below_version is None or version < self.below_version
        return self.hardware in (None, hardware) and above and below


class SlotList(MapRecord):
    """Registers whose content a list selects: the id in ``ids + k`` says which message stands in ``values + k``."""

    ids: Address
    values: Address
    count: int = Field(ge=1, le=64)

    @property
    def addresses(self) -> range:
        """Registers of the slots."""
        return range(self.values, self.values + self.count)


FaultWord = Literal["bits", "code"] | tuple[float, ...]
"""What of a point is a fault: any bit, any number but 0, or these values (of a `bits` point: these bits)."""


class Derived(MapRecord):
    """A canonical quantity made of points: their `sum`, the `first_good` of them in order, or the faults they name. All
    must be readable."""

    sum: tuple[PointName, ...] = ()
    first_good: tuple[PointName, ...] = ()
    told_by: dict[PointName, FaultWord] = Field(default_factory=dict)
    """Fault words of the device, see `fault_words`."""

    @model_validator(mode="after")
    def _has_one_rule(self) -> Self:
        if [bool(self.sum), bool(self.first_good), bool(self.told_by)].count(True) != 1:
            raise ValueError("give one of `sum`, `first_good` and `told_by`")
        return self

    @property
    def points(self) -> tuple[str, ...]:
        return self.sum or self.first_good or tuple(self.told_by)
