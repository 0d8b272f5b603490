"""What a terminal is shown: text as it stands, never as markup, and nothing in it that would steer the screen.

Everything the command line prints goes through `words` or a row of `Rows`; a test sees to it. Names, reasons and alarms
come from files, devices and tokens: ``[pack]`` in them is no style, ``[/b]`` no mistake, ESC no command.
"""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from ems_pipeline.plain_text import printable


def words(text: object, style: str = "") -> Text:
    """Text to print; space at its end goes."""
    return Text(printable(str(text)), style)


class Rows(Table):
    """A table of texts."""

    def add_row(self, *cells: object, **how: Any) -> None:
        """A row; a `Text` keeps its style."""
        super().add_row(*(cell if isinstance(cell, Text) else words(cell) for cell in cells), **how)
