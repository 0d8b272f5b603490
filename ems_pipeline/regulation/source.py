"""A document as pages of lines and tables, within bounds of size, pages and time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain, printable

MOST_BYTES, MOST_PAGES, MOST_LINES = 20 * 1024 * 1024, 200, 20_000
LONGEST_S = 60.0
LONGEST_LINE = 1000
LIBRARY = "`pip install pdfplumber`, or save the document as text and import that"


class UnreadableRegulation(EmsError, ValueError):
    """A document that cannot be read."""


@dataclass(frozen=True)
class Row:
    """A row of a table and the line it begins at; a cell that is joined with its neighbour is empty."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """``lines`` from 1 on are those of the page as one reads it; ``tabled``: lines that stand in a table."""

    number: int
    lines: tuple[str, ...]
    tables: tuple[tuple[Row, ...], ...] = ()
    tabled: frozenset[int] = frozenset()
    has_turned: bool = False
    """Something is written on its side; outside of tables that is not among the lines."""


def read(path: Path, longest_s: float = LONGEST_S) -> list[Page]:
    """The pages of a PDF or of a text.

    Raises:
        UnreadableRegulation: it is too large, takes too long, is a picture of a text, or neither PDF nor text.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UnreadableRegulation(
            f"{path.name} has {size / 1e6:.0f} MB, and {MOST_BYTES / 1e6:.0f} are the most",
            "import the pages with the maintenance tables alone",
        )
    with path.open("rb") as file:
        is_pdf = b"%PDF-" in file.read(1024)
    pages = _of_pdf(path, longest_s) if is_pdf else _of_text(path)
    if sum(len(page.lines) for page in pages) > MOST_LINES:
        raise UnreadableRegulation(f"{path.name} has more than {MOST_LINES} lines", "import a part of it")
    if not any(line.strip() for page in pages for line in page.lines):
        raise UnreadableRegulation(
            f"{path.name} holds no text: its pages are pictures, as a scanner makes them" if is_pdf else
            f"{path.name} is empty",
            "run it through text recognition first (`ocrmypdf in.pdf out.pdf`), and import what comes out" if is_pdf
            else "name another file",
        )  # fmt: skip
    return pages


def _of_pdf(path: Path, longest_s: float) -> list[Page]:
    """By a process of its own: a PDF is a program of a stranger's, and some never end or take all memory."""
    command = [
        sys.executable,
        "-m",
        "ems_pipeline.regulation.pdf",
        str(path.resolve()),
        str(MOST_PAGES),
        str(longest_s),
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=longest_s, check=False)
    except subprocess.TimeoutExpired:
        raise UnreadableRegulation(
            f"{path.name} was not read within {longest_s:g} s", "import the pages with the maintenance tables alone"
        ) from None
    try:
        said = json.loads(done.stdout)
        if "fault" in said:
            raise UnreadableRegulation(f"{path.name}: {plain(said['fault'])}", plain(said["remedy"]))
        return [_page(**one) for one in said["pages"]]
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, UnreadableRegulation):
            raise
        raise UnreadableRegulation(
            f"{path.name} is a PDF that cannot be read (its reader ended with {done.returncode})",
            "print it into a new PDF, or save it as text",
        ) from None


def _page(
    number: int, lines: Sequence[str], tables: Sequence[Sequence[tuple[int, Sequence[str | None]]]],
    tabled: Sequence[int], has_turned: bool = False,
) -> Page:  # fmt: skip
    rows = tuple(tuple(Row(line, tuple(_clean(cell or "") for cell in cells)) for line, cells in one) for one in tables)
    return Page(number, tuple(map(_clean, lines)), rows, frozenset(tabled), has_turned)


def _clean(text: str) -> str:
    """One line; a word that was divided at a line's end is joined again."""
    joined = text.replace("\u00ad\n", "").replace("\u00ad", "")
    return plain(" ".join(printable(joined).split()), LONGEST_LINE)


def _of_text(path: Path) -> list[Page]:
    data = path.read_bytes()
    if b"\0" in data:
        raise UnreadableRegulation(f"{path.name} is neither PDF nor text", "save it as PDF, or as text in UTF-8")
    for encoding in ("utf-8-sig", "cp1251"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise UnreadableRegulation(f"{path.name} is no text in UTF-8", "save it as text in UTF-8")
    return [_text_page(number, part) for number, part in enumerate(text.split("\f"), start=1)]


def _text_page(number: int, text: str) -> Page:
    """Lines with the same sign between columns, one after another, are a table."""
    lines = text.splitlines()
    tables: list[list[tuple[int, list[str]]]] = []
    before = 0
    for i, line in enumerate(lines, start=1):
        sign = next((sign for sign in ("|", "\t") if sign in line.strip()), None)
        cells = [] if sign is None else line.strip().strip(sign).split(sign)
        if len(cells) < 2 or not any(cell.strip(" -:=+") for cell in cells):
            before = i if sign is not None and before == i - 1 else 0  # the rule below a table's head
            continue
        if before != i - 1 or not tables:
            tables.append([])
        tables[-1].append((i, [cell.strip() for cell in cells]))
        before = i
    whole = [table for table in tables if len(table) > 1]
    return _page(number, lines, whole, [line for table in whole for line, _ in table])
