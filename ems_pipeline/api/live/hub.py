"""Who is told what: a bounded queue per client, and the last messages for those who come back.

The laws, whatever a client does:

* Every message that a client should have got is sent to it, or lies in a ``gap`` that is sent to it. Nothing is dropped
  silently.
* Of messages that replace each other only the newest waits; one that says only what is new takes over what the older
  one said. Events wait all, until there are `WAITING` of them.
* A client costs at most `WAITING` messages. One that lets `DROPPED` go by is not served any longer.
* Numbers rise, over a restart, too: they begin with the microseconds of the clock.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ems_pipeline.api.live.told import Numbered, Told, stamp, written
from ems_pipeline.time_grid import Clock

WAITING = 256
KEPT = 4096
"""Messages kept for those who come back."""
DROPPED = 5000
"""Messages that did not wait, between two that were taken: whoever is that slow gets nothing but gaps."""
EVERYBODY = "*"
"""Topic of what concerns whoever listens."""


class TooSlow(RuntimeError):
    """The client takes so little that it only ever gets gaps."""


@dataclass(eq=False)
class Seat:
    """One client: what it follows, what it may see, what waits for it."""

    sites: frozenset[str] | None
    topics: set[str] = field(default_factory=set)
    _waiting: OrderedDict[Hashable, Numbered] = field(default_factory=OrderedDict)
    _gap: tuple[int, int] | None = None
    _dropped: int = 0
    _something: asyncio.Event = field(default_factory=asyncio.Event)

    def wants(self, told: Told) -> bool:
        """Whether this client follows it and may see it."""
        if told.topic == EVERYBODY:
            return True
        sees = self.sites is None or (told.site is not None and told.site in self.sites)
        return sees and told.topic in self.topics

    def offer(self, message: Numbered) -> None:
        """Let it wait here, if it is wanted."""
        if not self.wants(message.told):
            return
        key = message.seq if message.told.replaces is None else (message.told.topic, message.told.replaces)
        older = self._waiting.get(key)
        if older is not None and older.seq >= message.seq:
            return  # told again to one who came back, while it waits here
        if older is not None:
            del self._waiting[key]
            if message.told.merge is None:
                self.miss(older.seq, older.seq)
            else:
                body = message.told.merge(older.told.body, message.told.body)
                message = replace(message, told=replace(message.told, body=body))
        self._waiting[key] = message
        if len(self._waiting) > WAITING:
            _, oldest = self._waiting.popitem(last=False)
            self.miss(oldest.seq, oldest.seq)
            self._dropped += 1
        self._something.set()

    def miss(self, first: int, last: int) -> None:
        """Messages from the first to the last number will not come; said before anything else."""
        before = self._gap or (first, last)
        self._gap = min(before[0], first), max(before[1], last)
        self._something.set()

    async def wait(self) -> None:
        """Until there is something to take."""
        await self._something.wait()

    def take(self) -> list[str]:
        """What waits, as it is sent.

        Raises:
            TooSlow: see there.
        """
        if self._dropped > DROPPED:
            raise TooSlow
        taken = [] if self._gap is None else [gap(*self._gap)]
        taken += [message.wire for message in sorted(self._waiting.values(), key=lambda m: m.seq)]
        self._waiting.clear()
        self._gap, self._dropped = None, 0
        self._something.clear()
        return taken


def gap(first: int, last: int) -> str:
    """Told to a client that something did not reach it: it reads again what it follows."""
    return written({"type": "gap", "from_seq": first, "to_seq": last})


class Hub:
    """All clients of a process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seats: set[Seat] = set()
        self._kept: deque[Numbered] = deque(maxlen=KEPT)
        self._first = self.seq = int(clock.now().timestamp() * 1e6)

    @property
    def clients(self) -> int:
        """How many."""
        return len(self._seats)

    def join(self, sites: frozenset[str] | None) -> Seat:
        """A place for a client that sees these sites (None: all)."""
        seat = Seat(sites)
        self._seats.add(seat)
        return seat

    def leave(self, seat: Seat) -> None:
        """Give it back."""
        self._seats.discard(seat)

    def followed(self) -> set[str]:
        """Topics that somebody follows."""
        return {topic for seat in self._seats for topic in seat.topics}

    def publish(self, messages: Iterable[Told]) -> None:
        """Tell everybody who wants it."""
        for told in messages:
            self.seq += 1
            numbered = Numbered(self.seq, self._clock.now(), told)
            self._kept.append(numbered)
            for seat in self._seats:
                seat.offer(numbered)

    def lost(self) -> None:
        """Something may have happened that nobody told us: everybody reads again."""
        self.seq += 1
        self._kept.clear()
        self._first = self.seq
        for seat in self._seats:
            seat.miss(self.seq, self.seq)

    def resume(self, seat: Seat, topics: Iterable[str], since_seq: int) -> None:
        """Let wait what a client that was here before has not got of these topics."""
        wanted = set(topics)
        before = self._kept[0].seq - 1 if len(self._kept) == KEPT else self._first
        if since_seq > self.seq:
            seat.miss(self._first, self.seq)  # of another process, with a clock that went back
        elif since_seq < before:
            seat.miss(since_seq + 1, before)
        for message in self._kept:
            if message.seq > since_seq and message.told.topic in wanted:
                seat.offer(message)

    def greeting(self) -> dict[str, Any]:
        """Where the order of messages stands."""
        return {"seq": self.seq, "ts": stamp(self._clock.now())}
