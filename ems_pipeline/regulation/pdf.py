"""The one place that opens PDFs: a program that prints what stands on their pages as JSON, and ends within its bounds.

pdfplumber (MIT) finds lines and ruled tables. It is not installed with everything: who imports no PDF needs it not.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

GAP = 0.15
"""Of the size of print: letters further apart are of two words."""
SHIFT = 0.5
"""Points by which a letter is shifted that is printed twice to be bold."""
MOST_MEMORY = 2 << 30
"""Address space, bytes: pictures of a page are not drawn, and text of 200 pages needs a tenth of it."""


def main(path: str, most_pages: int, longest_s: float) -> int:
    """Print the pages of a file, or what is wrong with it."""
    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(longest_s) + 1, int(longest_s) + 1))
    print(json.dumps(_said(path, most_pages), ensure_ascii=True))
    return 0


def _said(path: str, most_pages: int) -> dict[str, Any]:
    from ems_pipeline.regulation.source import LIBRARY

    try:
        import pdfplumber
        from pdfplumber.utils.exceptions import PdfminerException
    except ImportError:
        return {"fault": "nothing here reads PDFs", "remedy": LIBRARY}
    try:
        with pdfplumber.open(path) as found:
            if len(found.pages) > most_pages:
                fault = f"it has {len(found.pages)} pages, and {most_pages} are the most"
                return {"fault": fault, "remedy": "import the pages with the maintenance tables alone"}
            return {"pages": [_page(page) for page in found.pages]}
    except PdfminerException as error:
        cause = type(error.args[0] if error.args else error).__name__
        if "Password" in cause:
            return {"fault": "it is locked by a password", "remedy": "save it without one"}
        return {"fault": f"it cannot be read as PDF ({cause})", "remedy": "print it into a new PDF, or save it as text"}


def _page(found: Any) -> dict[str, Any]:
    """Lines and tables of a page.

    Three things are undone that pdfplumber does (`findings/pdfplumber_*.sh`): letters that a program prints twice to
    make them bold are read twice, words of small print that stand at places of their own become one, and what is turned
    on its side is read backwards, its figures too.
    """
    is_spread = all(char["adv"] > 0 for char in found.chars)  # a font without widths stacks its letters in one place
    page = found.dedupe_chars(tolerance=SHIFT) if is_spread else found
    upright = page.filter(lambda one: one.get("upright", True))
    lines = [
        (line["text"], float(line["top"]), float(line["bottom"]))
        for line in upright.extract_text_lines(return_chars=False, x_tolerance_ratio=GAP)
    ]
    turned = [char for char in page.chars if not char["upright"]]
    tables, tabled = [], set[int]()
    for table in page.find_tables():
        texts = table.extract(x_tolerance_ratio=GAP)
        rows = [
            (_line(lines, row.bbox[1]), [_cell(text, box, turned) for text, box in zip(cells, row.cells, strict=False)])
            for row, cells in zip(table.rows, texts, strict=True)
        ]
        if len(rows) > 1 and max(len(cells) for _, cells in rows) > 1:
            tables.append(rows)
            tabled |= set(_within(lines, table.bbox[1], table.bbox[3]))
    found.close()
    return {
        "number": found.page_number, "lines": [text for text, *_ in lines], "tables": tables, "tabled": sorted(tabled),
        "has_turned": bool(turned),
    }  # fmt: skip


def _cell(text: str | None, box: Sequence[float] | None, turned: Sequence[Mapping[str, Any]]) -> str:
    """The text of a cell; one that is turned on its side in the direction in which it is written."""
    inside = [] if box is None else [char for char in turned if _holds(box, char)]
    if not inside:
        return text or ""
    is_upwards = inside[0]["matrix"][1] > 0
    inside.sort(
        key=lambda char: (round(char["x0"]), -char["bottom"]) if is_upwards else (-round(char["x0"]), char["top"])
    )
    said, before = "", None
    for char in inside:
        gap = 0.0 if before is None else max(before["top"] - char["bottom"], char["top"] - before["bottom"])
        is_apart = before is not None and (gap > GAP * char["size"] or round(char["x0"]) != round(before["x0"]))
        said, before = said + (" " if is_apart else "") + char["text"], char
    return said


def _holds(box: Sequence[float], char: Mapping[str, Any]) -> bool:
    x, y = (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


def _within(lines: list[tuple[str, float, float]], top: float, bottom: float) -> Iterator[int]:
    """Numbers of the lines whose middle lies between."""
    return (i for i, (_, above, below) in enumerate(lines, start=1) if top <= (above + below) / 2 <= bottom)


def _line(lines: list[tuple[str, float, float]], top: float) -> int:
    """The first line below the upper edge of a row; the last of all where it has none that stands upright."""
    return next((i for i, (_, above, below) in enumerate(lines, start=1) if (above + below) / 2 >= top), len(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
