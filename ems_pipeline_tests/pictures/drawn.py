"""Reads pictures back: elements by colour, paths as points."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

from ems_pipeline.pictures.palette import css_class

SVG = "{http://www.w3.org/2000/svg}"
MOVE = re.compile(r"([MmLlHhVvz])|(-?(?:\d+\.?\d*|\.\d+))")
Point = tuple[float, float]


def parsed(svg: str) -> ElementTree.Element:
    """Fails where it is not well-formed."""
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    """Every text, as it is read."""
    return ["".join(node.itertext()) for node in parsed(svg).iter(f"{SVG}text")]


def lines(svg: str, colour: str) -> list[ElementTree.Element]:
    """Paths in a colour, but for the swatch of a legend."""
    groups = [node for node in parsed(svg).iter(f"{SVG}g") if node.get("class") == css_class(colour)]
    return [path for node in groups for path in node.iter(f"{SVG}path") if not path.get("d", "").endswith("h14")]


def points(path: str) -> list[list[Point]]:
    """A path as runs of points."""
    runs: list[list[Point]] = []
    tokens = [letter or float(number) for letter, number in MOVE.findall(path)]
    x = y = 0.0
    at, move = 0, "M"
    while at < len(tokens):
        if isinstance(tokens[at], str):
            move, at = str(tokens[at]), at + 1
            if move == "z":
                continue
        numbers = [float(n) for n in tokens[at : at + (1 if move in "hvHV" else 2)]]
        at += len(numbers)
        match move:
            case "M":
                x, y = numbers
                runs.append([])
            case "l":
                x, y = x + numbers[0], y + numbers[1]
            case "L":
                x, y = numbers
            case "h" | "H":
                x = numbers[0] + (x if move == "h" else 0)
            case "v" | "V":
                y = numbers[0] + (y if move == "v" else 0)
            case _:
                raise AssertionError(f"{move} in {path}")
        runs[-1].append((round(x, 2), round(y, 2)))
    return runs


def height_at(path: str, x: float) -> list[float]:
    """Where the level pieces of a path are above a place: none in a gap."""
    pieces = [(a, b) for run in points(path) for a, b in pairwise(run)]
    return [a[1] for a, b in pieces if a[1] == b[1] and min(a[0], b[0]) < x < max(a[0], b[0])]
