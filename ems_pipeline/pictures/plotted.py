"""What is drawn within a panel: grid, spans, bands, series, and the numbers beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ems_pipeline.pictures.panel import BAND_OPACITY, DASHES, Panel, Span
from ems_pipeline.pictures.paths import Reach, band_path, line_path, step_path
from ems_pipeline.pictures.scale import Scale
from ems_pipeline.pictures.svg import NOTHING, area, group, line, short, tag, text, text_width
from ems_pipeline.pictures.time_axis import TimeAxis
from ems_pipeline.pictures.words import Words

Lines = tuple[Sequence[float], Sequence[float]]
LINE_PX = 1.6
SPAN_OPACITY = 0.14
STRIP_OPACITY = 0.3


@dataclass(frozen=True)
class Ground:
    """The place of a panel within its picture, and the axis below it."""

    axis: TimeAxis
    top: float
    bottom: float
    font: float
    words: Words

    @property
    def across(self) -> str:
        """A line over the whole panel, to be put behind a move to its begin."""
        return f"h{short(self.axis.right - self.axis.left)}"

    @property
    def down(self) -> str:
        """The same over its height."""
        return f"v{short(self.bottom - self.top)}"


def draw(panel: Panel, ground: Ground, slots: Sequence[Reach], lines: Lines) -> Iterator[Markup]:
    """A panel from back to front, with upright lines at full hours and at midnights."""
    scale = panel.scale(ground.top, ground.bottom)
    if scale is None and not panel.is_strip:
        middle = (ground.axis.left + ground.axis.right) / 2, (ground.top + ground.bottom) / 2 + ground.font / 3
        yield group("muted", text(*middle, ground.words.no_data, text_anchor="middle"))
        return
    for colour, places in (("rule", () if panel.is_strip else lines[0]), ("day", lines[1])):
        yield group(colour, line("".join(f"M{short(x)} {short(ground.top)}{ground.down}" for x in places)))
    yield from (_span(span, ground, is_strip=panel.is_strip) for span in panel.spans)
    if scale is not None:
        yield from _plotted(panel, ground, scale, slots)


def _plotted(panel: Panel, ground: Ground, scale: Scale, slots: Sequence[Reach]) -> Iterator[Markup]:
    yield from _rules(panel, ground, scale)
    series, bands = panel.coloured
    for band in bands:
        yield group(band.colour, area(band_path(slots, band.low, band.high, scale), BAND_OPACITY))
    for one in series:
        path = (step_path if one.shape == "step" else line_path)(slots, one.values, scale)
        yield group(one.colour, line(path, LINE_PX, stroke_dasharray=DASHES if one.is_dashed else None))


def tick_labels(panel: Panel, words: Words) -> list[str]:
    """The numbers beside a panel, for whoever needs their width before there is a place."""
    scale = panel.scale(0.0, 1.0)
    return [] if scale is None else [words.number(tick, scale.decimals) for tick in scale.ticks]


def _rules(panel: Panel, ground: Ground, scale: Scale) -> Iterator[Markup]:
    left = ground.axis.left
    at = [scale.y(tick) for tick in scale.ticks]
    yield group("rule", line("".join(f"M{short(left)} {short(y)}{ground.across}" for y in at)))
    zero = line(f"M{short(left)} {short(scale.y(0.0))}{ground.across}") if scale.low <= 0 <= scale.high else ""
    numbers = [
        text(left - 6, y + ground.font * 0.35, label)
        for label, y in zip(tick_labels(panel, ground.words), at, strict=True)
    ]
    yield group("muted", zero, tag("g", *numbers, text_anchor="end"))


def _span(span: Span, ground: Ground, *, is_strip: bool) -> Markup:
    axis = ground.axis
    first, last = max(span.from_at, axis.starts_at), min(span.until_at, axis.ends_at)
    if first >= last:
        return NOTHING
    left, right = axis.x(first), axis.x(last)
    outline = f"M{short(left)} {short(ground.top)}h{short(right - left)}{ground.down}H{short(left)}z"
    edge = line(f"M{short(left)} {short(ground.top)}{ground.down}", 1.5)
    shade = area(outline, STRIP_OPACITY if is_strip else SPAN_OPACITY)
    shown = group(span.colour, tag("title", escape(span.label)), shade, edge)
    if right - left < text_width(span.label, ground.font) + ground.font * 0.8:
        return shown
    base = (ground.top + ground.bottom) / 2 + ground.font * 0.36 if is_strip else ground.top + ground.font + 1
    return shown + text(left + ground.font * 0.5, base, span.label)
