"""What comes most often, a bar each: its name above it, how often behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ems_pipeline.pictures.slot_chart import WIDE, Form
from ems_pipeline.pictures.svg import area, fitted, group, picture, short, text, text_width


@dataclass(frozen=True)
class Ranked:
    """One of them. ``is_grave``: drawn in the colour of what must not be."""

    name: str
    count: int
    is_grave: bool = False


@dataclass(frozen=True)
class Ranking:
    """The worst first."""

    rows: Sequence[Ranked]
    title: str
    summary: str = ""
    form: Form = WIDE


def ranking(shown: Ranking) -> Markup:
    """The bars as SVG, each as long as its count; ValueError: there are none."""
    if not shown.rows:
        raise ValueError("a ranking of nothing; draw none")
    form, font = shown.form, shown.form.font
    most = max(row.count for row in shown.rows)
    room = form.width - text_width(str(most), font) - 16
    step = font * 3.2
    inside: list[Markup] = []
    for place, row in enumerate(shown.rows):
        top = place * step + font * 1.3
        wide = max(2.0, room * row.count / most) if most else 2.0
        bar = area(f"M0 {short(top + font * 0.4)}h{short(wide)}v{short(font)}h-{short(wide)}z")
        inside += [
            text(0, top, fitted(row.name, form.width, font)),
            group("reserve" if row.is_grave else "genset", bar),
            group("muted", text(wide + 8, top + font * 1.3, str(row.count))),
        ]
    return picture(form.width, len(shown.rows) * step + 2, font, shown.title, shown.summary, *inside)
