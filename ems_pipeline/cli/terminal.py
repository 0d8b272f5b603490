"""What a terminal is shown: text as it stands, never as markup, and nothing in it that would steer the screen.

Everything the command line prints goes through `words` or a row of `Rows`; a test sees to it. Names, reasons and alarms
come from files, devices and tokens: ``[pack]`` in them is no style, ``[/b]`` no mistake, ESC no command.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ems_pipeline.plain_text import paragraph

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def words(text: object, style: str = "") -> Text:
    """Text to print."""
    return Text(paragraph(text), style)


class Rows(Table):
    """A table of texts."""

    def add_row(self, *cells: object) -> None:  # type: ignore[override]
        """A row; a `Text` keeps its style."""
        super().add_row(*(cell if isinstance(cell, Text) else words(cell) for cell in cells))


def local(at: datetime, zone: ZoneInfo) -> str:
    """An instant as the clock on the site's wall shows it, with its offset from UTC: ``2026-10-25 02:30+02:00``."""
    return at.astimezone(zone).isoformat(" ", "minutes")
