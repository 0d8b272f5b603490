"""SVG elements: every text and every attribute passes here and is escaped."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from markupsafe import Markup, escape

from ems_pipeline.pictures.palette import COLOURS, css_class

FONT = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, sans-serif"
LETTERS = {"ijl.,:;'|! ": 0.33, "frt()[]-": 0.42, "mwMW%": 0.97}
"""Widths of letters over their height, of the widest of the fonts above: nobody asks the browser what would overlap."""
WIDTHS = {letter: width for letters, width in LETTERS.items() for letter in letters}
OTHER_WIDTH = 0.63
NOTHING = Markup("")
TO_ESCAPE = re.compile(r"""[&<>'"]""")


@lru_cache(32_768)
def short(value: float) -> str:
    """A tenth of a pixel is finer than any screen; the same places come again in every picture."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def tag(name: str, *inside: str, **attributes: Any) -> Markup:
    """An element; what is inside is escaped unless it is of this function.

    ``stroke_width`` is written ``stroke-width``, ``class_`` ``class``; an attribute None is left out.
    """
    named = "".join([f' {_name(key)}="{_written(value)}"' for key, value in attributes.items() if value is not None])
    content = "".join([one if isinstance(one, Markup) else _escaped(one) for one in inside])
    return Markup(f"<{name}{named}>{content}</{name}>" if content else f"<{name}{named}/>")


@cache
def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _written(value: Any) -> str:
    return short(value) if isinstance(value, float) else _escaped(str(value))


def _escaped(text: str) -> str:
    """A picture has a thousand of them, and hardly one holds anything that is to be escaped: looked for, not done."""
    return str(escape(text)) if TO_ESCAPE.search(text) else text


def coloured(name: str) -> dict[str, str]:
    """The attributes that give an element a colour of the palette."""
    return {"class_": css_class(name), "color": COLOURS[name].light}


def group(colour: str, *inside: str, **attributes: Any) -> Markup:
    """A group in a colour of the palette; areas and words in it are of this colour."""
    return tag("g", *inside, **coloured(colour), **attributes) if any(inside) else NOTHING


def line(path: str, width: float = 1.0, **attributes: Any) -> Markup:
    """A line along a path, in the colour of its group; nothing where the path is empty."""
    stroke = {"fill": "none", "stroke": "currentColor", "stroke_width": width}
    return tag("path", d=path, **stroke, **attributes) if path else NOTHING


def area(path: str, opacity: float | None = None) -> Markup:
    """The inside of a path, in the colour of its group; nothing where the path is empty."""
    return tag("path", d=path, fill_opacity=opacity and f"{opacity:g}") if path else NOTHING


def text(x: float, y: float, *words: str, **attributes: Any) -> Markup:
    """Words from a point on their base line; ``text_anchor`` middle or end moves them."""
    return tag("text", *map(escape, words), x=float(x), y=float(y), **attributes)


def text_width(words: str, size: float) -> float:
    """About how wide words are at most, in the units of ``size``."""
    return size * sum(WIDTHS.get(letter, OTHER_WIDTH) for letter in words)


def fitted(words: str, room: float, size: float) -> str:
    """The words, or as many of their letters as have room, and what says that there are more."""
    if text_width(words, size) <= room:
        return words
    return next(
        cut for end in range(len(words), -1, -1) if text_width(cut := f"{words[:end]}…", size) <= room or not end
    )


def picture(width: float, height: float, font: float, title: str, summary: str, *inside: str, **data: Any) -> Markup:
    """The whole: named and summed up for who does not see it. It has no ids, so many stand on one page."""
    return tag(
        "svg",
        tag("title", escape(title)),
        tag("desc", escape(summary)),
        *inside,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {short(width)} {short(height)}",
        width=float(width),
        height=float(height),
        role="img",
        fill="currentColor",
        font_family=FONT,
        font_size=float(font),
        **coloured("text") | {"class_": f"picture {css_class('text')}"},
        **data,
    )
