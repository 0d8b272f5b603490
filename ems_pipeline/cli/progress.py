"""How far a long piece of work has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ems_pipeline.cli.terminal import words
from ems_pipeline.plain_text import plain

LINES = 10
"""Lines of a piece of work where there is no terminal: a log shows that it goes on, and is not filled."""
OnStep = Callable[[str, int, int], None]
"""What is being done, how many are done, how many there are."""


@contextmanager
def steps(console: Console) -> Iterator[OnStep]:
    """Tell each step; of what is told without a terminal every tenth part is shown."""
    if console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task("starting", total=None)
            yield lambda what, done, of: bar.update(task, description=plain(what), completed=done, total=of)
        return
    shown: tuple[int, int] | None = None

    def line(what: str, done: int, of: int) -> None:
        nonlocal shown
        part = (of, LINES * done // max(of, 1))
        if part != shown:
            console.print(words(f"{done}/{of} {what}"))
            shown = part

    yield line


def _bar(console: Console) -> Progress:
    text = TextColumn("{task.description}", markup=False)
    return Progress(BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn(), text, console=console)
