"""Figures with their intervals, a row each, over one axis: what is sure lies clear of zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ems_pipeline.pictures.scale import scale
from ems_pipeline.pictures.slot_chart import WIDE, Form
from ems_pipeline.pictures.svg import area, fitted, group, line, picture, short, text
from ems_pipeline.pictures.words import ENGLISH, Words

MOST_TICKS, LABEL_FONTS = 6, 5.0
"""Labels of the axis at most, and what one needs, in heights of the font."""
DOT_PX = 3.5


@dataclass(frozen=True)
class Whisker:
    """A figure and between what it lies."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Whiskers:
    """Rows in the order they are drawn, all in ``unit``."""

    rows: Sequence[Whisker]
    unit: str
    title: str
    summary: str = ""
    form: Form = WIDE
    words: Words = ENGLISH


def whiskers(shown: Whiskers) -> Markup:
    """The rows as SVG: a dot on its line, green where all of it is above zero, red where all is below.

    Raises:
        ValueError: there are no rows.
    """
    if not shown.rows:
        raise ValueError("intervals of nothing; draw none")
    form, font = shown.form, shown.form.font
    step, names = font * 2.0, form.width * 0.4
    bottom = step * len(shown.rows)
    reach = [end for row in shown.rows for end in (row.low, row.high)]
    # The axis lies: a scale grows towards its first pixel, here to the right.
    first, last = names + font, form.width - font * 2
    axis = scale(reach, last, first, min(MOST_TICKS, int((last - first) / (LABEL_FONTS * font))), zero=True)
    assert axis is not None
    rules = "".join(f"M{short(axis.y(tick))} 0V{short(bottom)}" for tick in axis.ticks)
    inside = [group("rule", line(rules)), group("muted", line(f"M{short(axis.y(0.0))} 0V{short(bottom)}"))]
    for place, row in enumerate(shown.rows):
        inside += _row(row, axis.y(row.low), axis.y(row.value), axis.y(row.high), step * (place + 0.6), font, names)
    numbers = [text(axis.y(tick), bottom + font + 4, shown.words.number(tick, axis.decimals)) for tick in axis.ticks]
    inside.append(group("muted", *numbers, text(0, bottom + font + 4, shown.unit, text_anchor="start"),
                        text_anchor="middle"))  # fmt: skip
    return picture(form.width, bottom + font * 2 + 4, font, shown.title, shown.summary, *inside)


def _row(row: Whisker, low: float, at: float, high: float, y: float, font: float, names: float) -> list[Markup]:
    colour = "earned" if row.low > 0 else "cost" if row.high < 0 else "planned"
    r = DOT_PX
    dot = f"M{short(at - r)} {short(y)}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 -{2 * r} 0z"
    return [
        text(0, y + font * 0.35, fitted(row.name, names, font)),
        group(colour, line(f"M{short(low)} {short(y)}H{short(high)}", 2.0), area(dot)),
    ]
