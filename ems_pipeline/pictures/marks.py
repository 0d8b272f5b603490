"""Instants that are marked over all panels: the present one, a change of the clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from ems_pipeline.pictures.svg import group, line, short, text, text_width


class Mark(NamedTuple):
    """Where it stands, what is written above it, and how its line is drawn."""

    x: float
    label: str
    colour: str
    dashes: str | None = None


def draw_marks(
    marks: Sequence[Mark], stretches: Sequence[tuple[float, float]], left: float, right: float, font: float
) -> Iterator[Markup]:
    """Lines through the panels' stretches, labelled above the first, where no number of the axis stands.

    Where two labels would meet, the first stays.
    """
    taken: list[tuple[float, float]] = []
    for mark in marks:
        half = text_width(mark.label, font) / 2
        middle = min(max(mark.x, left + half), right - half)
        through = "".join(f"M{short(mark.x)} {short(top)}V{short(bottom)}" for top, bottom in stretches)
        label = ""
        if all(abs(middle - other) > half + wide + 6 for other, wide in taken):
            taken.append((middle, half))
            label = text(middle, stretches[0][0] - 4, mark.label, text_anchor="middle")
        yield group(mark.colour, line(through, 1.2, stroke_dasharray=mark.dashes), label)
