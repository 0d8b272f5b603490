"""What a site file may say about one device beside its map: the `options` of a device, each with the values it takes.

Drivers take them as they stand, so what is no such value is refused where the site file is read. Add an option here and
where it is used.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping

from ems_pipeline.devices.point import SITE_LIMITS
from ems_pipeline.devices.point_map import PointMap

NUMBERS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(SITE_LIMITS, (0.0, 1e7)),
    "gap_s": (0.0, 2.0),
    "counter_scale": (1e-6, 1e6),
    "rated_power_w": (100.0, 1e7),
    "connection_w": (100.0, 1e8),
    "ct_ratio": (1.0, 1e5),
    "flow_temp_c": (15.0, 80.0),
    "frost_c": (-40.0, 30.0),
}
"""Numbers by name, lowest and highest."""
WHOLE: Mapping[str, tuple[int, int]] = {"base_address": (0, 65_535), "phases": (1, 3), "limit_control": (0, 2)}
SWITCHES = frozenset({"frequency_control"})


def faults(point_map: PointMap, options: Mapping[str, float | str | bool]) -> Iterator[str]:
    """What is wrong with the options of a device with this map, each with its remedy."""
    paths = point_map.by_name.keys() if point_map.protocol == "http" else frozenset[str]()
    for name, value in options.items():
        if name in NUMBERS or name in WHOLE:
            yield from _number(name, value)
        elif name in SWITCHES:
            yield from [] if isinstance(value, bool) else [f"option {name}: {value!r} is neither true nor false"]
        elif name in paths:
            yield from [] if isinstance(value, str) else [f"option {name}: {value!r} is no path; put it into quotes"]
        else:
            known = [*NUMBERS, *WHOLE, *SWITCHES, *paths]
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            yield f"option {name!r} is unknown to map {point_map.map}; {hint}"


def _number(name: str, value: float | str | bool) -> Iterator[str]:
    low, high = NUMBERS.get(name) or WHOLE[name]
    is_number = not isinstance(value, bool | str) and math.isfinite(value)
    if not is_number or not low <= float(value) <= high or (name in WHOLE and float(value) % 1):
        kind = "whole number" if name in WHOLE else "number"
        yield f"option {name}: {value!r} is no {kind} from {low:g} to {high:g}; write one, without unit or quotes"
