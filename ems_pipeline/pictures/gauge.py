"""A state of charge as a bar, with the reserve that is kept."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ems_pipeline.pictures.svg import area, group, line, picture, short, text
from ems_pipeline.pictures.words import ENGLISH, UNKNOWN, Words

WIDTH, HEIGHT, FONT = 360.0, 68.0, 12.0
TOP, BOTTOM = 28.0, 46.0
FULL_PCT = 100.0


@dataclass(frozen=True)
class Gauge:
    """A charge in %, 0 to 100; None is unknown. ``note`` is what is said beside it: when it is full, how old it is."""

    soc_pct: float | None
    title: str
    reserve_pct: float | None = None
    note: str = ""
    summary: str = ""
    words: Words = ENGLISH


def gauge(shown: Gauge) -> Markup:
    """The bar as SVG, 360 pixels wide."""
    words, is_known = shown.words, shown.soc_pct is not None
    value = UNKNOWN if shown.soc_pct is None else words.number(shown.soc_pct, 0)
    inside = [
        text(1.0, 19.0, f"{value} %", font_size=18, font_weight="600"),
        group("muted", text(WIDTH - 1, 19.0, shown.note, text_anchor="end")),
        group("soc", area(_bar(1.0, _x(shown.soc_pct or 0.0))) if is_known else ""),
        group("muted", line(_bar(1.0, WIDTH - 1), 1.2, stroke_dasharray=None if is_known else "4 4")),
    ]
    if shown.reserve_pct is not None:
        x, anchor = _x(shown.reserve_pct), "start" if shown.reserve_pct < FULL_PCT / 2 else "end"
        inside.append(group("reserve", line(f"M{short(x)} {short(TOP - 4)}V{short(BOTTOM + 14)}", 2.0)))
        label = f"{words.reserve} {words.number(shown.reserve_pct, 0)} %"
        beside = x + 5 if anchor == "start" else x - 5
        inside.append(group("muted", text(beside, BOTTOM + 15, label, text_anchor=anchor)))
    return picture(WIDTH, HEIGHT, FONT, shown.title, shown.summary, *inside)


def _x(soc_pct: float) -> float:
    return 1.0 + (WIDTH - 2) * min(max(soc_pct, 0.0), FULL_PCT) / FULL_PCT


def _bar(left: float, right: float) -> str:
    return f"M{short(left)} {short(TOP)}H{short(right)}V{short(BOTTOM)}H{short(left)}z" if right > left else ""
