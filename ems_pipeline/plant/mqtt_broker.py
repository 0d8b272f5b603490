"""A real broker beside the plant: Mosquitto, as Debian has it, in a process of its own that can be killed and started.

It keeps nothing on disk, so what was retained is gone with it.
"""

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

from ems_pipeline.errors import EmsError
from ems_pipeline.mqtt.client import Broker

SOON_S = 20.0
"""A bound for what is broken, not a measurement."""
PLACES = ("", "/usr/sbin/", "/usr/bin/")
"""Where Debian has it beside the path; root's path has all of them, others' has not."""


class NoBroker(EmsError):
    """Mosquitto is not there, or does not start."""


@dataclass
class Mosquitto:
    """A broker that lets one user in, or everybody of this machine where there is none."""

    folder: Path
    """For its configuration, its log and its list of users."""
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    certificate: Path | None = None
    """Folder with cert.pem and key.pem; None: without TLS."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def broker(self) -> Broker:
        """As clients reach it."""
        return Broker(self.host, self.port, self.certificate is not None, self.user, self.password)

    def start(self) -> None:
        """Begin, and wait until it listens. NoBroker: it does not."""
        lines = [f"listener {self.port} {self.host}", "user root", "persistence false", *self._login()]
        if self.certificate is not None:
            lines += [f"certfile {self.certificate / 'cert.pem'}", f"keyfile {self.certificate / 'key.pem'}"]
        (self.folder / "conf").write_text("\n".join([*lines, ""]), encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            command = [program("mosquitto"), "-c", str(self.folder / "conf"), "-v"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + SOON_S
        while time.monotonic() < until and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex((self.host, self.port)) == 0:
                    return
            time.sleep(0.02)
        said = (self.folder / "log").read_text(encoding="utf-8")[-300:]
        raise NoBroker(f"mosquitto does not listen at {self.host}:{self.port}: {said}", "stop what listens there")

    def _login(self) -> list[str]:
        if self.user is None:
            return ["allow_anonymous true"]
        users = self.folder / "users"
        making = [program("mosquitto_passwd"), "-b", "-c", str(users), self.user, self.password or ""]
        subprocess.run(making, check=True, capture_output=True)
        return ["allow_anonymous false", f"password_file {users}"]

    def kill(self) -> None:
        """As power does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(SOON_S)


def program(name: str) -> str:
    """Where one of Mosquitto's programs is. NoBroker: nowhere."""
    found = next((path for place in PLACES if (path := shutil.which(place + name)) is not None), None)
    if found is None:
        raise NoBroker(f"there is no {name} on this machine", "apt-get install mosquitto")
    return found


def free_port(host: str) -> int:
    """One that nobody listens at: Mosquitto takes no 0 for any."""
    with socket.socket() as free:
        free.bind((host, 0))
        return int(free.getsockname()[1])


@contextmanager
def running(broker: Mosquitto) -> Iterator[Mosquitto]:
    """The broker until the block ends. NoBroker: it does not start."""
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
