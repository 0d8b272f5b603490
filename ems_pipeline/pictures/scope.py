"""What a synchroniser sees: the phase as a hand, the differences of voltage and frequency as marks, and their window.

What moves says which value it follows, as in `level`; a hand says around which point (``data-turn``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from ems_pipeline.pictures.svg import NOTHING, area, group, line, picture, short, tag, text
from ems_pipeline.pictures.words import ENGLISH, UNKNOWN, Words

WIDTH, HEIGHT, FONT = 360.0, 124.0, 12.0
X, Y, RADIUS = 62.0, 62.0, 50.0
LEFT, RIGHT = 150.0, 346.0
VOLTS, HERTZ = 20.0, 1.0
"""What the two scales reach to, on either side."""


@dataclass(frozen=True)
class Scope:
    """Differences of a set to its busbar: V, Hz and degrees (-180 to 180); all None at rest.

    The window is what a breaker closes within, on either side; None: nobody has said it, and none is drawn.
    """

    volts: float | None
    hertz: float | None
    degrees: float | None
    title: str
    summary: str = ""
    at_rest: str = "no sync"
    window_v: float | None = None
    window_hz: float | None = None
    window_deg: float | None = None
    words: Words = ENGLISH

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing of it means anything."""
        return self.volts is None and self.hertz is None and self.degrees is None


def scope(shown: Scope) -> Markup:
    """The picture as SVG, 360 pixels wide."""
    rim = tag("circle", cx=X, cy=Y, r=RADIUS, fill="none", stroke="currentColor", stroke_width=1.2)
    inside = [
        group("genset", _sector(shown.window_deg)),
        group("muted", rim, line(f"M{X:g} {Y - RADIUS - 6:g}V{Y - RADIUS + 8:g}", 2.0)),
        group("text", _hand(shown)),
        group("muted", text(X, Y + 26, shown.at_rest, text_anchor="middle")) if shown.is_at_rest else NOTHING,
        *_scale(shown, 22.0, "sync_v", shown.volts, VOLTS, shown.window_v, ("ΔU", "V", 1)),
        *_scale(shown, 64.0, "sync_hz", shown.hertz, HERTZ, shown.window_hz, ("Δf", "Hz", 2)),
        group("muted", text(LEFT, 116.0, "φ")),
        group("text", _number(shown, RIGHT, 116.0, "sync_phase_deg", shown.degrees, ("°", 0))),
    ]
    return picture(WIDTH, HEIGHT, FONT, shown.title, shown.summary, *inside)


def _sector(window_deg: float | None) -> Markup:
    """The part of the circle in which the phase may be."""
    if window_deg is None:
        return NOTHING
    side, top = math.sin(math.radians(window_deg)) * RADIUS, math.cos(math.radians(window_deg)) * RADIUS
    first, last = f"{short(X - side)} {short(Y - top)}", f"{short(X + side)} {short(Y - top)}"
    return area(f"M{X:g} {Y:g}L{first}A{RADIUS:g} {RADIUS:g} 0 0 1 {last}z", 0.3)


def _hand(shown: Scope) -> Markup:
    """Straight up is in phase."""
    hidden = "hidden" if shown.degrees is None else None
    turned = f"rotate({short(shown.degrees or 0.0)} {X:g} {Y:g})"
    hand = line(f"M{X:g} {Y:g}V{Y - RADIUS + 4:g}", 3.0)
    return tag("g", hand, transform=turned, visibility=hidden, data_field="sync_phase_deg", data_turn=f"{X:g} {Y:g}")


def _scale(
    shown: Scope, y: float, field: str, value: float | None, reach: float, window: float | None,
    said: tuple[str, str, int],
) -> list[Markup]:  # fmt: skip
    """A line from ``-reach`` to ``reach`` with its window, the mark of the value, and the value in words."""
    name, unit, places = said
    middle, half = (LEFT + RIGHT) / 2, (RIGHT - LEFT) / 2
    wide = 0.0 if window is None else half * min(window / reach, 1.0)
    frame = (
        f"M{short(middle - wide)} {y + 4:g}H{short(middle + wide)}V{y + 20:g}H{short(middle - wide)}z" if wide else ""
    )
    at = middle if value is None else middle + half * min(max(value / reach, -1.0), 1.0)
    mark = tag(
        "rect", x=-2.0, y=y + 4, width=4.0, height=16.0, transform=f"translate({short(at)} 0)",
        visibility="hidden" if value is None else None,
        data_field=field, data_attribute="transform", data_span=f"{-reach:g} {reach:g} {LEFT:g} {short(RIGHT)}",
    )  # fmt: skip
    return [
        group("genset", area(frame, 0.3)),
        group(
            "muted",
            line(f"M{LEFT:g} {y + 12:g}H{short(RIGHT)}M{short(middle)} {y + 4:g}V{y + 20:g}"),
            text(LEFT, y, name),
        ),
        group("text", mark, _number(shown, RIGHT, y, field, value, (unit, places))),
    ]


def _number(shown: Scope, x: float, y: float, field: str, value: float | None, said: tuple[str, int]) -> Markup:
    unit, places = said
    written = UNKNOWN if value is None else f"{shown.words.number(value, places)}\N{NO-BREAK SPACE}{unit}"
    return text(x, y, written, text_anchor="end", data_field=field, data_places=places, data_unit=unit)
