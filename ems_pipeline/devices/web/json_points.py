"""Points in a JSON document: what is a usable number there, whatever transport brought it. Pure."""

from __future__ import annotations

import json
import math
from typing import Any

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality

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
    """Site value of a JSON number, or of true and false as 1 and 0.

    Raises:
        DeviceFault: no finite number.
    """
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise DeviceFault(Quality.GARBAGE, f"{point.name} is {str(value)[:SHOWN]!r}, which is no usable number")
    return codec.to_site(point, number)
