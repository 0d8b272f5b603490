"""Money of days as bars: what was earned hangs below zero, a day nobody can reckon is an empty frame and no bar."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from ems_pipeline.pictures.legend import legend
from ems_pipeline.pictures.panel import Panel, Series
from ems_pipeline.pictures.paths import Values
from ems_pipeline.pictures.plotted import tick_labels
from ems_pipeline.pictures.scale import Scale
from ems_pipeline.pictures.slot_chart import WIDE, Form
from ems_pipeline.pictures.svg import area, group, line, picture, short, tag, text, text_width
from ems_pipeline.pictures.words import ENGLISH, UNKNOWN, Words

UNKNOWN_PX = 16.0
SHARE = 0.72
"""Of a day's width that its bars take."""


@dataclass(frozen=True)
class Bars:
    """A value a day of each of ``named``, in ``unit``; None is unknown."""

    days: Sequence[date]
    named: Mapping[str, Values]
    label: str
    unit: str
    title: str
    summary: str = ""
    form: Form = WIDE
    words: Words = ENGLISH


def bars(shown: Bars) -> Markup:
    """The bars as SVG, those of a day beside each other.

    Raises:
        ValueError: a series has more or fewer values than there are days.
    """
    form, font, words = shown.form, shown.form.font, shown.words
    panel = Panel(shown.label, shown.unit, [Series(name, values) for name, values in shown.named.items()])
    labels = tick_labels(panel, words)
    left = max([form.left, *(math.ceil(text_width(label, font)) + 10.0 for label in labels)])
    head = legend(panel, left, form.right, font)
    top, bottom = head.height, head.height + form.panel_height * 1.5
    inside = list(head.draw(0.0))
    scale = panel.scale(top, bottom)
    zero = bottom if scale is None else scale.y(0.0)
    if scale is not None:
        inside.append(_rules(scale, labels, left, form.right, font))
    series, _ = panel.coloured
    room = (form.right - left) / max(1, len(shown.days))
    wide = room * SHARE / max(1, len(series))
    for place, one in enumerate(series):
        first = left + room * (1 - SHARE) / 2 + place * wide
        places = [(round(first + i * room, 1), value) for i, value in enumerate(one.values)]
        inside += _series(one.colour, places, wide, scale, zero, font)
    inside.append(group("muted", line(f"M{short(left)} {short(zero)}H{short(form.right)}")))
    inside.append(_days(shown, left, room, bottom + font + 6))
    return picture(form.width, bottom + font * 2 + 2, font, shown.title, shown.summary, *inside)


def _rules(scale: Scale, labels: list[str], left: float, right: float, font: float) -> Markup:
    at = [scale.y(tick) for tick in scale.ticks]
    rules = "".join(f"M{short(left)} {short(y)}H{short(right)}" for y in at)
    numbers = [text(left - 6, y + font * 0.35, label) for label, y in zip(labels, at, strict=True)]
    return group("rule", line(rules)) + group("muted", *numbers, text_anchor="end")


def _series(
    colour: str, places: list[tuple[float, float | None]], wide: float, scale: Scale | None, zero: float, font: float
) -> Iterator[Markup]:
    across = short(max(wide - 1, 1.0))
    known = [(x, scale.y(v)) for x, v in places if v is not None and math.isfinite(v) and scale is not None]
    yield group(colour, area("".join(f"M{short(x)} {short(zero)}h{across}V{short(y)}h-{across}z" for x, y in known)))
    absent = [x for x, v in places if v is None or not math.isfinite(v)]
    frames = "".join(f"M{short(x)} {short(zero)}h{across}v-{UNKNOWN_PX:g}h-{across}z" for x in absent)
    dashes = [text(x + wide / 2, zero - UNKNOWN_PX / 2 + font * 0.3, UNKNOWN) for x in absent if wide > font]
    yield group("muted", line(frames, stroke_dasharray="2 2"), *dashes, text_anchor="middle")


def _days(shown: Bars, left: float, room: float, base: float) -> Markup:
    """Names of as many days as there is room for, evenly."""
    named = [shown.words.day(day) for day in shown.days]
    widest = max((text_width(name, shown.form.font) for name in named), default=0.0) + shown.form.font
    every = max(1, math.ceil(widest / room))
    drawn = [
        text(min(left + room * (i + 0.5), shown.form.width - widest / 2 + 4), base, name)
        for i, name in enumerate(named)
        if i % every == 0
    ]
    return tag("g", *drawn, text_anchor="middle")
