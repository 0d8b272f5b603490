"""Tables become tasks: rows of work with marks below levels, or with an interval beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ems_pipeline.regulation import words
from ems_pipeline.regulation.draft import DraftLevel, DraftTask, Place, Unread
from ems_pipeline.regulation.source import Row

WORK = re.compile(
    r"task|work|operation|descri|item|what|работ|операц|наименован|содержан|что|činnost|úkon|popis|práce|operace",
    re.IGNORECASE,
)
SPAN = re.compile(r"interval|period|every|frequen|период|интервал|каждые|срок|interval|lhůt|perioda", re.IGNORECASE)
SYSTEM = re.compile(r"system|group|unit|assembly|систем|узел|агрегат|systém|skupina|celek", re.IGNORECASE)
MARKED = re.compile(r"^[xх×✓✔√●•■*+va-zа-яё/]{1,4}$", re.IGNORECASE)
BLANK = re.compile(r"^[-–—.\s]*$")


@dataclass(frozen=True)
class Head:
    """What the columns of a table hold."""

    work: int
    span: int | None
    system: int | None
    levels: Mapping[int, str]
    """By column."""
    width: int


@dataclass
class Tabled:
    """What was read in a table."""

    levels: list[DraftLevel] = field(default_factory=list)
    tasks: list[DraftTask] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    head: Head | None = None


def read(rows: Sequence[Row], page: int, known: Head | None, level: str | None) -> Tabled:
    """Tasks of a table.

    Args:
        known: head of the table before: one that goes on over a page has none of its own.
        level: of the heading above, for rows that name none themselves.
    """
    found = Tabled()
    start, found.head = 0, None
    for i, row in enumerate(rows[:3]):  # a head may be of two or three rows; the last that makes sense counts
        if (head := _head(row)) is not None:
            start, found.head = i + 1, head
            found.levels += _levels(row, head, page)
    if found.head is None and known is not None and known.width == len(rows[0].cells):
        found.head = known
    if found.head is None:
        found.unread = [_unread(row, page, "a table whose head names no work") for row in rows]
        return found
    for row in rows[: max(0, start - 1)]:
        found.unread.append(_unread(row, page, "above the head of a table"))
    _rows(rows[start:], page, found.head, level, found)
    return found


def _rows(rows: Sequence[Row], page: int, head: Head, level: str | None, found: Tabled) -> None:
    system: str | None = None
    for row in rows:
        filled = [cell for cell in row.cells if not BLANK.match(cell)]
        if not filled:
            continue
        if len(filled) == 1 and (head.levels or head.span is not None or head.work != row.cells.index(filled[0])):
            system = filled[0]  # a row of one cell across all columns
        elif BLANK.match(_cell(row, head.work)):
            found.unread.append(_unread(row, page, "a row without work"))
        else:
            found.tasks.append(_task(row, page, head, level, system))


def _head(row: Row) -> Head | None:
    """What a row says the columns hold; None: it is no head."""
    levels = {i: name for i, cell in enumerate(row.cells) if (name := _level_of(cell)) is not None}
    work = next((i for i, cell in enumerate(row.cells) if i not in levels and WORK.search(cell)), None)
    span = next((i for i, cell in enumerate(row.cells) if i not in levels and i != work and SPAN.search(cell)), None)
    system = next((i for i, cell in enumerate(row.cells) if i not in (work, span) and SYSTEM.search(cell)), None)
    if work is None or not (levels or span is not None or len(row.cells) > 1):
        return None
    is_sentence = any(len(cell) > 80 for cell in row.cells)
    return None if is_sentence else Head(work, span, system, levels, len(row.cells))


def _level_of(cell: str) -> str | None:
    """The level that a column is for: by its name, else by its interval."""
    named = words.levels(cell)
    if len(named) == 1:
        return named[0]
    told = words.interval(cell, is_told=True) if not named and len(cell) < 40 else words.Interval()
    if told.hours is not None:
        return f"{told.hours:g}h"
    return None if told.months is None else f"{told.months}mo"


def _levels(row: Row, head: Head, page: int) -> Iterator[DraftLevel]:
    for column, name in head.levels.items():
        told = words.interval(row.cells[column], is_told=True)
        doubts = (told.doubt,) if told.doubt else ()
        yield DraftLevel(name, told.hours, told.months, Place(page, row.line), doubts)


def _task(row: Row, page: int, head: Head, level: str | None, system: str | None) -> DraftTask:
    text, doubts = _cell(row, head.work), list[str]()
    marks = {column: cell for column in head.levels if not BLANK.match(cell := _cell(row, column))}
    if marks:
        level = head.levels[min(marks)]
        doubts += _doubts(marks, head)
    elif head.levels:
        level = None
        doubts.append("it is marked at no level")
    told = words.interval(_cell(row, head.span), is_told=True) if head.span is not None else words.interval(text)
    is_known = not told.doubt
    level = None if head.span is not None and told else level  # that of the level with this interval
    if head.span is not None and not told and not told.doubt and not BLANK.match(_cell(row, head.span)):
        named = words.levels(_cell(row, head.span))
        level, is_known = (named[0], True) if len(named) == 1 else (level, False)
        doubts += [] if is_known else [f"its interval is not understood: {_cell(row, head.span)}"]
    own = _cell(row, head.system) if head.system is not None and head.system not in head.levels else ""
    return DraftTask(
        text, Place(page, row.line), level, told.hours, told.months, words.kind(text), own or system,
        (*doubts, told.doubt) if told.doubt else tuple(doubts), is_known,
    )  # fmt: skip


def _doubts(marks: Mapping[int, str], head: Head) -> Iterator[str]:
    strange = [cell for cell in marks.values() if not MARKED.match(cell)]
    if strange:
        yield f"{strange[0]} is no mark that is known"
    if len({cell.lower() for cell in marks.values()}) > 1:
        yield f"marked differently: {', '.join(f'{head.levels[i]} {cell}' for i, cell in marks.items())}"
    lacking = [name for column, name in head.levels.items() if column > min(marks) and column not in marks]
    if lacking:
        yield f"not marked at {', '.join(lacking)}, which includes it all the same"


def _cell(row: Row, column: int) -> str:
    return row.cells[column] if column < len(row.cells) else ""


def _unread(row: Row, page: int, why: str) -> Unread:
    return Unread(" | ".join(cell for cell in row.cells if cell), Place(page, row.line), why)
