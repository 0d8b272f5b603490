"""One series without axes, as wide as a word: is it rising, and where is it now?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from ems_pipeline.pictures.palette import series_colour
from ems_pipeline.pictures.paths import Reach, Values, line_path, runs
from ems_pipeline.pictures.scale import known, scale
from ems_pipeline.pictures.svg import area, group, line, picture, short

WIDTH, HEIGHT, MARGIN, DOT = 120.0, 28.0, 4.0, 2.5


@dataclass(frozen=True)
class Sparkline:
    """Values at equal distances; None is a gap. ``colour`` is a name of the palette."""

    values: Values
    title: str
    colour: str
    summary: str = ""


def sparkline(shown: Sparkline) -> Markup:
    """The line as SVG, 120 x 28; without any value a dashed one."""
    colour = series_colour(shown.colour, 0)
    values = known(shown.values)
    if not values:
        nothing = line(f"M{short(MARGIN)} {short(HEIGHT / 2)}H{short(WIDTH - MARGIN)}", stroke_dasharray="3 4")
        return picture(WIDTH, HEIGHT, 11, shown.title, shown.summary, group("muted", nothing))
    axis = scale(values, MARGIN, HEIGHT - MARGIN, 1, zero=False, bounds=(min(values), max(values)))
    step = (WIDTH - 2 * MARGIN) / len(shown.values)
    edges = [round(10 * (MARGIN + i * step)) for i in range(len(shown.values) + 1)]
    slots = [Reach(left, right) for left, right in pairwise(edges)]
    _, right, last = list(runs(slots, shown.values, axis))[-1][-1]
    x, y = short(right / 10 - DOT), short(last / 10)
    dot = area(f"M{x} {y}a{DOT} {DOT} 0 1 0 {2 * DOT} 0a{DOT} {DOT} 0 1 0-{2 * DOT} 0z")
    drawn = line(line_path(slots, shown.values, axis), 1.5, stroke_linejoin="round")
    return picture(WIDTH, HEIGHT, 11, shown.title, shown.summary, group(colour, drawn, dot))
