"""Mosquitto, as Debian has it, on a free port of this machine; it can be killed and started again."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from paho.mqtt import client as paho

from ems_pipeline.mqtt.client import Broker, Message
from ems_pipeline_tests.servers import free_ports

USER, PASSWORD = "ems", "brokers pass:word"
SOON_S = 20.0
"""A bound for what is broken, not a measurement."""


def program() -> str:
    """Where it is; the test is skipped where it is not."""
    found = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if found is None:
        pytest.skip("no mosquitto here: apt-get install mosquitto")
    return found


@dataclass
class Mosquitto:
    """A broker that lets one user in."""

    folder: Path
    port: int
    certificate: Path | None = None
    """Folder with cert.pem and key.pem; None: without TLS."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def broker(self) -> Broker:
        """As we reach it."""
        return Broker("127.0.0.1", self.port, self.certificate is not None, USER, PASSWORD)

    def start(self) -> None:
        """Begin, with whatever was retained before it was killed forgotten or not: it keeps nothing."""
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous false", f"password_file {self.folder / 'users'}"]
        if self.certificate is not None:
            lines += [f"certfile {self.certificate / 'cert.pem'}", f"keyfile {self.certificate / 'key.pem'}"]
        (self.folder / "conf").write_text("\n".join([*lines, "user root", "persistence false", ""]), encoding="utf-8")
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen([program(), "-c", str(self.folder / "conf"), "-v"], stdout=log, stderr=log)
        until = time.monotonic() + SOON_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text(encoding="utf-8"))

    def kill(self) -> None:
        """As power does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(SOON_S)


@contextmanager
def mosquitto(folder: Path, certificate: Path | None = None) -> Iterator[Mosquitto]:
    """A broker until the block ends."""
    where = program()
    passwords = shutil.which("mosquitto_passwd") or str(Path(where).with_name("mosquitto_passwd"))
    if shutil.which(passwords) is None:
        passwords = "/usr/bin/mosquitto_passwd"
    (port,) = free_ports(1)
    subprocess.run([passwords, "-b", "-c", str(folder / "users"), USER, PASSWORD], check=True, capture_output=True)
    found = Mosquitto(folder, port, certificate)
    found.start()
    try:
        yield found
    finally:
        found.kill()


class Listener:
    """Another client of the broker, as Home Assistant is: hears everything, and says what a test wants."""

    def __init__(self, at: Mosquitto, topics: str = "#") -> None:
        self.heard: list[Message] = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(USER, PASSWORD)
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
