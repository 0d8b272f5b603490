"""Local state: the folder ``EMS_HOME`` and what stands in it, which nobody but its owner can look into.

Telemetry, logs and reports show who is at home. The database takes whoever reaches its socket for its superuser, the
code server runs code for whoever reaches its own: the folders around them are the lock.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ems_pipeline import settings
from ems_pipeline.errors import EmsError

OTHERS = stat.S_IRWXG | stat.S_IRWXO
TRAVERSE = stat.S_IXGRP
"""A group that may pass through a folder without seeing what is in it: how the server of root's database gets there."""
OURS = ("dagster", "web.secret", "services.log", "services.log.1", "report.html", "demo", "postgres.starting")
"""What the program has put into homes; other things there are somebody's own, and behind the folder's door."""
LONGEST_SOCKET = 100
"""Characters of a Unix socket's path; Linux allows 107, macOS 103."""


class HomeUnusable(EmsError):
    """The folder of local state cannot be made, written or closed to others; the text names it and the remedy."""


def home() -> Path:
    """Folder of local state, ``EMS_HOME`` or ``.ems/live`` below the working directory."""
    return settings.HOME.read().resolve()


def prepare_home() -> Path:
    """Make the home where it is missing, and close it, with all that an earlier umask left open; its path.

    From here on this process and its children write for their user alone.

    Raises:
        HomeUnusable: see there.
    """
    folder = home()
    os.umask(OTHERS)
    private(folder)
    try:
        for name in OURS:
            _close_all(folder / name)
    except OSError as error:
        raise HomeUnusable(*_fault(folder, error)) from error
    return folder


def private(folder: Path) -> Path:
    """A folder that its owner can write and nobody else can look into, made where it is missing; same errors."""
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        if folder.stat().st_mode & stat.S_ISVTX or folder == folder.parent:
            raise PermissionError(errno.EPERM, "everybody's folder cannot be closed to others")
        _close(folder)
    except OSError as error:
        raise HomeUnusable(*_fault(folder, error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise HomeUnusable(*_fault(folder, PermissionError(errno.EACCES, "it is not writable")))
    return folder


def socket_folder(wanted: Path) -> Path:
    """``wanted``, or where its path is too long for a socket a new folder of this user alone; `forget` removes it."""
    longest = len(os.fsencode(wanted / ".s.PGSQL.5432.lock"))
    return wanted if longest <= LONGEST_SOCKET else Path(tempfile.mkdtemp(prefix="ems-"))


def forget(folder: Path) -> None:
    """Remove a folder that `socket_folder` made and that is empty; any other stays."""
    if folder.name.startswith("ems-") and folder.parent == Path(tempfile.gettempdir()):
        try:
            folder.rmdir()
        except OSError:
            return


def open_to_others(folder: Path) -> Iterator[Path]:
    """What somebody else could list, read or write at or below a folder, as far as the folders on the way let them.

    Somebody else is any user, or a member of the folder's own group.
    """
    found = dict.fromkeys(_reached(folder, None))
    yield from sorted(found | dict.fromkeys(_reached(folder, folder.stat().st_gid)))


def _reached(path: Path, group: int | None) -> Iterator[Path]:
    """`open_to_others` for a member of a group, or of none."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return
        bits = (status.st_mode >> 3 if status.st_gid == group else status.st_mode) & stat.S_IRWXO
        if bits & (stat.S_IROTH | stat.S_IWOTH):
            yield path
        if stat.S_ISDIR(status.st_mode) and bits & stat.S_IXOTH:
            for within in path.iterdir():
                yield from _reached(within, group)
    except FileNotFoundError:  # gone meanwhile
        return


def _close_all(path: Path) -> None:
    if path.is_symlink() or not path.exists():
        return
    _close(path)
    for within in path.iterdir() if path.is_dir() else ():
        _close_all(within)


def _close(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    open_to_others = mode & OTHERS & ~(TRAVERSE if path.is_dir() else 0)
    if open_to_others:
        path.chmod(mode & ~open_to_others)


def _fault(folder: Path, error: OSError) -> tuple[str, str]:
    return (
        f"the folder of local state {folder} cannot be used: {error.strerror}",
        f"name a folder that user {os.geteuid()} may write and owns, by EMS_HOME or --home",
    )
