"""The request in hand: who asks for what from where, wherever the program is just then."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

NOBODY = "-"
LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing; everything else is a write."""
_PROCESS, _NUMBERS = str(uuid4())[:-12], count()


@dataclass
class Key:
    """What a program calls a write by, to send it again without having it done again."""

    text: str
    digest: bytes
    """Of everything that makes the write what it is."""
    is_taken: bool = False
    """It is in a transaction that was committed."""


def next_id() -> str:
    """A UUID of version 4: the process's by chance, the request's by counting, which costs a tenth of chance."""
    return f"{_PROCESS}{next(_NUMBERS):012x}"


@dataclass
class Asked:
    """One request of HTTP, from its first byte to the row that says what became of it."""

    method: str
    path: str
    address: str
    request_id: str = field(default_factory=next_id)
    started_s: float = field(default_factory=time.perf_counter)
    who: str = NOBODY
    outcome: str = "done"
    """Or the code of the problem it ended with."""
    same_for: tuple[str, str] | None = None
    """The right and the site whose holders are all told the same for a moment (`hot`); None: this asker alone."""
    is_kept: bool = False
    """Its row in the log of writes is in a transaction that was committed."""

    key: Key | None = None
    """Of the header ``Idempotency-Key``."""
    is_rehearsal: bool = False
    """Everything is checked and done, and taken back before it counts (``dry_run``)."""

    @property
    def is_write(self) -> bool:
        return self.method not in LOOKING


_hand: ContextVar[Asked] = ContextVar("asked")


def take(asked: Asked) -> None:
    """From here on this request is the one in hand."""
    _hand.set(asked)


def in_hand() -> Asked:
    """The request that is being answered; outside of one, a request of nobody for nothing."""
    return _hand.get(None) or Asked("GET", "", NOBODY)
