"""Hours of running: our own sum of what an hour meter went on by. Its register is evidence, not the sum.

Registers of such controllers have 16 bits and begin anew after 65535 h; meters are replaced, read torn, or stick. A
reading that no running explains adds nothing: it is held until a person says what it is, or until one comes that does
not go on from it. Waiting explains nothing: a meter that has jumped by 100 h has not run them four days later.
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


def added(before: Reading, now: Reading, doubted: Reading | None = None) -> Added:
    """What was run between two readings of the same meter, the earlier one believed.

    ``doubted`` came between them and was not believed: what goes on from it is as doubtful as it was.
    """
    elapsed_h = (now.taken_at - before.taken_at) / HOUR
    hours = _possible_h(before, now)
    is_the_same_doubt = doubted is not None and _possible_h(doubted, now) is not None
    if hours is not None and not is_the_same_doubt:
        return Added(hours)
    span = f"{before.register_h:g} h to {now.register_h:g} h within {elapsed_h:.1f} h"
    if elapsed_h < 0:
        return Added(None, f"{span}: it is older than what is known")
    if hours is not None and doubted is not None:
        return Added(None, f"{span}: it goes on from {doubted.register_h:g} h, which was not believed")
    went_back = now.register_h < before.register_h
    return Added(None, f"{span}: {'it went back' if went_back else 'no engine runs that fast'}")


def _possible_h(before: Reading, now: Reading) -> float | None:
    """What an engine may have run between two readings, over the end of the register, too; None: no engine does."""
    elapsed_h = (now.taken_at - before.taken_at) / HOUR
    went_h = now.register_h - before.register_h
    for possible_h in (went_h, went_h + WRAPS_AT_H):
        if elapsed_h >= 0 and 0 <= possible_h <= FASTEST * elapsed_h + SLACK_H:
            return possible_h
    return None
