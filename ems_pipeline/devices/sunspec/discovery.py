"""Where a SunSpec device keeps its models: found by walking the chain of model headers, never assumed.

SunSpec Device Information Model Specification: the marker "SunS" at a base address, then models one behind the other
(id, length, data) up to the id 0xFFFF. Firmware decides which models there are and in which order; the length the
device states leads to the next one, whatever the model's own says. Pure but for the reading that a caller hands in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.point import Point, point_type
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.points.sunspec_models import point_of

BASES = (40000, 0, 50000)
MARKER = (0x5375, 0x6E53)
"""'SunS'."""
END = 0xFFFF
MOST_MODELS = 100
"""A longer chain is none: real devices have a dozen models."""
REGISTERS = 0x10000
Read = Callable[[int, int], Awaitable[Sequence[int]]]
"""First register and count -> words; raises `DeviceFault`."""


@dataclass(frozen=True, slots=True)
class FoundModel:
    """One model of a device: register of its id, and its length as the device states it (id and length left out)."""

    id: int
    at: int
    length: int


async def discover(read: Read, bases: Sequence[int] = BASES) -> tuple[FoundModel, ...]:
    """The models of a device in its own order.

    Raises:
        DeviceFault: no answer, or no SunSpec device at any of ``bases``.
    """
    for base in bases:
        try:
            words = await read(base, len(MARKER))
        except DeviceFault as fault:
            if fault.quality is Quality.NO_ANSWER:
                raise
            continue
        if tuple(words) == MARKER:
            return await _chain(read, base + len(MARKER))
    asked = ", ".join(map(str, bases))
    reason = (
        f"no SunSpec marker at {asked}; enable SunSpec in the device's menu, or name its base in option base_address"
    )
    raise DeviceFault(Quality.REFUSED, reason)


async def _chain(read: Read, at: int) -> tuple[FoundModel, ...]:
    found: list[FoundModel] = []
    while len(found) < MOST_MODELS and at + 2 <= REGISTERS:
        try:
            model, length = await read(at, 2)
        except DeviceFault as fault:
            if not fault.illegal_address:
                raise
            break  # some devices end with the id alone, or with nothing at all
        if model == END:
            break
        if model == 0:
            raise DeviceFault(Quality.GARBAGE, f"the chain of SunSpec models leads to register {at}, where none is")
        found.append(FoundModel(model, at, length))
        at += 2 + length
    else:
        raise DeviceFault(Quality.GARBAGE, f"the chain of SunSpec models has no end within {len(found)} models")
    return tuple(found)


def placed(point: Point, found: Sequence[FoundModel]) -> Point | str:
    """The point with its registers on this device; a text says why it has none."""
    for wanted in point.model:
        models = [f for f in found if f.id == wanted]
        if len(models) >= point.index:
            return _placed(point, models[point.index - 1])
    number = f" no. {point.index}" if point.index > 1 else ""
    there = ", ".join(str(f.id) for f in found) or "none"
    return f"the device has no SunSpec model {' or '.join(map(str, point.model))}{number}; it has {there}"


def _placed(point: Point, model: FoundModel) -> Point | str:
    place = point_of(model.id, point.point or "")
    exponent_offset = place.exponent_offset
    ends = [place.offset + place.format.words, *([exponent_offset + 1] if exponent_offset is not None else [])]
    if max(ends) > model.length + 2:
        return f"model {model.id} of this device ends after {model.length} registers, before {point.point}"
    return point.model_copy(
        update={
            "model": (),
            "point": None,
            "address": model.at + place.offset,
            "exponent_address": None if exponent_offset is None else model.at + exponent_offset,
            "type": point_type(place.format, point.codes),
            "length": place.format.words,
            "invalid": () if place.format.nothing is None else (place.format.nothing,),
        }
    )
