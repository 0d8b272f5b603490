"""What a device says of its points in a document of JSON, whatever transport brought it. Pure.

What is peculiar to a vendor's documents is a `Dialect`; plain JSON needs none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.points.samples import Sample

SHOWN = 60
"""Characters of an unexpected answer that a reason repeats."""


def json_document(body: bytes) -> Any:
    """The JSON of an answer.

    Raises:
        DeviceFault: it is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise DeviceFault(Quality.GARBAGE, f"not JSON: {body[:SHOWN]!r}") from None


def json_number(point: Point, value: Any) -> float | None:
    """Site value of a JSON number, of true and false as 1 and 0, or of a word that the point knows.

    Raises:
        DeviceFault: no finite number.
    """
    if isinstance(value, str) and point.words:
        said = next((raw for raw, word in point.words.items() if word.partition("&")[0] == value), None)
        if said is None and point.codes is not None:
            return None
        value = value if said is None else said
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise DeviceFault(Quality.GARBAGE, f"{point.name} is {str(value)[:SHOWN]!r}, which is no usable number")
    return codec.to_site(point, number)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of device wraps its answers (body -> document) and says numbers (what stands in the field ->
    site value, None for an unknown code); both raise `DeviceFault`."""

    document: Callable[[bytes], Any] = json_document
    number: Callable[[Point, Any], float | None] = json_number


def sample_of(document: Any, point: Point, point_map: PointMap, dialect: Dialect) -> Sample:
    """What a document says of a point. Absent is garbage, null a value the device has not got; neither is zero."""
    field = point.field or point_map.link.field or ""
    try:
        if point.true_field and found_at(document, point.true_field) is not True:
            return Sample(None, Quality.NOT_READY, f"{point.true_field} is not true: the value does not count")
        value = found_at(document, field)
        if value is None:
            return Sample(None, Quality.NOT_READY, f"{field} is null{_complaints(document, field)}")
        return Sample(*codec.judge(point, dialect.number(point, value)))
    except DeviceFault as fault:
        return Sample(None, fault.quality, fault.reason)


def found_at(document: Any, field: str) -> Any:
    """What stands at a dotted path of keys and list positions; of several with ``|`` between, the first there is.

    Raises:
        DeviceFault: nothing does.
    """
    one, _, others = field.partition("|")
    if others:
        try:
            return found_at(document, one)
        except DeviceFault:
            return found_at(document, others)
    if isinstance(document, dict) and field in document:  # most are: no path, one name
        return document[field]
    found = document
    for key in field.split("."):
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            reason = f"the answer has no {field!r}{_complaints(document, field)}; check the map, firmware and profile"
            raise DeviceFault(Quality.GARBAGE, reason)
    return found


def _complaints(document: Any, field: str) -> str:
    """What the device says itself where the field should stand: lists called `errors` or alike (Shelly)."""
    around = document
    for key in field.split(".")[:-1]:
        around = around.get(key) if isinstance(around, dict) else None
    said = {k: v for k, v in around.items() if k.endswith("errors") and v} if isinstance(around, dict) else {}
    return "".join(f", the device says {k}: {str(v)[:SHOWN]}" for k, v in said.items())
