"""Text from outside (devices, servers, files, tokens) made harmless once, where it comes in: printable and bounded.

What is not printable may not be stored (PostgreSQL takes no NUL, UTF-8 no lone surrogate), steers a terminal (ESC), or
makes a line read differently from what it says (direction marks); a device that repeats itself fills a table.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache

LONGEST = 500
"""Characters of a reason: enough for what went wrong and where, too little for a page of HTML."""
LONGEST_NAME = 100
"""Of what somebody called something: to compare takes time as the product of both lengths."""
LONGEST_PARAGRAPH = 4000
"""Characters of a text of several lines, such as all faults of a file."""


def nearest(name: str, known: Iterable[str], like: float = 0.6) -> str | None:
    """The known name most like one that is not: what was probably meant. None where none is ``like`` it (0..1)."""
    return next(iter(difflib.get_close_matches(name[:LONGEST_NAME], list(known), 1, like)), None)


def plain(text: object, longest: int = LONGEST) -> str:
    """One line of printable characters, ``longest`` at most; what is unprintable is shown as an escape (``\\x1b``)."""
    return _plain(str(text)[: 4 * longest], longest)  # cut first: a device may send megabytes


@lru_cache(maxsize=512)
def _plain(text: str, longest: int) -> str:
    """Known for what was said lately: a fleet says the same of many values every minute."""
    words = " ".join(text.split())
    shown = words if words.isprintable() else "".join(map(_shown, words))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def told(error: BaseException) -> str:
    """An error nobody foresaw, with its kind: of many the text alone says nothing (``KeyError: 'x'``)."""
    return plain(f"{type(error).__name__}: {error}")


def paragraph(text: object, longest: int = LONGEST_PARAGRAPH) -> str:
    """Like `plain`, but lines and their indentation stay."""
    shown = printable(str(text)[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def printable(text: str) -> str:
    """Lines of printable characters, however many."""
    lines = text.rstrip().splitlines()
    return "\n".join(line if line.isprintable() else "".join(map(_shown, line)) for line in lines)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else character.encode("unicode_escape").decode("ascii")
