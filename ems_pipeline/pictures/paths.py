"""Series as short paths: relative moves, equal values merged, and a gap wherever a value is not known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ems_pipeline.pictures.scale import Scale
from ems_pipeline.pictures.svg import short

Values = Sequence[float | None]


class Reach(NamedTuple):
    """Where a slot begins and ends, in pixels."""

    left: float
    right: float


class Drawn(NamedTuple):
    """A slot with the pixel of its value."""

    reach: Reach
    y: float


def runs(reaches: Sequence[Reach], values: Values, scale: Scale) -> Iterator[list[Drawn]]:
    """Stretches of slots that touch and whose values are known."""
    run: list[Drawn] = []
    for reach, value in zip(reaches, values, strict=True):
        is_known = value is not None and math.isfinite(value)
        if run and (not is_known or reach.left != run[-1].reach.right):
            yield run
            run = []
        if is_known:
            run.append(Drawn(reach, scale.y(value)))  # type: ignore[arg-type]
    if run:
        yield run


def step_path(reaches: Sequence[Reach], values: Values, scale: Scale) -> str:
    """Each value from the begin of its slot to its end."""
    return "".join(_begin(run) + _along(_corners(run), *_first(run)) for run in runs(reaches, values, scale))


def line_path(reaches: Sequence[Reach], values: Values, scale: Scale) -> str:
    """Values as they are at the end of their slots, joined; one alone is drawn as long as its slot."""
    parts = []
    for run in runs(reaches, values, scale):
        if len(run) == 1:
            parts.append(_begin(run) + _along([(run[0].reach.right, run[0].y)], *_first(run)))
        else:
            points = [(one.reach.right, one.y) for one in run]
            parts.append(f"M{short(points[0][0])} {short(points[0][1])}" + _along(points[1:], *points[0]))
    return "".join(parts)


def band_path(reaches: Sequence[Reach], low: Values, high: Values, scale: Scale) -> str:
    """The area between two series of steps; a slot without either is a gap."""
    both = [None if a is None or b is None else a for a, b in zip(low, high, strict=True)]
    upper = [None if a is None or b is None else b for a, b in zip(low, high, strict=True)]
    parts = []
    for below, above in zip(runs(reaches, both, scale), runs(reaches, upper, scale), strict=True):
        there, back = _corners(above), [_first(below), *_corners(below)][::-1]
        parts.append(_begin(above) + _along([*there, *back], *_first(above)) + "z")
    return "".join(parts)


def _first(run: list[Drawn]) -> tuple[float, float]:
    return run[0].reach.left, run[0].y


def _begin(run: list[Drawn]) -> str:
    x, y = _first(run)
    return f"M{short(x)} {short(y)}"


def _corners(run: list[Drawn]) -> list[tuple[float, float]]:
    """Where the steps of a run turn, without its first point."""
    points: list[tuple[float, float]] = []
    for one in run:
        points += [(one.reach.left, one.y), (one.reach.right, one.y)]
    return points[1:]


def _along(points: list[tuple[float, float]], x: float, y: float) -> str:
    """Relative moves from (x, y) along points; equal moves after each other become one.

    Reckoned between rounded places, so that nothing adds up over a long line.
    """
    moves: list[tuple[float, float]] = []
    for to_x, to_y in points:
        move = (round(to_x - x, 1), round(to_y - y, 1))
        x, y = to_x, to_y
        if move == (0, 0):
            continue
        if moves and _same_way(moves[-1], move):
            move = (round(moves[-1][0] + move[0], 1), round(moves[-1][1] + move[1], 1))
            moves.pop()
        moves.append(move)
    return "".join(map(_move, moves))


def _same_way(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] * other[1] == one[1] * other[0] and one[0] * other[0] >= 0 and one[1] * other[1] >= 0


def _move(move: tuple[float, float]) -> str:
    dx, dy = move
    if not dy:
        return f"h{short(dx)}"
    if not dx:
        return f"v{short(dy)}"
    return f"l{short(dx)}{'' if dy < 0 else ' '}{short(dy)}"
