"""A value between two ends as a bar, with the bounds it is to keep and where it is wanted.

A page may move it without a copy of the picture: what moves says which value it follows (``data-field``), from where to
where that goes, and between which places of the picture (``data-span``: value, value, pixel, pixel).
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ems_pipeline.pictures.svg import NOTHING, area, group, line, picture, short, tag, text
from ems_pipeline.pictures.words import ENGLISH, Words

WIDTH, HEIGHT, FONT = 360.0, 44.0, 12.0
TOP, BOTTOM = 6.0, 22.0
LEFT, RIGHT = 1.0, WIDTH - 1.0


@dataclass(frozen=True)
class Level:
    """A value from ``begin`` to ``end``, all in ``unit`` times ``per``; None is unknown.

    ``below`` and ``above`` are bounds that it is not to be beyond. ``target`` is where it is wanted, in % of ``whole``.
    ``field`` and ``target_field`` are the names that a page's script knows the two by.
    """

    value: float | None
    begin: float
    end: float
    title: str
    summary: str = ""
    unit: str = ""
    per: float = 1.0
    places: int = 0
    below: float | None = None
    above: float | None = None
    target: float | None = None
    whole: float = 100.0
    field: str = ""
    target_field: str = ""
    words: Words = ENGLISH

    def x(self, value: float) -> float:
        """Where a value stands; beyond the ends it stands at the end."""
        part = (value - self.begin) / (self.end - self.begin)
        return LEFT + (RIGHT - LEFT) * min(max(part, 0.0), 1.0)


def level(shown: Level) -> Markup:
    """The bar as SVG, 360 pixels wide."""
    inside = [
        group("genset", _filled(shown)),
        group("muted", _frame(shown)),
        *(_bound(shown, bound) for bound in (shown.below, shown.above)),
        _target(shown),
        group("muted", text(LEFT, HEIGHT - 8, _said(shown, shown.begin))),
        group("muted", text(RIGHT, HEIGHT - 8, _said(shown, shown.end), text_anchor="end")),
    ]
    return picture(WIDTH, HEIGHT, FONT, shown.title, shown.summary, *inside)


def _frame(shown: Level) -> Markup:
    path = f"M{LEFT:g} {TOP:g}H{short(RIGHT)}V{BOTTOM:g}H{LEFT:g}z"
    return line(path, 1.2, stroke_dasharray="4 4" if shown.value is None else None)


def _filled(shown: Level) -> Markup:
    """From the left end to the value; it is there without a width where the value is not known."""
    wide = 0.0 if shown.value is None else shown.x(shown.value) - LEFT
    ends = f"{shown.begin:g} {shown.end:g} 0 {short(RIGHT - LEFT)}"
    return tag(
        "rect", x=LEFT, y=TOP, width=wide, height=BOTTOM - TOP,
        **_moves(shown.field, "width", ends),
    )  # fmt: skip


def _bound(shown: Level, bound: float | None) -> Markup:
    """A bound with its number below; near an end the number of the end gives way by standing there already."""
    if bound is None:
        return NOTHING
    x = shown.x(bound)
    anchor = "middle" if 40 < x < WIDTH - 40 else "start" if x <= 40 else "end"
    label = NOTHING if x < 34 or x > WIDTH - 34 else text(x, HEIGHT - 8, _said(shown, bound), text_anchor=anchor)
    return group("reserve", line(f"M{short(x)} {TOP - 4:g}V{BOTTOM + 4:g}", 2.0), label)


def _target(shown: Level) -> Markup:
    """A mark of where it is wanted; hidden where that is not known, for a script may come to know it."""
    if not shown.target_field and shown.target is None:
        return NOTHING
    x = LEFT if shown.target is None else shown.x(shown.target / 100 * shown.whole)
    first, last = 100 * shown.begin / shown.whole, 100 * shown.end / shown.whole
    hidden = "hidden" if shown.target is None else None
    moves = _moves(shown.target_field, "transform", f"{first:g} {last:g} {LEFT:g} {short(RIGHT)}")
    mark = area("M-6 0H6L0 8z")
    return group("text", tag("g", mark, transform=f"translate({short(x)} 0)", visibility=hidden, **moves))


def _moves(field: str, attribute: str, span: str) -> dict[str, str]:
    """Whose value an element follows with which attribute; nothing where no script knows it."""
    return {"data_field": field, "data_attribute": attribute, "data_span": span} if field else {}


def _said(shown: Level, value: float) -> str:
    return f"{shown.words.number(value / shown.per, shown.places)} {shown.unit}".strip()
