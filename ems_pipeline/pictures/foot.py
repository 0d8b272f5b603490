"""Below the panels: the hours of the wall clock, and the civil days they are of."""

from __future__ import annotations

import math
from collections.abc import Iterator

from markupsafe import Markup

from ems_pipeline.pictures.svg import group, tag, text, text_width
from ems_pipeline.pictures.time_axis import MOST_DAYS_WITH_LINES, DayTick, TimeAxis
from ems_pipeline.pictures.words import Words


def below(axis: TimeAxis, bottom: float, font: float, words: Words) -> Iterator[Markup]:
    """Hours, and days below them, each day over what is shown of it; days alone where many are shown."""
    hours = axis.hours(font)
    shown = [text(tick.x, bottom + font + 4, tick.label) for tick in hours if _fits(tick.x, axis)]
    yield group("muted", *shown, text_anchor="middle")
    base = bottom + (font * 2 + 8 if hours else font + 4)
    yield tag("g", *_days(axis, base, font, words), text_anchor="middle")


def _fits(x: float, axis: TimeAxis) -> bool:
    """An hour at the end of the axis would be that of the first slot that is not shown."""
    return x < axis.right - 1


def _days(axis: TimeAxis, base: float, font: float, words: Words) -> Iterator[Markup]:
    days = list(axis.days())
    widest = max(text_width(words.day(one.day), font) for one in days) + font
    room = (axis.right - axis.left) / len(days)
    if len(days) > MOST_DAYS_WITH_LINES:
        days = [one for one in days if one.day.day == 1]
        room = (axis.right - axis.left) / max(1, len(days))
    for one in days[:: max(1, math.ceil(widest / room))] if len(days) > 2 else days:
        if one.until - one.x >= widest or len(days) > 2:
            yield text(_middle(one, axis, widest), base, words.day(one.day))


def _middle(one: DayTick, axis: TimeAxis, width: float) -> float:
    """The middle of a day, but so that its name is not cut off at the end of the axis."""
    return min(max((one.x + one.until) / 2, axis.left + width / 2 - 10), axis.right - width / 2 + 6)
