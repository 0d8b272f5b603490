"""The tables of docs/sources.md: what is documented to happen when a source has a fault."""

from __future__ import annotations

from ems_pipeline_tests.conftest import ROOT

NO_FAULT = "-"


def documented(section: str) -> dict[tuple[str, str], str]:
    """State by source and fault, from the first table below the heading ``section``; impossible faults are left out."""
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").partition(f"## {section}\n")[2]
    lines = text.lstrip().splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: lines.index("")]]
    faults = table[0][1:]
    rows = {row[0].split("`")[1]: row[1:] for row in table[2:]}
    cells = {(source, fault): said for source, row in rows.items() for fault, said in zip(faults, row, strict=True)}
    return {key: said for key, said in cells.items() if said != NO_FAULT}
