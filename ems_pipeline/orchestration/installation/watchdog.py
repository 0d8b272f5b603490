"""Outlives `ems up` just long enough to end what it has left and to let the devices go.

    python watchdog.py COMMAND...

A program of its own, run by its path: the standard library alone is a tenth of what the kernel looks for when memory
runs out. Its input is a pipe from the supervisor, which names the sessions of its children (`session N`) and says `bye`
before it ends; an input that ends without that means that it was killed. Then the sessions are ended, and COMMAND,
which lets the devices go, is run until it succeeds or has been tried for long enough. The home's lock is inherited, and
goes with this process.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

END_S = 15.0
"""How long a process that was told to end may take; a control run under way may finish what it has begun."""
TRIES, PAUSE_S = 4, 15.0
"""For a database that was killed as well and recovers, and a device that does not answer. An `ems up` that is started
again waits a little longer for the home (`home_lock`), and then looks after them."""
LONGEST_S = 300.0


def main(command: list[str]) -> None:
    """Wait for the supervisor's end; see the module."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # what ends the supervisor properly is told by its `bye`
    sessions: set[int] = set()
    for line in sys.stdin:
        word, _, session = line.strip().partition(" ")
        if word == "bye":
            return
        sessions.add(int(session))
    _say("the supervisor was killed: its processes are ended, the devices handed back to themselves")
    _end(sessions)
    for _ in range(TRIES):
        try:
            if subprocess.run(command, timeout=LONGEST_S, check=False).returncode == 0:
                return
        except (OSError, subprocess.TimeoutExpired) as error:
            _say(f"{command[0]}: {error}")
        time.sleep(PAUSE_S)
    _say("the devices could NOT be let go; look at each of them")


def _end(sessions: set[int]) -> None:
    """Whatever belongs to the sessions, grandchildren included: told to, then made to."""
    for number, patience_s in ((signal.SIGTERM, END_S), (signal.SIGKILL, END_S)):
        for pid in _of(sessions):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        until = time.monotonic() + patience_s
        while _of(sessions) and time.monotonic() < until:
            time.sleep(0.1)


def _of(sessions: set[int]) -> list[int]:
    """Living processes of the sessions."""
    return [pid for pid in _pids() if _session(pid) in sessions]


def _pids() -> Iterable[int]:
    if Path("/proc/self/stat").exists():
        return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    shown = subprocess.run(["ps", "-axo", "pid="], capture_output=True, text=True, check=False).stdout  # macOS
    return [int(word) for word in shown.split()]


def _session(pid: int) -> int | None:
    """The session of a process; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
            return None
        return os.getsid(pid)
    except OSError:
        return None


def _say(text: str) -> None:
    print(f"watchdog: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
