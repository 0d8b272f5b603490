"""`ems maintenance import`, `drafts`, `confirm`: a regulation becomes a draft, and a draft a template."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.who import who

console = Console()
Number = Annotated[int, typer.Argument(help="Number of the draft.")]


def add_to(app: typer.Typer) -> None:
    """The commands, among those of maintenance."""
    app.command("import")(import_)
    app.command("drafts")(drafts)
    app.command("confirm")(confirm)


def import_(
    file: Annotated[Path, typer.Argument(help="PDF or text of the maker's regulation.", exists=True, dir_okay=False)],
    out: Annotated[
        Path | None, typer.Option(help="Write the draft to this YAML file, to correct it before it is confirmed.")
    ] = None,
) -> None:
    """Read a maintenance regulation as a draft: levels, tasks with page and line, and what could not be read."""
    from ems_pipeline.regulation import file as file_of_draft
    from ems_pipeline.regulation import reading, source
    from ems_pipeline.steps import regulations
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import drafts as table
    from ems_pipeline.warehouse import open_warehouse

    found = regulations.with_model(reading.draft(source.read(file), file.name[:200]))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with open_warehouse().begin() as connection:
        number, is_new = table.put(
            connection, found.source, digest, found.stored(), SystemClock().now(), f"local:{who()}"
        )
    levels = Rows("level", "hours", "months", "stands at", "doubts")
    for one in found.levels:
        levels.add_row(one.level, _shown(one.hours), _shown(one.months), str(one.at), "; ".join(one.doubts))
    console.print(levels)
    rows = Rows("code", "text", "level", "interval of its own", "kind", "system", "stands at", "doubts")
    for code, task in found.coded():
        own = " / ".join(part for part in (_with(task.hours, "h"), _with(task.months, "mo")) if part)
        rows.add_row(
            code, task.text, task.level or "?", own if task.is_interval_known else "?", task.kind or "?",
            task.system or "?", str(task.at), "; ".join(task.doubts),
        )  # fmt: skip
    console.print(rows)
    unread = Rows("could not be read", "stands at", "why")
    for line in found.unread:
        unread.add_row(line.text, str(line.at), line.why)
    console.print(unread)
    if out is not None:
        file_of_draft.write(out, found)
        console.print(words(f"{out} holds the draft: correct it, then `ems maintenance confirm {number} --file {out}`"))
    again = "" if is_new else ", read anew"
    console.print(
        words(f"draft {number} of {file.name}{again}: {len(found.tasks)} tasks, {len(found.unread)} lines unread")
    )


def drafts() -> None:
    """Drafts that nobody has confirmed yet."""
    from ems_pipeline.warehouse import drafts as table
    from ems_pipeline.warehouse import open_warehouse

    with open_warehouse().begin() as connection:
        found = table.listing(connection)
    rows = Rows("draft", "document", "read", "by", "levels", "tasks", "unread")
    for row in found.iter_rows(named=True):
        rows.add_row(
            str(row["draft_id"]), row["source"], f"{row['imported_at']:%Y-%m-%d %H:%M} UTC", row["imported_by"],
            str(row["levels"]), str(row["tasks"]), str(row["unread"]),
        )  # fmt: skip
    console.print(rows)


def confirm(
    draft: Number,
    template: Annotated[str, typer.Option(help="Key of the template that it becomes, e.g. our-engine.")],
    name: Annotated[str, typer.Option(help="Its name.")],
    file: Annotated[
        Path | None, typer.Option(help="The draft as you corrected it (`import --out`).", exists=True)
    ] = None,
    minutes: Annotated[int | None, typer.Option(help="Minutes that a line takes one person.", min=0)] = None,
    system: Annotated[str | None, typer.Option(help="Part of the engine of lines that name none.")] = None,
    kind: Annotated[str | None, typer.Option(help="Kind of lines that name none: check, clean, adjust, ...")] = None,
    level: Annotated[str | None, typer.Option(help="Level of lines that are of none.")] = None,
    interval: Annotated[
        list[str] | None, typer.Option(help="Interval of a level that has none, e.g. TO-2=500h,12mo.")
    ] = None,
    leave_out: Annotated[list[str] | None, typer.Option(help="Code of a line that is no task.")] = None,
    as_english: Annotated[bool, typer.Option(help="Show texts that are not English as they are.")] = False,
) -> None:
    """Confirm a draft: with your word for what the document does not say it becomes a template."""
    from ems_pipeline.maintenance.template import read
    from ems_pipeline.regulation import file as file_of_draft
    from ems_pipeline.regulation.confirm import Answers, document
    from ems_pipeline.warehouse import drafts as table
    from ems_pipeline.warehouse import maintenance, open_warehouse

    answers = Answers(
        template, name, system=system, kind=kind, minutes=minutes, level=level,
        levels=dict(map(file_of_draft.interval_of, interval or ())), left_out=frozenset(leave_out or ()),
        is_original_shown=as_english,
    )  # fmt: skip
    with open_warehouse().begin() as connection:
        stored = table.of_number(connection, draft)
        corrected = file_of_draft.read(file) if file is not None else file_of_draft.of_stored(stored)
        maintenance.acting_for(connection, who())
        new = read(document(corrected, answers))
        number = maintenance.add_template(connection, new)
        table.end(connection, draft, number)
    console.print(words(f"draft {draft} is template {template}, number {number}: {len(new.tasks)} tasks"))


def _shown(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _with(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:g} {unit}"
