"""A picture by itself: as a file, or within Markdown."""

from __future__ import annotations

import base64

from markupsafe import Markup, escape

from ems_pipeline.pictures.palette import LIGHT_PAGE
from ems_pipeline.pictures.svg import tag


def standalone(svg: str) -> Markup:
    """The picture on a ground of its own: who shows it knows nothing of our colours, and may be dark."""
    head, end, rest = svg.partition(">")
    return Markup(head + end) + tag("rect", width="100%", height="100%", fill=LIGHT_PAGE) + Markup(rest)


def inline_image(svg: str, alt: str) -> str:
    """Markdown image with the SVG inside: the one form the Dagster UI shows."""
    words = escape(alt.replace("[", "(").replace("]", ")"))
    return f"![{words}](data:image/svg+xml;base64,{base64.b64encode(standalone(svg).encode()).decode()})"
