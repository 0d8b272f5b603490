"""Alarms as one message: merged, worst first, and never longer than a service takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from ems_pipeline.notify.notice import Message, Notice
from ems_pipeline.plain_text import paragraph

LONGEST = 4096
"""UTF-16 units of a Telegram message, the shortest of all ways; what stands outside the BMP counts twice there."""
LONGEST_ALARM = 1000
"""Characters of one alarm: where it is and what to do comes first."""
AGAIN = "Perhaps told before: the line broke after it was said."


def units(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitting(notices: Sequence[Notice], most: int = LONGEST) -> list[Notice]:
    """As many of them, from the first on, as go into one message; one at least."""
    room = most - units(AGAIN) - 60  # the head, and how many more there are
    found: list[Notice] = []
    for notice in notices:
        room -= units(_line(notice)) + 1
        if found and room < 0:
            break
        found.append(notice)
    return found


def merged(notices: Sequence[Notice], *, is_again: bool, more: int = 0) -> Message:
    """One message about all of them.

    Args:
        is_again: some of it may have arrived before.
        more: how many follow in a message of their own.
    """
    worst = notices[0]
    where = "/".join(part for part in (worst.site, worst.device) if part) or "installation"
    others = f" and {len(notices) - 1 + more} more" if len(notices) + more > 1 else ""
    lines = [*([AGAIN] if is_again else []), *map(_line, notices), *([f"({more} more follow)"] if more else [])]
    said = ",".join(f"{notice.number}:{notice.severity}" for notice in notices)
    key = hashlib.sha256(said.encode()).hexdigest()[:24]
    return Message(f"{worst.severity}: {where}: {worst.kind}{others}", "\n".join(lines), key, severity=worst.severity)


def _line(notice: Notice) -> str:
    return paragraph(str(notice), LONGEST_ALARM)


def parts(text: str, most: int = LONGEST) -> Iterator[str]:
    """A text in pieces that a service takes, broken between lines where that is possible."""
    piece = ""
    for line in text.split("\n"):
        while units(line) > most:
            head = _head(line, most)
            if piece:
                yield piece
                piece = ""
            yield head
            line = line[len(head) :]
        longer = f"{piece}\n{line}" if piece else line
        if units(longer) > most:
            yield piece
            longer = line
        piece = longer
    if piece:
        yield piece


def _head(line: str, most: int) -> str:
    end = min(len(line), most)
    while units(line[:end]) > most:
        end -= 1
    return line[:end]
