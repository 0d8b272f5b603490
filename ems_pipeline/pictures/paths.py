"""Series as short paths: relative moves, equal values merged, and a gap wherever a value is not known.

Places are whole tenths of a pixel, so that moves are exact and nothing adds up over a long line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from ems_pipeline.pictures.scale import Scale
from ems_pipeline.pictures.svg import short

Values = Sequence[float | None]
Point = tuple[int, int]


class Reach(NamedTuple):
    """Where a slot begins and ends, in tenths of a pixel."""

    left: int
    right: int


class Drawn(NamedTuple):
    """A slot with the place of its value."""

    left: int
    right: int
    y: int


def runs(reaches: Sequence[Reach], values: Values, scale: Scale) -> Iterator[list[Drawn]]:
    """Stretches of slots that touch and whose values are known."""
    run: list[Drawn] = []
    for (left, right), value in zip(reaches, values, strict=True):
        is_known = value is not None and math.isfinite(value)
        if run and (not is_known or left != run[-1].right):
            yield run
            run = []
        if is_known:
            run.append(Drawn(left, right, scale.tenths(value)))  # type: ignore[arg-type]
    if run:
        yield run


def step_path(reaches: Sequence[Reach], values: Values, scale: Scale) -> str:
    """Each value from the begin of its slot to its end."""
    return "".join(_through([_first(run), *_corners(run)]) for run in runs(reaches, values, scale))


def line_path(reaches: Sequence[Reach], values: Values, scale: Scale) -> str:
    """Values as they are at the end of their slots, joined; one alone is drawn as long as its slot."""
    parts = []
    for run in runs(reaches, values, scale):
        points = [(one.right, one.y) for one in run]
        parts.append(_through(points if len(run) > 1 else [_first(run), *points]))
    return "".join(parts)


def band_path(reaches: Sequence[Reach], low: Values, high: Values, scale: Scale) -> str:
    """The area between two series of steps; a slot without either is a gap."""
    both = [None not in pair and all(map(math.isfinite, pair)) for pair in zip(low, high, strict=True)]  # type: ignore[arg-type]
    lower, upper = ([v if is_known else None for v, is_known in zip(side, both, strict=True)] for side in (low, high))
    return "".join(
        _through([_first(above), *_corners(above), *reversed(_corners(below)), _first(below)]) + "z"
        for below, above in zip(runs(reaches, lower, scale), runs(reaches, upper, scale), strict=True)
    )


def _first(run: list[Drawn]) -> Point:
    return run[0].left, run[0].y


def _corners(run: list[Drawn]) -> list[Point]:
    """Where the steps of a run turn, without its first point."""
    return [point for one in run for point in ((one.left, one.y), (one.right, one.y))][1:]


def _through(points: list[Point]) -> str:
    """From the first point through the others; moves of one direction after each other become one."""
    x, y = points[0]
    parts, dx, dy = [f"M{_short(x)} {_short(y)}"], 0, 0
    for to_x, to_y in points[1:]:
        next_dx, next_dy = to_x - x, to_y - y
        x, y = to_x, to_y
        if dx * next_dy == dy * next_dx and dx * next_dx + dy * next_dy >= 0:
            dx, dy = dx + next_dx, dy + next_dy
        else:
            parts.append(_move(dx, dy))
            dx, dy = next_dx, next_dy
    parts.append(_move(dx, dy))
    return "".join(parts)


def _move(dx: int, dy: int) -> str:
    if not dy:
        return f"h{_short(dx)}" if dx else ""
    return f"l{_short(dx)}{'' if dy < 0 else ' '}{_short(dy)}" if dx else f"v{_short(dy)}"


@lru_cache(maxsize=8192)
def _short(tenths: int) -> str:
    return short(tenths / 10)
