"""Colours by what they stand for, for a light and a dark page.

A shape is drawn in ``currentColor`` within a group that has the class of its colour and, as a presentation attribute,
the colour for light pages. Any rule of a page's stylesheet wins over such an attribute, so a page recolours pictures by
one rule a name (`stylesheet`), without style attributes and elements, which a strict content policy forbids.

Texts have a contrast of 4.5 or more, shapes of 3 or more, on white and on `DARK_PAGE` (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from __future__ import annotations

from typing import NamedTuple

LIGHT_PAGE = "#ffffff"
DARK_PAGE = "#14181d"


class Colour(NamedTuple):
    """A colour on a light and on a dark page."""

    light: str
    dark: str


TEXTS = {
    "text": Colour("#1c2833", "#e8ecf0"),
    "muted": Colour("#5a6876", "#9dabb9"),
}
"""Colours that words may have."""

RULES = {
    "rule": Colour("#e3e7eb", "#2a323b"),
    "day": Colour("#c3cad1", "#414c58"),
}
"""Lines of the grid, which carry nothing that the numbers beside them do not say."""

SERIES = {
    "buy": Colour("#c0392b", "#f0796c"),
    "sell": Colour("#2a7f9e", "#63b8d6"),
    "spot": Colour("#6b7780", "#a3b0bb"),
    "marginal value": Colour("#8e44ad", "#c58be0"),
    "pv": Colour("#b8860b", "#f0c43c"),
    "pv forecast": Colour("#94720a", "#d3ab3a"),
    "load": Colour("#34495e", "#b4c4d4"),
    "grid": Colour("#7d3c98", "#c07fdb"),
    "battery": Colour("#1e8449", "#4fc47f"),
    "ev": Colour("#2471a3", "#66b1e6"),
    "heat pump": Colour("#c8661a", "#f09a52"),
    "genset": Colour("#7b5141", "#c79a88"),
    "soc": Colour("#196f3d", "#5fcf8d"),
    "indoor": Colour("#ba4a00", "#f08c4a"),
    "temperature": Colour("#2e86c1", "#6dbbec"),
    "forecast": Colour("#2471a3", "#66b1e6"),
    "planned": Colour("#76838e", "#93a1ae"),
    "measured": Colour("#34495e", "#b4c4d4"),
    "no battery": Colour("#8a8f96", "#8f9aa6"),
    "self-use": Colour("#1e8449", "#4fc47f"),
    "cost": Colour("#b5473a", "#ef8577"),
    "earned": Colour("#1e8449", "#4fc47f"),
    "charge": Colour("#1e8449", "#4fc47f"),
    "discharge": Colour("#c8661a", "#f09a52"),
    "hold": Colour("#6b7780", "#a3b0bb"),
    "override": Colour("#a3246e", "#ee7dbd"),
    "reserve": Colour("#c0392b", "#f0796c"),
    "unexplained": Colour("#76838e", "#93a1ae"),
    "other 1": Colour("#00796b", "#4db6ac"),
    "other 2": Colour("#5e35b1", "#a98ee0"),
    "other 3": Colour("#ad1457", "#f06292"),
    "other 4": Colour("#827717", "#c6ba4a"),
}  # fmt: skip
"""Colours that lines, areas and bars may have."""

COLOURS = TEXTS | RULES | SERIES
OTHERS = [name for name in SERIES if name.startswith("other ")]


def series_colour(name: str, place: int) -> str:
    """The colour of a series of that name; one without a colour of its own has one by its place among its like."""
    return name if name in SERIES else OTHERS[place % len(OTHERS)]


def css_class(name: str) -> str:
    """``heat pump`` -> ``c-heat-pump``."""
    return f"c-{name.replace(' ', '-')}"


def stylesheet() -> str:
    """Rules for a page that is light or dark as its reader's system is."""
    light, dark = (
        "".join(f".{css_class(name)}{{color:{getattr(colour, mode)}}}\n" for name, colour in COLOURS.items())
        for mode in Colour._fields
    )
    return f"{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"
