"""Keeps child processes alive: what systemd or compose does elsewhere, for `ems up` on a bare machine."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

STOP_S = 15
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
STEADY_S = 120.0
"""A child that lived this long starts with a short pause again."""


@dataclass
class Child:
    """One supervised command."""

    name: str
    command: Sequence[str]
    waits_for: Path | None = None
    """Not started before this exists."""
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    not_before: float = 0.0

    def start(self, environ: Mapping[str, str], log: int) -> None:
        self.process = subprocess.Popen(self.command, env=dict(environ), stdout=log, stderr=log, start_new_session=True)
        self.started_at = time.monotonic()


class Supervisor:
    """Starts children, restarts the dead with growing pauses, ends all of them together."""

    def __init__(
        self,
        children: Sequence[Child],
        environ: Mapping[str, str],
        log: int,
        say: Callable[[str], None],
        look_after: Callable[[], None] = lambda: None,
    ):
        """``look_after`` is called every second: what has to live but is nobody's child, such as a database."""
        self._children = children
        self._look_after = look_after
        self._environ = environ
        self._log = log
        self._say = say
        self._stop = threading.Event()

    def run(self) -> None:
        """Until SIGINT or SIGTERM; then every child gets SIGTERM, and SIGKILL after `STOP_S`."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stopped)
        try:
            for child in self._children:
                self._keep_alive(child)
            while not self._stop.wait(1.0):
                self._look_after()
                for child in self._children:
                    self._keep_alive(child)
        finally:
            self._end()

    def restart(self, name: str) -> None:
        """End one child; it starts again like one that ended by itself."""
        for child in self._children:
            if child.name == name and child.process is not None:
                _end([child.process])

    def _stopped(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signal module's signature
        self._stop.set()

    def _keep_alive(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return
            steady = now - child.started_at > STEADY_S
            child.pause_s = FIRST_PAUSE_S if steady else min(LONGEST_PAUSE_S, child.pause_s * 2)
            child.process, child.not_before = None, now + child.pause_s
            self._say(f"{child.name} ended with code {code}; it starts again in {child.pause_s:.0f} s")
        elif now >= child.not_before and (child.waits_for is None or child.waits_for.exists()):
            child.start(self._environ, self._log)

    def _end(self) -> None:
        _end([child.process for child in self._children if child.process is not None])


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    alive = [process for process in processes if process.poll() is None]
    for process in alive:
        process.terminate()
    for process in alive:
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
