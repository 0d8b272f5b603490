"""A figure of a benchmark as it is written down: its name, value and unit, what it stands beside, and their ratio."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Figure = dict[str, Any]


def figure(name: str, value: float, unit: str, reference: float | None = None) -> Figure:
    """One line of the result."""
    return {
        "name": name, "value": value, "unit": unit, "reference": reference,
        "ratio": value / reference if reference else None,
    }  # fmt: skip


def times(name: str, ratio: float) -> Figure:
    """How many times the bare loop's: the median of rounds, where both were run in turn."""
    return figure(name, ratio, "times the bare loop", 1.0)


def told(found: Sequence[Figure], file: Path | None) -> None:
    """Print a table, and write the same into a file."""
    print(*_lines(found), sep="\n", flush=True)
    if file is not None:
        file.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _lines(found: Sequence[Figure]) -> Iterable[str]:
    for one in found:
        beside = "" if one["reference"] is None else f"  beside {one['reference']:.4g}"
        beside += "" if one["ratio"] is None else f", ratio {one['ratio']:.2f}"
        yield f"{one['name']:34} {one['value']:10.4g} {one['unit']:28}{beside}"
