"""The head of a panel: its label, its unit, and the names of what it shows, in as many rows as they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ems_pipeline.pictures.panel import BAND_OPACITY, DASHES, Band, Panel, Series
from ems_pipeline.pictures.svg import area, coloured, group, line, short, tag, text, text_width

SWATCH_PX = 14.0
GAP_PX = 4.0
BOLD = 1.12


@dataclass(frozen=True)
class Legend:
    """Where each name stands: rows of places along the picture."""

    panel: Panel
    left: float
    font: float
    rows: Sequence[Sequence[tuple[float, Series | Band]]]

    @property
    def height(self) -> float:
        """Pixels above the panel's own."""
        return len(self.rows) * (self.font + GAP_PX) + GAP_PX

    def draw(self, top: float) -> Iterator[Markup]:
        """Everything, from a height down."""
        base = top + self.font
        unit = tag("tspan", escape(self.panel.unit), dx=GAP_PX, **coloured("muted"))
        yield text(self.left, base, tag("tspan", escape(self.panel.label), font_weight="600"), unit)
        for row, named in enumerate(self.rows):
            y = base + row * (self.font + GAP_PX)
            yield from (_swatch(one, x, y - self.font * 0.34, self.font) for x, one in named)
            yield group("muted", *(text(x + SWATCH_PX + GAP_PX, y, one.name) for x, one in named))


def legend(panel: Panel, left: float, right: float, font: float) -> Legend:
    """The head of a panel between two pixels; what has no name has no key."""
    series, bands = panel.coloured
    named: list[Series | Band] = [one for one in series if one.name]
    named += [one for one in bands if one.name]
    rows: list[list[tuple[float, Series | Band]]] = [[]]
    x = left + _label_px(panel, font) + font
    for one in named:
        width = SWATCH_PX + GAP_PX + text_width(one.name, font)
        if x + width > right and x > left:
            rows.append([])
            x = left
        rows[-1].append((x, one))
        x += width + font
    return Legend(panel, left, font, rows)


def _label_px(panel: Panel, font: float) -> float:
    """Label, thick, and unit."""
    return BOLD * text_width(panel.label, font) + GAP_PX + text_width(panel.unit, font)


def _swatch(one: Series | Band, x: float, y: float, font: float) -> Markup:
    if isinstance(one, Band):
        return group(one.colour, area(f"M{short(x)} {short(y - font / 3)}h14v{short(font / 1.5)}h-14z", BAND_OPACITY))
    dashes = DASHES if one.is_dashed else None
    return group(one.colour, line(f"M{short(x)} {short(y)}h14", 2.0, stroke_dasharray=dashes))
