"""A home belongs to one supervisor: a lock that whoever holds it cannot leave behind, however it ends.

The lock is the kernel's (flock) on a file that stays. It is shared with the watchdog of `ems up`: the home is free when
both have gone, so that nobody steers while the devices of a killed one are still being let go.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ems_pipeline.errors import EmsError
from ems_pipeline.warehouse import local

NAME = "lock"
PATIENCE_S = 120.0
"""For what the watchdog of a killed one still has to do."""
LOOK_S = 0.2


class HomeTaken(EmsError):
    """Another process lives in this home; the text names it and the remedy."""


@contextmanager
def held(what: str, say: Callable[[str], None] = print, patience_s: float = PATIENCE_S) -> Iterator[int]:
    """The home is this process's; the lock's file descriptor, for a watchdog to inherit.

    Args:
        what: how the command is called, for whoever comes second.

    Raises:
        HomeTaken: somebody else has it, or its watchdog has not ended in time.
        HomeUnusable: the home cannot be written.
    """
    path = local.prepare_home() / NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, path, say, patience_s)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "what": what}).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def demand_free(folder: Path) -> None:
    """See that nobody lives in a folder that is about to be emptied; HomeTaken otherwise."""
    path = folder / NAME
    if path.exists():
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            _take(descriptor, path, print, 0.0)
        finally:
            os.close(descriptor)


def holder(folder: Path) -> int | None:
    """Process number of whoever lives in a home; None when it is free."""
    try:
        with (folder / NAME).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(folder / NAME)[0]
    except FileNotFoundError:
        return None
    return None


def _take(descriptor: int, path: Path, say: Callable[[str], None], patience_s: float) -> None:
    until = time.monotonic() + patience_s
    is_said = False
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, what = _holder(path)
        if (pid is not None and _is_alive(pid)) or time.monotonic() > until:
            raise HomeTaken(
                f"{path.parent} is in use by `{what}` (process {pid or 'unknown'})",
                f"stop that one first (Ctrl-C, or kill {pid or 'it'}), or name another --home. One home has one "
                "database and one controller",
            )
        if not is_said:
            say(f"`{what}` (process {pid}) was killed here; waiting until its watchdog has let the devices go")
            is_said = True
        time.sleep(LOOK_S)


def _holder(path: Path) -> tuple[int | None, str]:
    """Who noted itself; None while the newest holder has not written yet."""
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return int(noted["pid"]), str(noted["what"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, "another command"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
