"""Small signs of a site's parts, lines in a square of twenty pixels."""

from __future__ import annotations

from markupsafe import Markup

from ems_pipeline.pictures.svg import line, short, tag

SIZE = 20.0
GLYPHS = {
    "grid": "M5.5 18.5L9 2h2l3.5 16.5M3 6.5h14M4 11h12M8 6.5l5.2 6M12 6.5l-5.2 6M6.5 16l6.7-3.5M13.5 16l-6.7-3.5",
    "pv": "M4.8 4h12.7l-2.6 12H2.2zM3.5 10h12.7M11.2 4L8.6 16",
    "battery": "M2 5.5h14v9H2zM16 8.3h2v3.4h-2M5 8v4M8 8v4M11 8v4",
    "genset": "M10 2.5a7.5 7.5 0 1 0 .1 0M13 7.6a4 4 0 1 0 .6 3h-3",
    "load": "M2.5 10L10 3l7.5 7M4.8 8v9h10.4V8M8.3 17v-5h3.4v5",
    "ev": "M2.5 13.5v-3l1-.7L5.4 6h8.2l2.2 3.8 1.7.7v3h-2M4.5 13.5h-2M8 13.5h4.2M3.5 9.8h12.3"
    "M6.2 11.9a1.7 1.7 0 1 0 .1 0M13.8 11.9a1.7 1.7 0 1 0 .1 0",
    "heat pump": "M2.5 3.5h15v13h-15zM10 5.5a4.5 4.5 0 1 0 .1 0M10 10l3-1.7M10 10l-3 1.7M10 10l1.7 3M10 10L8.3 7",
    "unexplained": "M7 7.2a3 3 0 1 1 4.4 2.6q-1.4.8-1.4 2.4M10 15v.6",
}
"""By the name of their colour."""


def glyph(kind: str, x: float, y: float) -> Markup:
    """The sign of a part with its upper left corner there."""
    drawn = line(GLYPHS[kind], 1.4, stroke_linejoin="round", stroke_linecap="round")
    return tag("g", drawn, transform=f"translate({short(x)} {short(y)})")
