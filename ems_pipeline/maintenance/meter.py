"""Hours of running: our own sum of what an hour meter went on by. Its register is evidence, not the sum.

Registers of such controllers have 16 bits and begin anew after 65535 h; meters are replaced, read torn, or stick. A
reading that no running explains adds nothing: it is held until a person says what it is, or the next one is possible.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

WRAPS_AT_H = 65536.0
"""A register of 16 bits: 65535 h is followed by 0."""
FASTEST, SLACK_H = 1.05, 1.0
"""A meter may go on by 5 % more than time passed, and by an hour: it counts in whole ones."""
HOUR = timedelta(hours=1)


class Reading(NamedTuple):
    """What a register said, h, and when."""

    register_h: float
    taken_at: datetime


class Added(NamedTuple):
    """What a reading adds to the sum, h; None: it is doubted, and ``doubt`` says why."""

    hours: float | None
    doubt: str = ""


def added(before: Reading, now: Reading) -> Added:
    """What was run between two readings of the same meter, the earlier one believed."""
    elapsed_h = (now.taken_at - before.taken_at) / HOUR
    most_h = FASTEST * elapsed_h + SLACK_H
    went_h = now.register_h - before.register_h
    for possible_h in (went_h, went_h + WRAPS_AT_H):
        if elapsed_h >= 0 and 0 <= possible_h <= most_h:
            return Added(possible_h)
    span = f"{before.register_h:g} h to {now.register_h:g} h within {elapsed_h:.1f} h"
    if elapsed_h < 0:
        return Added(None, f"{span}: it is older than what is known")
    return Added(None, f"{span}: {'it went back' if went_h < 0 else 'no engine runs that fast'}")
