"""A revision's packages as an SVG: a row per layer, a box per package with its rooms, an arrow per import between them.

Arrows point to what is imported. Dark ones are needed; a pale one says what a longer way of dark ones says already. The
bottom row is one box: everybody imports from it, so arrows to it would say nothing.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from html import escape

from house_code import House, cycles, package

WIDTH, HEIGHT, GAP, BETWEEN = 124, 74, 10, 62
MARGIN = 22
GROUND = 52
ROOM_CHARS, ROOM_LINES = 26, 3
INK, PALE, PAPER, WRONG = "#1f2933", "#b8c4ce", "#f3f6f8", "#c0392b"
STYLE = (
    f"text{{font:9px sans-serif;fill:{INK}}}.name{{font-weight:bold;font-size:11px}}.wrong{{fill:{WRONG}}}"
    f"rect{{fill:{PAPER};stroke:{INK}}}path{{fill:none;stroke:{INK}}}.implied{{stroke:{PALE}}}"
)
Spot = tuple[float, float]


def drawn(house: House, title: str) -> str:
    """The picture, as text of an SVG file."""
    rows = _rows(house)
    spots = _spots(rows)
    wide = max(x for x, _ in spots.values()) + WIDTH + MARGIN
    tall = max(y for _, y in spots.values()) + HEIGHT + BETWEEN / 2 + GROUND + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {tall:g}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        '<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="5" markerHeight="5" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" style="fill:{INK};stroke:none"/></marker>',
        f'<rect width="{wide:g}" height="{tall:g}" style="fill:white;stroke:none"/>',
        *_arrows(house, spots),
        *(line for name, spot in spots.items() for line in _box(house, name, spot)),
        *_ground(house, wide, tall - GROUND - MARGIN),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _rows(house: House) -> list[list[str]]:
    """Packages of each layer above the bottom one, highest first."""
    rows: dict[int, list[str]] = defaultdict(list)
    for name, layer in house.layers.items():
        if layer > 0 and any(package(module) == name for module in house.trees):
            rows[layer].append(name)
    return [rows[layer] for layer in sorted(rows, reverse=True)]


def _spots(rows: list[list[str]]) -> dict[str, Spot]:
    """Left upper corner of each box; rows stand in the middle, every other one a little aside."""
    most = max(map(len, rows))
    spots = {}
    for at, row in enumerate(rows):
        left = MARGIN + (most - len(row)) * (WIDTH + GAP) / 2 + (at % 2) * WIDTH / 3 * (len(row) < most)
        for of, name in enumerate(row):
            spots[name] = (left + of * (WIDTH + GAP), MARGIN + at * (HEIGHT + BETWEEN))
    return spots


def _box(house: House, name: str, spot: Spot) -> list[str]:
    x, y = spot
    own = [module for module in house.trees if package(module) == name]
    rings = [ring for ring in cycles(house.imports) if package(ring[0]) == name]
    files = "1 module" if len(own) == 1 else f"{len(own)} modules"
    counted = f"{files}, {sum(house.lines[module] for module in own):,} lines"
    rooms = Counter(module.split(".")[2] for module in own if module.count(".") > 2)
    texts = [("name", name), ("", counted)]
    texts += [("wrong", f"cycle of {len(ring)} modules") for ring in rings]
    texts += [("", line) for line in _wrapped(list(rooms), ROOM_LINES - len(rings))]
    box = f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="4"/>'
    return [box, *(_text(x + 6, y + 15 + 13 * at, kind, text) for at, (kind, text) in enumerate(texts))]


def _ground(house: House, wide: float, y: float) -> list[str]:
    names = sorted(name for name, layer in house.layers.items() if layer == 0)
    own = [module for module in house.trees if package(module) in names]
    texts = [
        ("name", ", ".join(names)),
        ("", f"{len(own)} modules, {sum(house.lines[module] for module in own):,} lines, which all above import from"),
        ("", f"{len(house.arrows_above)} arrows are drawn, the wider the more modules import by it"),
    ]
    box = f'<rect x="{MARGIN}" y="{y:g}" width="{wide - 2 * MARGIN:g}" height="{GROUND}" rx="4"/>'
    return [box, *(_text(MARGIN + 6, y + 15 + 14 * at, kind, text) for at, (kind, text) in enumerate(texts))]


def _arrows(house: House, spots: Mapping[str, Spot]) -> list[str]:
    above = house.arrows_above
    straight: dict[str, set[str]] = defaultdict(set)
    for own, other in above:
        straight[own].add(other)
    pale = {pair for pair in above if _is_implied(pair, straight)}
    ordered = sorted(above, key=lambda pair: (pair not in pale, pair))
    return [_arrow(spots[own], spots[other], above[own, other], (own, other) in pale) for own, other in ordered]


def _is_implied(pair: tuple[str, str], straight: Mapping[str, set[str]]) -> bool:
    """Whether a way of two arrows or more leads there, too."""
    waiting = list(straight[pair[0]] - {pair[1]})
    seen: set[str] = set()
    while waiting:
        at = waiting.pop()
        if pair[1] in straight.get(at, ()):
            return True
        waiting += straight.get(at, set()) - seen
        seen.add(at)
    return False


def _arrow(own: Spot, other: Spot, imports: int, is_pale: bool) -> str:
    (x, y), (u, v) = own, other
    x, u = x + WIDTH / 2, u + WIDTH / 2
    if y == v:  # of one row: an arc above it
        high = y - min(BETWEEN - 6, 12 + abs(u - x) / 12)
        way = f"M{x:.0f} {y}C{x:.0f} {high:.0f} {u:.0f} {high:.0f} {u:.0f} {v}"
    else:
        down = (v - y - HEIGHT) / 2 * (1 if v > y else -1)
        way = f"M{x:.0f} {y + HEIGHT}C{x:.0f} {y + HEIGHT + down:.0f} {u:.0f} {v - down:.0f} {u:.0f} {v}"
    kind = ' class="implied"' if is_pale else ""
    return f'<path d="{way}" stroke-width="{0.6 + math.log10(imports):.1f}"{kind} marker-end="url(#head)"/>'


def _wrapped(words: list[str], most: int) -> list[str]:
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > ROOM_CHARS:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1] + " ..."]


def _text(x: float, y: float, kind: str, text: str) -> str:
    of = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{of}>{escape(text)}</text>'
