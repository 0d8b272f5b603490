"""The slot chart: panels above each other over one local time axis.

A page may follow the pointer without a copy of the data: the root says between which places (``data-left``,
``data-right``) how many slots lie (``data-slots``), and holds a hidden line of the class ``cursor``. Slots are counted
from the first start in usual steps, so that one that is missing keeps its number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from ems_pipeline.pictures import time_axis
from ems_pipeline.pictures.foot import below
from ems_pipeline.pictures.legend import legend
from ems_pipeline.pictures.marks import Mark, draw_marks
from ems_pipeline.pictures.panel import Panel
from ems_pipeline.pictures.paths import Reach
from ems_pipeline.pictures.plotted import Ground, draw, tick_labels
from ems_pipeline.pictures.svg import group, picture, short, tag, text, text_width
from ems_pipeline.pictures.time_axis import TimeAxis
from ems_pipeline.pictures.words import ENGLISH, MINUS, Words

HOUR = timedelta(hours=1)
STRIP = 1.8
"""Height of a strip over that of its letters."""
HERE = Markup("<!--now-->")
"""Where marks go; no text holds it, for texts are escaped."""


@dataclass(frozen=True)
class Form:
    """Sizes of a picture, in its own pixels: it grows and shrinks with what it is put in."""

    width: float
    font: float
    left: float
    right_margin: float
    panel_height: float

    @property
    def right(self) -> float:
        """Where the last slot ends."""
        return self.width - self.right_margin


WIDE = Form(720.0, 11.0, 40.0, 8.0, 88.0)
"""For two days: a quarter-hour is 3.5 pixels."""
NARROW = Form(360.0, 12.0, 36.0, 6.0, 96.0)
"""For a day on a phone: no text below 11 pixels on a screen of 390."""


@dataclass(frozen=True)
class SlotChart:
    """What is drawn: slots by their UTC starts, the panels' values in the same order, the zone of the site.

    ``title`` names the picture and ``summary`` says in a sentence what it shows, for who does not see it.
    """

    starts: Sequence[datetime]
    panels: Sequence[Panel]
    zone: ZoneInfo
    title: str
    summary: str = ""
    now: datetime | None = None
    form: Form = WIDE
    words: Words = ENGLISH


@dataclass(frozen=True)
class Laid:
    """A chart but for the present instant, which moves on while all else stands."""

    before: str
    behind: str
    axis: TimeAxis | None
    stretches: Sequence[tuple[float, float]]
    form: Form
    words: Words

    def at(self, now: datetime | None) -> Markup:
        """The chart as SVG; ``now`` is marked where it lies on an axis that was laid out for it."""
        marks = [] if self.axis is None else _marks(self.axis, now, self.words)
        left = 0.0 if self.axis is None else self.axis.left
        drawn = draw_marks(marks, self.stretches, left, self.form.width, self.form.font)
        return Markup(self.before + "".join(drawn) + self.behind)

    def __len__(self) -> int:
        return len(self.before) + len(self.behind)


def slot_chart(chart: SlotChart) -> Markup:
    """The chart as SVG. Same error as `laid`."""
    return laid(chart).at(chart.now)


def laid(chart: SlotChart) -> Laid:
    """All that does not move; ``now`` of the chart only has room made for its label.

    Raises:
        ValueError: a series has more or fewer values than there are slots.
    """
    form, font = chart.form, chart.form.font
    if not chart.starts:
        nothing = group("muted", text(form.width / 2, 2 * font, chart.words.no_data, text_anchor="middle"))
        drawn = picture(form.width, 3 * font, font, chart.title, chart.summary, nothing, data_slots=0)
        return Laid(drawn, "", None, (), form, chart.words)
    ended = time_axis.ends(chart.starts)
    axis = TimeAxis(chart.starts[0], ended[-1], _left(chart), form.right, chart.zone)
    inside, stretches = _panels(chart, axis, time_axis.reaches(axis, chart.starts, ended))
    bottom = stretches[-1][1] if stretches else 0.0
    inside += [HERE, *below(axis, bottom, font, chart.words), _cursor(bottom)]
    slots = round((axis.ends_at - axis.starts_at) / (ended[-1] - chart.starts[-1]))
    data = {"data_slots": slots, "data_left": axis.left, "data_right": axis.right}
    drawn = picture(form.width, bottom + 3 * font, font, chart.title, chart.summary, *inside, **data)
    before, _, behind = drawn.partition(HERE)
    return Laid(str(before), str(behind), axis, stretches, form, chart.words)


def _left(chart: SlotChart) -> float:
    """Where the first slot begins: right of the widest number."""
    labels = (label for panel in chart.panels for label in tick_labels(panel, chart.words))
    widest = max((text_width(label, chart.form.font) for label in labels), default=0.0)
    return max(chart.form.left, math.ceil(widest) + 10.0)


def _panels(chart: SlotChart, axis: TimeAxis, slots: Sequence[Reach]) -> tuple[list[Markup], list[tuple[float, float]]]:
    """All panels, and from where to where each reaches."""
    font, inside, top = chart.form.font, list[Markup](), 0.0
    lines = [tick.x for tick in axis.hours(font)], axis.midnights()
    marks, stretches = _marks(axis, chart.now, chart.words), list[tuple[float, float]]()
    for panel in chart.panels:
        head = legend(panel, axis.left, axis.right, font)
        inside += head.draw(top)
        first = top + head.height + (font + 4 if marks and not stretches else 0)
        last = first + (font * STRIP if panel.is_strip else chart.form.panel_height)
        inside += draw(panel, Ground(axis, first, last, font, chart.words), slots, lines)
        stretches.append((first, last))
        top = last + font
    return inside, stretches


def _marks(axis: TimeAxis, now: datetime | None, words: Words) -> list[Mark]:
    """The present instant, and changes of the clock; where two labels would meet, the first one stays."""
    marks = list[Mark]()
    if now is not None and axis.shows(now):
        marks.append(Mark(axis.x(now), f"{words.now} {now.astimezone(axis.zone):%H:%M}", "text"))
    for x, change in axis.clock_changes():
        sign = MINUS if change < timedelta() else "+"
        marks.append(Mark(x, f"{words.clock} {sign}{short(abs(change / HOUR))} h", "muted", "2 3"))
    return marks


def _cursor(bottom: float) -> Markup:
    """What a page's script moves along the slots."""
    ends = {"x1": 0, "x2": 0, "y1": 0, "y2": bottom}
    return tag("line", class_="cursor", **ends, stroke="currentColor", visibility="hidden", pointer_events="none")
