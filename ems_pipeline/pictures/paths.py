"""Series as short paths: relative moves, equal values merged, and a gap wherever a value is not known.

Places are whole tenths of a pixel, so that moves are exact and nothing adds up over a long line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ems_pipeline.pictures.scale import Scale
from ems_pipeline.pictures.svg import short

Values = Sequence[float | None]
Point = tuple[int, int]


class Reach(NamedTuple):
    """Where a slot begins and ends, in tenths of a pixel."""

    left: int
    right: int


Drawn = tuple[int, int, int]
"""A slot from left to right with the place of its value: a plain one, as a picture makes a thousand."""


def runs(reaches: Sequence[Reach], values: Values, scale: Scale) -> Iterator[list[Drawn]]:
    """Stretches of slots that touch and whose values are known."""
    at = scale.places(values)
    if None not in at and all(right == left for (_, right), (left, _) in pairwise(reaches)):
        yield [(left, right, y) for (left, right), y in zip(reaches, at, strict=True)]  # type: ignore[misc]
        return  # as nearly every series of a plan
    run: list[Drawn] = []
    for (left, right), y in zip(reaches, at, strict=True):
        if run and (y is None or left != run[-1][1]):
            yield run
            run = []
        if y is not None:
            run.append((left, right, y))
    if run:
        yield run


def step_path(reaches: Sequence[Reach], values: Values, scale: Scale) -> str:
    """Each value from the begin of its slot to its end."""
    return "".join([f"{_begin(run)}{_steps(run)}" for run in runs(reaches, values, scale)])


def line_path(reaches: Sequence[Reach], values: Values, scale: Scale) -> str:
    """Values as they are at the end of their slots, joined; one alone is drawn as long as its slot."""
    parts = []
    for run in runs(reaches, values, scale):
        points = [(right, y) for _, right, y in run]
        parts.append(_through(points if len(run) > 1 else [(run[0][0], run[0][2]), *points]))
    return "".join(parts)


def band_path(reaches: Sequence[Reach], low: Values, high: Values, scale: Scale) -> str:
    """The area between two series of steps; a slot without either is a gap."""
    both = [None not in pair and all(map(math.isfinite, pair)) for pair in zip(low, high, strict=True)]  # type: ignore[arg-type]
    lower, upper = ([v if is_known else None for v, is_known in zip(side, both, strict=True)] for side in (low, high))
    return "".join(
        f"{_begin(above)}{_steps(above)}{_back(above[-1], below)}z"
        for below, above in zip(runs(reaches, lower, scale), runs(reaches, upper, scale), strict=True)
    )


def _begin(run: list[Drawn]) -> str:
    left, _, y = run[0]
    return f"M{_short(left)} {_short(y)}"


def _steps(run: list[Drawn]) -> str:
    """The steps of a run from its first corner to its last; equal values after each other are one."""
    parts, (begin, end, at) = list[str](), run[0]
    for _, right, y in run:
        if y != at:
            parts.append(f"h{_short(end - begin)}v{_short(y - at)}")
            begin, at = end, y
        end = right
    return f"{''.join(parts)}h{_short(end - begin)}"


def _back(last: Drawn, run: list[Drawn]) -> str:
    """From the end of another run down or up to this one's, and along it to its begin."""
    mirrored = [(right, left, y) for left, right, y in reversed(run)]
    first = mirrored[0][2] - last[2]
    return f"{f'v{_short(first)}' if first else ''}{_steps(mirrored)}"


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
