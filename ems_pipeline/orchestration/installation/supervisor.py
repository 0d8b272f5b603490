"""Keeps child processes alive: what systemd or compose does elsewhere, for `ems up` on a bare machine."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from ems_pipeline.orchestration.installation import tied as tied_program
from ems_pipeline.orchestration.installation import watchdog

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
    oom_score: int = 0
    """How much sooner than this process the kernel may end it when memory runs out, of 1000."""
    outlasts: bool = False
    """It ends after the others, with `end_all`: devices are let go through it."""
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    not_before: float = 0.0

    def start(self, environ: Mapping[str, str], log: int) -> None:
        tied = [sys.executable, "-I", tied_program.__file__, str(os.getpid()), str(self.oom_score), *self.command]
        self.process = subprocess.Popen(tied, env=dict(environ), stdout=log, stderr=log, start_new_session=True)
        self.started_at = time.monotonic()


class Guard:
    """The watchdog of this process: ends what it leaves and runs a command, should it be killed (`watchdog`)."""

    def __init__(self, command: Sequence[str], keeps_open: int, log: int, say: Callable[[str], None]) -> None:
        """``keeps_open``: a descriptor the watchdog holds until it has ended, such as a lock."""
        self._command = [sys.executable, "-I", watchdog.__file__, *command]
        self._keeps_open, self._log, self._say = keeps_open, log, say
        self._sessions: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, sessions: Iterable[int] = ()) -> None:
        """See that it lives and knows the sessions of our children."""
        if self._process is None or self._process.poll() is not None:
            if self._process is not None:
                self._say(f"the watchdog ended with code {self._process.returncode}; it is started again")
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=self._log, stderr=self._log,
                pass_fds=[self._keeps_open], start_new_session=True,
            )  # fmt: skip
            self._sessions = set()
        for session in set(sessions) - self._sessions:
            self._tell(f"session {session}")
            self._sessions.add(session)

    def dismiss(self) -> None:
        """Everything is in order: it need not do anything."""
        if self._process is not None:
            self._tell("bye")
            self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # it died this moment; the next look starts it again


class Supervisor:
    """Starts children, restarts the dead with growing pauses, ends all of them together."""

    def __init__(
        self,
        children: Sequence[Child],
        environ: Mapping[str, str],
        log: int,
        say: Callable[[str], None],
        look_after: Callable[[], None] = lambda: None,
        guard: Guard | None = None,
    ):
        """``look_after`` is called every second: what has to live but is nobody's child, such as a database."""
        self._guard = guard
        self._children = children
        self._look_after = look_after
        self._environ = environ
        self._log = log
        self._say = say
        self._stop = threading.Event()

    def run(self) -> None:
        """Until `stop`, SIGINT, SIGTERM or SIGHUP; then children get SIGTERM, and SIGKILL after `STOP_S`, but for those
        that outlast the others."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stopped)
        try:
            self._keep_all()
            while not self._stop.wait(1.0):
                self._look_after()
                self._keep_all()
        finally:
            end_all([child for child in self._children if not child.outlasts])

    def stop(self) -> None:
        """End all children, then `run` ends."""
        self._stop.set()

    def restart(self, name: str) -> None:
        """End one child; it starts again like one that ended by itself."""
        for child in self._children:
            if child.name == name and child.process is not None:
                _end([child.process])

    def _stopped(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signal module's signature
        self._stop.set()

    def _keep_all(self) -> None:
        if self._guard is not None:
            self._guard.watch()
        for child in self._children:
            self._keep_alive(child)
        if self._guard is not None:
            self._guard.watch(child.process.pid for child in self._children if child.process is not None)

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


def end_all(children: Sequence[Child]) -> None:
    """Tell them to end, and make those that do not."""
    _end([child.process for child in children if child.process is not None])


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    alive = [process for process in processes if process.poll() is None]
    for process in alive:
        process.terminate()
    for process in alive:
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
