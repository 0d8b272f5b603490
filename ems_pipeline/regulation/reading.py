"""Headings and lists become levels and tasks, tables as `tables` reads them; the whole document a draft."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ems_pipeline.regulation import tables, words
from ems_pipeline.regulation.draft import Draft, DraftLevel, DraftTask, Place, Unread
from ems_pipeline.regulation.source import Page, Row

BULLET = re.compile(
    r"^(?:[-–—•*·▪●○□☐]|\(?\d{1,3}(?:\.\d{1,3})*[.)]|\d{1,3}(?:\.\d{1,3})+|[a-zа-я][.)])\s+(?=\S)", re.IGNORECASE
)
PAGE_NUMBER = re.compile(
    r"^(?:page|стр\.?|страница|strana|-)?\s*\d{1,4}(?:\s*(?:/|of|из|z)\s*\d{1,4})?\s*-?$", re.IGNORECASE
)
LONGEST_HEAD = 100


@dataclass
class _Reader:
    """Where the reading stands: the level of the last heading, and the task that a line may go on with."""

    draft: Draft
    level: str | None = None
    system: str | None = None
    is_open: bool = False
    head: tables.Head | None = None

    def line(self, text: str, at: Place) -> None:
        item = BULLET.match(text)
        if item is None and self._is_head(text):
            self._take_head(text, at)
        elif item is not None:
            self._take_item(text[item.end() :], at)
        elif self.is_open and (text[0].islower() or self.draft.tasks[-1].text.endswith((",", "-"))):
            self._go_on(text)
        else:
            self.is_open = False
            self.draft.unread.append(Unread(text, at, "no heading, no line of a list, no row of a table"))

    def _is_head(self, text: str) -> bool:
        if len(text) > LONGEST_HEAD or text.endswith((".", ";")):
            return False
        named = words.levels(text)
        return len(named) == 1 or (not named and bool(words.interval(text)) and words.kind(text) is None)

    def _take_head(self, text: str, at: Place) -> None:
        told, named = words.interval(text, is_told=True), words.levels(text)
        by_interval = f"{told.hours:g}h" if told.hours is not None else f"{told.months}mo"
        self.level, self.is_open, self.system = named[0] if named else by_interval, False, None
        doubts = (told.doubt,) if told.doubt else ()
        self.draft.levels.append(DraftLevel(self.level, told.hours, told.months, at, doubts))

    def _take_item(self, text: str, at: Place) -> None:
        told = words.interval(text)
        told_of = DraftTask(text, at, self.level, told.hours, told.months, words.kind(text), self.system)
        self.draft.tasks.append(_doubting(told_of, told))
        self.is_open = True

    def _go_on(self, text: str) -> None:
        """The line before goes on here; its interval may, too."""
        before = self.draft.tasks.pop()
        whole = f"{before.text[:-1]}{text}" if before.text.endswith("-") else f"{before.text} {text}"
        told = words.interval(whole)
        anew = replace(before, text=whole, hours=told.hours, months=told.months, kind=words.kind(whole), doubts=())
        self.draft.tasks.append(_doubting(anew, told))

    def table(self, rows: Sequence[Row], page: int) -> None:
        found = tables.read(rows, page, self.head, self.level)
        self.head, self.is_open = found.head or self.head, False
        self.draft.levels += found.levels
        self.draft.tasks += found.tasks
        self.draft.unread += found.unread


def _doubting(task: DraftTask, told: words.Interval) -> DraftTask:
    return replace(task.doubted(told.doubt), is_interval_known=not told.doubt)


def draft(pages: Iterable[Page], source: str) -> Draft:
    """The draft of a document that is called ``source``."""
    pages = list(pages)
    reader = _Reader(Draft(source, words.language("\n".join(line for page in pages for line in page.lines))))
    for page in pages:
        if page.has_turned:
            why = "what is written on its side is read in tables alone: look at this page"
            reader.draft.unread.append(Unread("", Place(page.number, 1), why))
        begins = {table[0].line: table for table in page.tables}
        for number, text in enumerate(page.lines, start=1):
            if number in begins:
                reader.table(begins[number], page.number)
            if number in page.tabled or not text or PAGE_NUMBER.match(text):
                continue
            reader.line(text, Place(page.number, number))
    return _settled(reader.draft)


def _settled(found: Draft) -> Draft:
    """Levels once each, and tasks with the level that has their interval where they name none."""
    found.levels = _once(found.levels)
    by_hours = {one.hours: one.level for one in found.levels if one.hours is not None}
    named = {one.level for one in found.levels}
    tasks = []
    for task in found.tasks:
        level = task.level
        if level is None and task.hours in by_hours:
            level = by_hours[task.hours]
        settled = replace(task, level=level)
        if level is None:
            settled = settled.doubted("of which level it is, is not said")
        elif level not in named:
            found.levels.append(DraftLevel(level, None, None, task.at, ("its interval is not said",)))
            named.add(level)
        tasks.append(_without_its_levels(settled, found.levels))
    found.tasks = tasks
    return found


def _without_its_levels(task: DraftTask, levels: Iterable[DraftLevel]) -> DraftTask:
    """An interval that is the level's own is not said again: the level may be corrected for all of its tasks."""
    own = next((one for one in levels if one.level == task.level), None)
    is_same = (
        task.is_interval_known
        and own is not None
        and task.hours in (None, own.hours)
        and task.months in (None, own.months)
    )
    return replace(task, hours=None, months=None) if is_same else task


def _once(levels: Iterable[DraftLevel]) -> list[DraftLevel]:
    """What is said of a level in several places, together; where they differ nothing is taken."""
    found: dict[str, DraftLevel] = {}
    for one in levels:
        former = found.get(one.level)
        found[one.level] = one if former is None else _merged(former, one)
    return sorted(found.values(), key=lambda one: (one.hours or 1e9, one.months or 1e9, one.level))


def _merged(one: DraftLevel, other: DraftLevel) -> DraftLevel:
    doubts = list(dict.fromkeys([*one.doubts, *other.doubts]))
    values = {}
    for name in ("hours", "months"):
        said = {value for level in (one, other) if (value := getattr(level, name)) is not None}
        values[name] = said.pop() if len(said) == 1 else None
        if said and values[name] is None:
            doubts.append(f"{name} differ: {one.at} and {other.at}")
    return replace(one, hours=values["hours"], months=values["months"], doubts=tuple(doubts))
