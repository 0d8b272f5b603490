"""One client of ``/ws``: who it is first, then what it follows; asked again every minute whether it still may."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, NoReturn

from starlette.websockets import WebSocket, WebSocketDisconnect

from ems_pipeline import __version__
from ems_pipeline.api import bodies
from ems_pipeline.api.caller import Caller, holder, known
from ems_pipeline.api.live import topics
from ems_pipeline.api.live.hub import Seat, TooSlow
from ems_pipeline.api.live.told import stamp, written
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.web import Web

MOST_BYTES = 64 * 1024
"""Of a message of a client; the server of the process reads no longer ones."""
MOST_TOPICS = 200
MOST_WORDS = 40
"""Messages of a client in two seconds."""
GONE = (RuntimeError, OSError, WebSocketDisconnect)
"""What a socket raises whose client is no longer there, by who notices first."""
BAD, NOBODY, REFUSED, NO_AUTH, TOO_OFTEN, OVERLOAD, SILENT = 4400, 4401, 4403, 4408, 4429, 1013, 1001


@dataclass(frozen=True)
class Pace:
    """How long is waited for what, in seconds."""

    auth_s: float = 5.0
    heartbeat_s: float = 20.0
    recheck_s: float = 60.0
    send_s: float = 20.0
    metrics_s: float = 5.0


class Ended(Exception):
    """The conversation is over; ``code`` None: the client is gone."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Parley:
    """A conversation from its first word to its last."""

    def __init__(self, socket: WebSocket, web: Web, pace: Pace, needs: Sequence[str]) -> None:
        self._socket, self.web, self.pace, self._needs = socket, web, pace, needs
        self._token: str | None = None
        self._ends_at: datetime | None = None
        self._speaking = asyncio.Lock()
        self._slowest_s = 0.0
        self._untaken_since: float | None = None
        self._words: list[float] = []
        self._seat = Seat(frozenset())
        self.caller: Caller

    async def run(self, more: Callable[[Parley], Awaitable[NoReturn]] | None = None) -> None:
        """Until one of the two ends it; ``more`` speaks beside the answers."""
        await self._socket.accept()
        try:
            await self._greet()
            self._seat = self.web.hub.join(self.caller.sites)
            try:
                own = [self._hear(), self._tell(), self._look_again(), self._watch()]
                await _first_end([*own, *([more(self)] if more else [])])
            finally:
                self.web.hub.leave(self._seat)
        except Ended as ended:
            if ended.code is not None:
                with contextlib.suppress(*GONE):
                    await self._socket.close(ended.code, ended.reason[:100])

    async def say(self, kind: str, **body: Any) -> None:
        """Send one message."""
        await self._send(written({"type": kind, **self.web.hub.greeting(), **body}))

    async def _send(self, text: str) -> None:
        self._untaken_since = monotonic()
        try:
            await self._socket.send_text(text)
        except GONE:
            raise Ended(None, "gone") from None
        self._untaken_since = None

    async def _watch(self) -> NoReturn:
        """Whether the client takes what it is sent: a timer for each message would be a tenth of what that costs."""
        while True:
            await asyncio.sleep(self.pace.send_s / 2)
            since = self._untaken_since
            if since is not None and monotonic() - since > self.pace.send_s:
                raise Ended(None, "it takes nothing, not even that this is the end")

    async def _greet(self) -> None:
        await self.say("hello", version=__version__, heartbeat_s=self.pace.heartbeat_s)
        try:
            async with asyncio.timeout(self.pace.auth_s):
                word = await self._word()
        except TimeoutError:
            raise Ended(NO_AUTH, f"say who you are within {self.pace.auth_s:g} s") from None
        if word["type"] != "auth" or not isinstance(word.get("token"), str | None):
            raise Ended(NOBODY, "the first message is auth, with a token")
        self._token = word.get("token")
        self.caller = await self._who()
        self._allowed()
        if self._token is not None:
            self._ends_at = (await self.web.tokens.row(self._token))["expires_at"]
        await self.say(
            "authenticated", name=self.caller.name, resources=sorted(self.caller.resources),
            sites=self.caller.listed_sites,
            expires_at=None if self._ends_at is None else stamp(self._ends_at),
        )  # fmt: skip

    def _allowed(self) -> None:
        if not any(map(self.caller.may, self._needs)):
            raise Ended(REFUSED, f"this needs {' or '.join(self._needs)}")

    async def _who(self) -> Caller:
        """By the token that was said, or by the cookie or header that the connection came with."""
        try:
            if self._token is not None:
                return await holder(self.web, f"Bearer {self._token}")
            caller = await known(self.web, self._socket)
        except Problem as problem:
            if problem.status == 503:
                raise Ended(OVERLOAD, problem.code) from None
            raise Ended(TOO_OFTEN if problem.status == 429 else NOBODY, problem.code) from None
        if caller is None:
            raise Ended(NOBODY, "nobody is named")
        return caller

    async def _word(self) -> dict[str, Any]:
        """The next message of the client."""
        try:
            message = await self._socket.receive()
        except GONE:
            raise Ended(None, "gone") from None
        if message["type"] == "websocket.disconnect":
            raise Ended(None, "gone")
        text = message.get("text")
        if text is None or len(text) > MOST_BYTES:
            raise Ended(BAD, f"a message is text of at most {MOST_BYTES} bytes")
        try:
            said = bodies.check(text.encode("utf-8", "surrogatepass"))
        except Problem as problem:
            raise Ended(BAD, problem.detail) from None
        if not isinstance(said, dict) or not isinstance(said.get("type"), str):
            raise Ended(BAD, "a message is an object with a type")
        return said

    async def _hear(self) -> NoReturn:
        while True:
            try:
                async with asyncio.timeout(3 * self.pace.heartbeat_s):
                    word = await self._word()
            except TimeoutError:
                raise Ended(SILENT, f"nothing was heard for {3 * self.pace.heartbeat_s:g} s; send ping") from None
            now = monotonic()
            self._words = [at for at in self._words if now - at < 2] + [now]
            if len(self._words) > MOST_WORDS:
                raise Ended(TOO_OFTEN, "fewer messages, please")
            await self._answer(word)

    async def _answer(self, word: dict[str, Any]) -> None:
        kind, named = word["type"], word.get("topics")
        if kind == "ping":
            async with self._speaking:
                await self.say("pong")
        elif kind not in ("subscribe", "unsubscribe"):
            async with self._speaking:
                await self.say("error", code="unknown_type", remedy="send subscribe, unsubscribe or ping")
        elif not isinstance(named, list) or not all(isinstance(one, str) for one in named) or len(named) > MOST_TOPICS:
            raise Ended(BAD, f"topics is a list of at most {MOST_TOPICS} texts")
        elif kind == "unsubscribe":
            self._seat.topics.difference_update(named)
            async with self._speaking:
                await self.say("unsubscribed", topics=sorted(set(named)))
        else:
            await self._subscribe(word, list(dict.fromkeys(named)))

    async def _subscribe(self, word: dict[str, Any], named: list[str]) -> None:
        since, rate = word.get("since_seq"), word.get("max_rate_hz")
        if isinstance(since, bool) or not isinstance(since, int | None):
            raise Ended(BAD, "since_seq is a whole number")
        if rate is not None and (
            isinstance(rate, bool) or not isinstance(rate, int | float) or not 0.01 <= rate <= 100
        ):
            raise Ended(BAD, "max_rate_hz is a number from 0.01 to 100")
        self._slowest_s = 0.0 if rate is None else 1 / rate
        faults = {topic: topics.fault(topic, self.caller) for topic in named}
        taken = [topic for topic, fault in faults.items() if fault is None]
        if len(self._seat.topics.union(taken)) > MOST_TOPICS:
            raise Ended(BAD, f"at most {MOST_TOPICS} topics are followed")
        await self.follow(taken, since, {topic: code for topic, code in faults.items() if code is not None})

    async def follow(
        self, taken: list[str], since: int | None = None, refused: Mapping[str, str] | None = None
    ) -> None:
        """Tell of these topics from now on, after how they stand, or after what came since a number."""
        async with self._speaking:  # what happens meanwhile comes after the snapshot
            for topic, code in (refused or {}).items():
                await self.say("refused", refused=topic, code=code)
            self._seat.topics.update(taken)
            await self.say("subscribed", topics=taken)
            if since is not None:
                self.web.hub.resume(self._seat, taken, since)
            else:
                await self._show(taken)

    async def _show(self, taken: list[str]) -> None:
        try:
            self.web.budgets.reads.take(self.caller.subject)
            async with self.web.database.reading(self.caller) as connection:
                standing = await topics.standing(connection, taken, self.caller)
        except Problem as problem:
            await self.say("error", code=problem.code, about=taken)
            return
        for topic, values in standing.items():
            await self.say("snapshot", about=topic, values=values)

    async def _tell(self) -> NoReturn:
        while True:
            await self._seat.wait()
            async with self._speaking:
                try:
                    waiting = self._seat.take()
                except TooSlow:
                    raise Ended(OVERLOAD, "too slow: follow less") from None
                for text in waiting:
                    await self._send(text)
            if self._slowest_s:
                await asyncio.sleep(self._slowest_s)

    async def _look_again(self) -> NoReturn:
        while True:
            await asyncio.sleep(self.pace.recheck_s)
            try:
                self.caller = await self._who()
            except Ended as ended:
                if ended.code == OVERLOAD:
                    continue  # the database is away; nobody loses a right by that
                raise
            self._allowed()
            self._seat.sites = self.caller.sites
            lost = [topic for topic in self._seat.topics if topics.fault(topic, self.caller)]
            self._seat.topics.difference_update(lost)
            async with self._speaking:
                for topic in lost:
                    await self.say("refused", refused=topic, code="permission_missing")
                left = None if self._ends_at is None else (self._ends_at - self.web.clock.now()).total_seconds()
                if left is not None and left <= 2 * self.pace.recheck_s:
                    await self.say("token_expiring", seconds_left=max(0, round(left)))


async def _first_end(parts: list[Any]) -> None:
    """Run all until one ends, which ends the others; its error is raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if (error := task.exception()) is not None:
            raise error
