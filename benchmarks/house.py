"""The house in numbers and as a picture: who imports whom, cycles, lines, what stands twice; of any revision.

    python benchmarks/house.py [REVISION ...] [--arrows] [--twice] [--svg FOLDER] [--json FILE]

Without a revision the files as they stand are measured. Several are shown side by side, the first is the reference.
An import counts wherever it stands, inside functions, too; migrations are left out. `--arrows` and `--twice` list what
was counted in the last of them, `--svg` writes a picture of each (`house_picture.py`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median

import house_picture
from house_code import LONG_LINES, TWICE_LINES, House, cycles, house_of

STANDING = "as it stands"


def measured(house: House) -> dict[str, float]:
    """What is counted, by name."""
    lines = [count for _, _, count in house.functions]
    rings = cycles(house.imports)
    packages = {own: {other for at, other in house.arrows if at == own} for own, _ in house.arrows}
    return {
        "modules": len(house.lines),
        "lines": sum(house.lines.values()),
        "lines per module, median": median(house.lines.values()),
        "lines per module, most": max(house.lines.values()),
        "functions": len(lines),
        "lines per function, median": median(lines),
        "lines per function, most": max(lines),
        f"functions over {LONG_LINES} lines": sum(count > LONG_LINES for count in lines),
        "arrows between packages": len(house.arrows),
        "of them above the lowest layer": len(house.arrows_above),
        "cycles of packages": len(cycles(packages)),
        "cycles of modules": len(rings),
        "modules in them": sum(map(len, rings)),
        "cycles of modules when loaded": len(cycles(house.imports_when_loaded)),
        "modules that read the environment": len(house.read_environment),
        f"places of {TWICE_LINES} lines that stand twice": len(house.twice),
    }


def rows(figures: dict[str, dict[str, float]]) -> list[dict[str, object]]:
    """What `--json` writes: the first revision is the reference of all."""
    first = next(iter(figures.values()))
    return [
        {
            "name": f"{name}/{revision}",
            "value": value,
            "unit": "1",
            "reference": first[name],
            "ratio": value / first[name] if first[name] else None,
        }
        for revision, of in figures.items()
        for name, value in of.items()
    ]


def table(figures: dict[str, dict[str, float]]) -> str:
    """In Markdown, a column per revision."""
    names = next(iter(figures.values()))
    cells = [[name, *(f"{of[name]:,g}" for of in figures.values())] for name in names]
    return "\n".join(f"| {' | '.join(row)} |" for row in [["", *figures], ["---", *["---:"] * len(figures)], *cells])


def main() -> None:
    """What the module's docstring says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revisions", nargs="*")
    parser.add_argument("--arrows", action="store_true")
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    houses = {revision: house_of(revision) for revision in asked.revisions} or {STANDING: house_of(None)}
    figures = {revision: measured(house) for revision, house in houses.items()}
    print(table(figures))
    last = list(houses.values())[-1]
    if asked.arrows:
        print(*(f"{own} -> {other}: {count}" for (own, other), count in sorted(last.arrows.items())), sep="\n")
        print(*(f"cycle: {', '.join(ring)}" for ring in cycles(last.imports)), sep="\n")
    if asked.twice:
        print(*(f"{count} lines: {a}, {b}" for count, a, b in reversed(last.twice)), sep="\n")
    if asked.svg:
        for revision, house in houses.items():
            file = asked.svg / f"{revision.replace(' ', '-')}.svg"
            file.write_text(house_picture.drawn(house, f"Packages, {revision}"), encoding="utf-8")
    if asked.json:
        asked.json.write_text(json.dumps(rows(figures), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
