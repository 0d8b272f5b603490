"""A point map for people: what it measures, what may be written, what happens in silence, what nobody has verified.

`docs/devices.md` holds this text for every shipped map, and a test compares the two; `ems device map show` prints it
for any map.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ems_pipeline.devices.points.place import BITS
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.sites.protocol import PROTOCOLS


def described(point_map: PointMap) -> str:
    """The section of a map, in Markdown."""
    return "\n".join([f"### {point_map.map}", "", *_head(point_map), "", *_said(point_map), "", *_told(point_map)])


def _head(point_map: PointMap) -> Iterator[str]:
    link = point_map.link
    wire = PROTOCOLS[point_map.protocol].words.format(link=link, asked=_asked(point_map)) + (
        f", serial {link.serial}" if link.serial else ""
    )
    yield f"{point_map.title}; driver `{point_map.driver}`; {wire}."


def _asked(point_map: PointMap) -> str:
    """By which functions of Modbus, and for how much at once."""
    link, readable = point_map.link, [p for p in point_map.points if p.readable]
    functions = sorted({BITS.get(p.table, link.read_function) for p in readable})
    kinds = sorted({"bits" if p.is_bit else "registers" for p in readable}, reverse=True)
    which = f"function{'s' if len(functions) > 1 else ''} {', '.join(map(str, functions))}"
    return f"{which}, {link.max_read} {' or '.join(kinds)}"


def _said(point_map: PointMap) -> Iterator[str]:
    readable = [p for p in point_map.points if p.readable]
    quantities = [p.quantity for p in readable if p.quantity] + list(point_map.derived)
    yield f"- **Measured**: {names(quantities) or 'nothing the planner knows by name'}"
    others = [p for p in readable if not p.quantity and not p.writable]
    for group, text in (("live", "every minute"), ("slow", "every quarter-hour"), ("setting", "settings, read only")):
        if found := names(p.name for p in others if p.group == group):
            yield f"- **Also, {text}**: {found}"
    if identity := names(p.name for p in others if p.group == "identity"):
        yield f"- **Identity**: {identity}"
    if optional := names(p.name for p in point_map.points if p.optional):
        yield f"- **Not all models have**: {optional}"
    if point_map.made_for:
        sizes = ", ".join(f"`{name}` {size:g}" for name, size in point_map.made_for.items())
        yield f"- **Ranges are for**: {sizes}; they grow with what the device or the site file states"
    yield f"- **When nobody talks to it**: {point_map.silence}"
    yield f"- **Unverified**: {names(p.name for p in point_map.points if not p.verified) or 'nothing'}"
    yield f"- **Sources**: {'; '.join(point_map.sources)}"


def _told(point_map: PointMap) -> Iterator[str]:
    writable = [p for p in point_map.points if p.writable]
    if not writable:
        yield "Nothing may be written."
        return
    yield "| may be written | allowed | site's limit | writes a day | settles | note |"
    yield "|---|---|---|---|---|---|"
    rows: dict[tuple[str, ...], list[str]] = {}
    for point in writable:
        rows.setdefault(_row(point), []).append(point.name)
    for row, points in rows.items():
        yield f"| {names(points)} | {' | '.join(row)} |"


def _row(point: Point) -> tuple[str, ...]:
    if point.codes is not None:
        allowed = ", ".join(f"{code:g}{_label(point, code)}" for code in point.codes.values())
    else:
        low, high = point.range or (float("-inf"), float("inf"))
        lowest = f"{low:g}" if point.min_nonzero is None else f"0 or {point.min_nonzero:g}"
        allowed = f"{lowest} to {high:g} {point.unit}".rstrip()
    per = f" / `{point.site_per}`" if point.site_per else ""
    limits = [f"at most `{point.site_most}`{per}"] if point.site_most else []
    limits += [f"at least `{point.site_least}`{per}"] if point.site_least else []
    budget = "" if point.writes_per_day is None else str(point.writes_per_day)
    note = re.sub(r"\|", "/", "; ".join(t for t in (point.note, "" if point.verified else "unverified") if t))
    return allowed, ", ".join(limits), budget, f"{point.settle_s:g} s", note


def _label(point: Point, code: float) -> str:
    label = point.labels.get(int(code))
    return f" ({label})" if label else ""


def names(found: Iterable[str]) -> str:
    """Names in their order, runs that differ in their numbers only as first and last."""
    groups: dict[str, list[str]] = {}
    for name in found:
        groups.setdefault(re.sub(r"\d+", "#", name), []).append(name)
    runs = (
        f"`{run[0]}` to `{run[-1]}`" if len(run) > 2 else ", ".join(f"`{n}`" for n in run) for run in groups.values()
    )
    return ", ".join(runs)
