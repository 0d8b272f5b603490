"""The conversation with the broker of one GX: asked by topic, answered by topic, and nothing counts that was not asked.

A GX says a value when it changes, as long as somebody keeps it alive, and when it is asked (`R/`): so every reading
asks, and only what comes after the question is an answer. What the broker has kept (retained) is no answer: nobody
knows how old it is. The portal id stands in every topic, so another GX at the same broker is never heard or told.
Topics and keep-alive: victronenergy/dbus-flashmq, README.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo
from ems_pipeline.devices.driver.password import password
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.mqtt.client import Broker, BrokerLost, Conversation

Got = TypeVar("Got")
TLS_PORT = 8883
"""Where a GX speaks TLS, as the protocol's registration has it; elsewhere it does not."""
KEEP_ALIVE = json.dumps({"keepalive-options": ["suppress-republish"]})
"""We ask for what we want; without the option every client of the broker would be told everything again."""
ATTEMPTS = 2
"""Of a question, within the time its answer has. What sets something goes out once."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker of a GX answers, and which GX it has to be."""

    host: str
    port: int
    portal: str
    user: str | None = None
    password_env: str | None = None
    timeout_s: float = 2.0


class Wire:
    """All questions and orders to one GX, one after the other, in a thread: the broker's client waits."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._turn = asyncio.Lock()
        self._talk: Conversation | None = None
        self._subscribed: set[str] = set()

    async def read(self, paths: Collection[str]) -> dict[str, bytes]:
        """What the GX says now of each path (``system/0/Dc/Battery/Soc``); a path that it does not answer is missing.

        Raises:
            DeviceFault: the broker cannot be reached, does not let us in, or has gone twice.
        """
        async with self._turn:
            return await asyncio.to_thread(self._guarded, lambda: self._asked(paths), ATTEMPTS)

    async def tell(self, path: str, payload: str, may_go: MayGo) -> None:
        """Set a path, once, and wait until the GX says what stands there then: so the order has reached it.

        Raises:
            DeviceFault: nothing came back, the broker is gone, or ``may_go`` held it back.
        """
        async with self._turn:
            await asyncio.to_thread(self._guarded, lambda: self._listen([path]), ATTEMPTS)
            if halted := await may_go():  # after every wait: what follows goes out at once
                raise DeviceFault(Quality.REFUSED, halted)
            if path not in await asyncio.to_thread(self._guarded, lambda: self._set(path, payload), 1):
                within = f"within {self.endpoint.timeout_s:g} s"
                raise DeviceFault(Quality.NO_ANSWER, f"{path} was told, and the GX did not answer {within}")

    async def close(self) -> None:
        """Say goodbye; the next request connects again."""
        talk, self._talk = self._talk, None
        if talk is not None:
            await asyncio.to_thread(talk.end)

    def _guarded(self, work: Callable[[], Got], attempts: int) -> Got:
        """A broker that has gone meanwhile (we were silent for too long, it was started anew) is dialled again."""
        for left in reversed(range(attempts)):
            try:
                return work()
            except BrokerLost as lost:
                self._talk = None
                if not left:
                    raise DeviceFault(Quality.NO_ANSWER, str(lost), device_wide=True) from None
        raise AssertionError("the last attempt returns or raises")

    def _asked(self, paths: Collection[str]) -> dict[str, bytes]:
        talk = self._listen(paths)
        talk.say(f"R/{self.endpoint.portal}/keepalive", KEEP_ALIVE)
        found: dict[str, bytes] = {}
        for _ in range(ATTEMPTS):
            if missing := [path for path in paths if path not in found]:
                for path in missing:
                    talk.say(f"R/{self.endpoint.portal}/{path}", "")
                found |= self._answers(talk, missing, self.endpoint.timeout_s / ATTEMPTS)
        return found

    def _set(self, path: str, payload: str) -> dict[str, bytes]:
        talk = self._listen([path])
        talk.say(f"W/{self.endpoint.portal}/{path}", payload)
        talk.say(f"R/{self.endpoint.portal}/{path}", "")
        return self._answers(talk, [path], self.endpoint.timeout_s)

    def _answers(self, talk: Conversation, paths: Collection[str], within_s: float) -> dict[str, bytes]:
        """What comes of these paths, the newest of each, until all of them have said something or time is over."""
        by_topic = {f"N/{self.endpoint.portal}/{path}": path for path in paths}
        found: dict[str, bytes] = {}
        until_s = time.monotonic() + within_s
        while len(found) < len(by_topic) and (left_s := until_s - time.monotonic()) > 0:
            for message in talk.work(left_s):
                if message.topic in by_topic and not message.is_retained:
                    found[by_topic[message.topic]] = message.payload
        return found

    def _listen(self, paths: Collection[str]) -> Conversation:
        """The conversation, hearing these paths; what was said before is thrown away. BrokerLost."""
        talk = self._talk or self._begun()
        topics = {f"N/{self.endpoint.portal}/{path}" for path in paths} - self._subscribed
        if topics:
            talk.listen(sorted(topics))
            self._subscribed |= topics
        while talk.work(0.0):
            pass
        return talk

    def _begun(self) -> Conversation:
        end = self.endpoint
        name, what = end.password_env, f"password for the broker of {end.portal}"
        shown = None if name is None else password(name, what)
        broker = Broker(end.host, end.port, end.port == TLS_PORT, end.user, shown)
        talk = Conversation(broker)
        talk.begin()
        self._talk, self._subscribed = talk, set()
        return talk
