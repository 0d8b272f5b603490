"""What is told: one message, as it goes from the hub to whoever follows its topic."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def stamp(at: datetime) -> str:
    """An instant as it is sent."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def written(said: dict[str, Any]) -> str:
    """A message as text; what PostgreSQL calls NaN is no number of JSON and has been left out before."""
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class Told:
    """One message.

    Attributes:
        topic: what it is about; a client follows topics.
        site: whose it is; None: of the whole installation, for those who see all sites.
        kind: its ``type`` on the wire.
        replaces: messages with the same value say the same thing newer; None: an event, which nothing replaces.
        merge: of what only says what is new: the older body and the newer one -> one that says both.
    """

    topic: str
    site: str | None
    kind: str
    body: dict[str, Any] = field(default_factory=dict)
    replaces: Hashable | None = None
    merge: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] | None = None


@dataclass(frozen=True)
class Numbered:
    """A message with its place in the order of all."""

    seq: int
    at: datetime
    told: Told

    @functools.cached_property
    def wire(self) -> str:
        """As it is sent, to all alike."""
        told = self.told
        return written({"type": told.kind, "seq": self.seq, "ts": stamp(self.at), "topic": told.topic, **told.body})
