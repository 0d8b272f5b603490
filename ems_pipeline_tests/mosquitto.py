"""Mosquitto for a test, on a free port of this machine, and somebody else who talks to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt import client as paho

from ems_pipeline.mqtt.client import Message
from ems_pipeline.plant.mqtt_broker import SOON_S, Mosquitto, NoBroker, program, running
from ems_pipeline_tests.servers import free_ports

USER, PASSWORD = "ems", "brokers pass:word"


def needed() -> None:
    """The test is skipped where there is no Mosquitto."""
    try:
        program("mosquitto")
    except NoBroker as missing:
        pytest.skip(str(missing))


@contextmanager
def mosquitto(folder: Path, certificate: Path | None = None) -> Iterator[Mosquitto]:
    """A broker until the block ends."""
    needed()
    (port,) = free_ports(1)
    with running(Mosquitto(folder, "127.0.0.1", port, USER, PASSWORD, certificate)) as found:
        yield found


class Listener:
    """Another client of the broker, as Home Assistant is: hears everything, and says what a test wants."""

    def __init__(self, at: Mosquitto, topics: str = "#") -> None:
        self.heard: list[Message] = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if at.user is not None:
            self._client.username_pw_set(at.user, at.password)
        self._client.on_message = lambda _c, _u, m: self.heard.append(Message(m.topic, m.payload, bool(m.retain)))
        self._is_heard = False
        self._client.on_subscribe = lambda *_: setattr(self, "_is_heard", True)
        self._client.connect("127.0.0.1", at.port)
        self._client.subscribe(topics)
        self.until(lambda: self._is_heard)

    def until(self, holds: object) -> None:
        """Work until it holds."""
        ends_s = time.monotonic() + SOON_S
        while not holds():  # type: ignore[operator]
            assert time.monotonic() < ends_s, self.heard
            self._client.loop(0.02)

    def say(self, topic: str, payload: str | bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Publish, and wait until the broker has it."""
        told = self._client.publish(topic, payload, qos=qos, retain=retain)
        self.until(told.is_published)

    def last(self, topic: str) -> str | None:
        """What was said there last."""
        return next((m.payload.decode() for m in reversed(self.heard) if m.topic == topic), None)

    def drain(self) -> None:
        """Hear what has come already."""
        before = -1
        while before < len(self.heard):
            before = len(self.heard)
            for _ in range(5):
                self._client.loop(0.01)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop(0.05)
