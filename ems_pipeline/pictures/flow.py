"""Power at this moment: what feeds the bus stands left of it, what draws from it right, an arrow's width is its power.

Nothing moves: an animation that runs for ever costs a tenth of a small machine's processor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from ems_pipeline.pictures.glyphs import SIZE, glyph
from ems_pipeline.pictures.svg import area, fitted, group, line, picture, short, tag, text, text_width
from ems_pipeline.pictures.words import ENGLISH, Words

Kind = Literal["grid", "pv", "battery", "genset", "load", "ev", "heat pump", "unexplained"]
SOURCES = ("pv", "grid", "genset", "battery")
"""Left of the bus, in this order from above; positive when they feed it (docs/glossary.md, flow signs)."""

WIDTH, FONT, LEAST_FONT = 360.0, 12.0, 9.0
BOX, BOX_HEIGHT, PITCH = 132.0, 48.0, 78.0
TEXT_PX, NOTE_PX = 38.0, 166.0
BUS, BUS_HALF = WIDTH / 2, 4.0
WIDEST_PX, THINNEST_PX, HEAD_PX = 16.0, 2.0, 10.0
LEAST_FULL_W = 1000.0
"""An arrow is of full width at the greatest power shown, but not below this: a house at night is no torrent."""


@dataclass(frozen=True)
class Node:
    """A part of the site with its power, W by the sign of its kind; None is unknown.

    ``note`` is what is said below it: how old the value is, a charge.
    """

    kind: Kind
    name: str
    power_w: float | None
    note: str = ""


@dataclass(frozen=True)
class Flow:
    """The parts that a site has, as many of a kind as there are.

    What does not add up is drawn as a part of its own from ``tolerance_w`` on; meters are never read at one instant.
    """

    nodes: Sequence[Node]
    title: str
    summary: str = ""
    tolerance_w: float = 50.0
    words: Words = ENGLISH


def unexplained_w(nodes: Sequence[Node]) -> float | None:
    """What the sources feed more than the consumers draw; None unless all of it is known."""
    signed = [None if n.power_w is None else n.power_w * (1 if n.kind in SOURCES else -1) for n in nodes]
    known = [power_w for power_w in signed if power_w is not None]
    return sum(known) if len(known) == len(signed) else None


def flow(shown: Flow) -> Markup:
    """The flow as SVG, 360 pixels wide."""
    rest_w = unexplained_w(shown.nodes)
    rest = [Node("unexplained", shown.words.unexplained, rest_w)] if abs(rest_w or 0.0) >= shown.tolerance_w else []
    left = sorted((n for n in shown.nodes if n.kind in SOURCES), key=lambda n: SOURCES.index(n.kind))
    right = [*(n for n in shown.nodes if n.kind not in SOURCES), *rest]
    rows = max(len(left), len(right), 1)
    most_w = max([abs(n.power_w) for n in shown.nodes if n.power_w is not None] + [LEAST_FULL_W])
    bus = area(_rounded(BUS - BUS_HALF, 0.0, 2 * BUS_HALF, (rows - 1) * PITCH + BOX_HEIGHT, 3.0))
    inside = [group("muted", bus)]
    for nodes, is_left in ((left, True), (right, False)):
        first = (rows - len(nodes)) * PITCH / 2
        for place, node in enumerate(nodes):
            inside += _node(node, first + place * PITCH, most_w, shown.words, is_left=is_left)
    return picture(WIDTH, rows * PITCH - 8, FONT, shown.title, shown.summary, *inside)


def _node(node: Node, top: float, most_w: float, words: Words, *, is_left: bool) -> Iterator[Markup]:
    x = 1.0 if is_left else WIDTH - BOX - 1
    frame = line(_rounded(x, top + 1, BOX, BOX_HEIGHT - 2, 8.0), 1.5)
    told = tag("title", escape(f"{node.name}: {words.power(node.power_w)}, {node.note}".removesuffix(", ")))
    yield group(node.kind, told, frame, glyph(node.kind, x + 9, top + (BOX_HEIGHT - SIZE) / 2))
    name = _name(node.name, x + TEXT_PX, top + 19)
    at, anchor = (x + 2, None) if is_left else (x + BOX - 2, "end")
    note = fitted(node.note, NOTE_PX, FONT)
    yield group("muted", name, text(at, top + BOX_HEIGHT + 15, note, text_anchor=anchor) if note else "")
    power_w = None if node.power_w is None else abs(node.power_w)
    yield text(x + TEXT_PX, top + 37, words.power(power_w), font_size=15, font_weight="600")
    yield _arrow(node, top + BOX_HEIGHT / 2, most_w, is_left=is_left)


def _name(name: str, x: float, y: float) -> Markup:
    """What a part is called: smaller where another language needs more room, and only then cut."""
    room = BOX - TEXT_PX - 4
    size = max(LEAST_FONT, FONT * min(1.0, room / text_width(name, FONT)))
    return text(x, y, fitted(name, room, size), font_size=None if size == FONT else size)


def _arrow(node: Node, y: float, most_w: float, *, is_left: bool) -> Markup:
    """From or to the bus; thin without power, dashed where nobody knows."""
    outer, inner = (BOX + 4, BUS - BUS_HALF - 2) if is_left else (WIDTH - BOX - 4, BUS + BUS_HALF + 2)
    straight = f"M{short(outer)} {short(y)}H{short(inner)}"
    if node.power_w is None:
        return group("muted", line(straight, 1.5, stroke_dasharray="3 4"))
    if round(node.power_w) == 0:
        return group("day", line(straight, 1.5))
    feeds = (node.power_w > 0) == (node.kind in SOURCES)
    start, tip = (outer, inner) if feeds else (inner, outer)
    half = max(THINNEST_PX, WIDEST_PX * abs(node.power_w) / most_w) / 2
    neck = tip - HEAD_PX if tip > start else tip + HEAD_PX
    wing = half + 4
    body = f"M{short(start)} {short(y - half)}H{short(neck)}v{short(half - wing)}L{short(tip)} {short(y)}"
    back = f"L{short(neck)} {short(y + wing)}v{short(half - wing)}H{short(start)}z"
    return group(node.kind, area(body + back))


def _rounded(x: float, y: float, width: float, height: float, radius: float) -> str:
    r = short(radius)
    along, down = short(width - 2 * radius), short(height - 2 * radius)
    return (
        f"M{short(x + radius)} {short(y)}h{along}q{r} 0 {r} {r}v{down}q0 {r}-{r} {r}"
        f"h-{along}q-{r} 0-{r}-{r}v-{down}q0-{r} {r}-{r}z"
    )
