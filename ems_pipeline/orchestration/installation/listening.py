"""What the processes of an installation listen on, as the kernel tells it in ``/proc`` (proc(5), Linux).

Ours are the supervisor that holds the home's lock, the database's postmaster, whoever was started with this home as
Dagster's (`ems ui` and `ems code-server` beside it) or as ours (`ems web`), and everything below them. Whoever works in
the home counts, too.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from ems_pipeline.errors import EmsError

PROC = Path("/proc")
TCP_LISTENS, UDP_WAITS = "0A", "07"
UNIX_LISTENS = 0x10000
"""Flag of a Unix socket that accepts connections."""
UNIX_DATAGRAM = "0002"
PROGRAM = b"ems_pipeline"
"""In the command line of a process of ours, which a shell with this home in its environment is not."""


class NotLookedInto(EmsError):
    """A process of the installation belongs to somebody else; the text names it and the remedy."""


@dataclass(frozen=True)
class Port:
    """An address of TCP or UDP that a process waits on."""

    pid: int
    protocol: str
    ip: IPv4Address | IPv6Address
    number: int

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone reaches it."""
        mapped = getattr(self.ip, "ipv4_mapped", None)
        return (mapped or self.ip).is_loopback


@dataclass(frozen=True)
class Door:
    """A Unix socket that a process waits on; one without a file (abstract) begins with ``@``."""

    pid: int
    path: str

    @property
    def is_owners_alone(self) -> bool:
        """Whether no other user could connect: a folder on the way, or the socket itself, is closed to all of them."""
        if self.path.startswith("@"):
            return False
        way = [Path(self.path), *Path(self.path).parents]
        needed = [(stat.S_IWGRP, stat.S_IWOTH), *[(stat.S_IXGRP, stat.S_IXOTH)] * (len(way) - 1)]
        modes = [path.stat().st_mode for path in way]
        return any(not mode & (group | others) for mode, (group, others) in zip(modes, needed, strict=True))


def processes(home: Path, heads: Iterable[int]) -> list[int]:
    """Living processes of the installation in ``home``; ``heads``: those known otherwise."""
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    found = {pid for pid in parents if _is_of(pid, home)} | {pid for pid in heads if pid in parents}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def name(pid: int) -> str:
    """What a process is called."""
    return (PROC / str(pid) / "comm").read_text(encoding="utf-8").strip()


def ports(pid: int) -> Iterator[Port]:
    """TCP and UDP addresses that a process waits on; same errors as `doors`."""
    inodes = _sockets(pid)
    for protocol, state in (("tcp", TCP_LISTENS), ("tcp6", TCP_LISTENS), ("udp", UDP_WAITS), ("udp6", UDP_WAITS)):
        for line in _table(pid, protocol):
            _, local, _, found, *_, inode = line.split()[:10]
            if found == state and inode in inodes:
                address, _, number = local.partition(":")
                yield Port(pid, protocol.rstrip("6"), _ip(address), int(number, 16))


def doors(pid: int) -> Iterator[Door]:
    """Unix sockets that a process waits on.

    Raises:
        NotLookedInto: it is another user's.
    """
    inodes = _sockets(pid)
    for line in _table(pid, "unix"):
        _, _, _, flags, kind, _, inode, *path = line.split(maxsplit=7)
        if path and inode in inodes and (int(flags, 16) & UNIX_LISTENS or kind == UNIX_DATAGRAM):
            (text,) = path
            yield Door(pid, text if text.startswith("@") else str(Path(os.readlink(PROC / str(pid) / "cwd")) / text))


def _pids() -> list[int]:
    return [int(path.name) for path in PROC.iterdir() if path.name.isdecimal()]


def _parent(pid: int) -> int | None:
    """None when it is gone or a zombie."""
    try:
        state, parent, *_ = (PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else int(parent)


def _is_of(pid: int, home: Path) -> bool:
    """Whether a process of ours, or one that we may look into, lives in this home."""
    process = PROC / str(pid)
    try:
        if Path(os.readlink(process / "cwd")).is_relative_to(home):
            return True
        given = (process / "environ").read_bytes().split(b"\0")
        if f"DAGSTER_HOME={home / 'dagster'}".encode() in given:
            return True
        return f"EMS_HOME={home}".encode() in given and PROGRAM in (process / "cmdline").read_bytes()
    except OSError:
        return False


def _sockets(pid: int) -> set[str]:
    """Inodes of the sockets a process holds; none when it has just ended."""
    found = set()
    try:
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            try:
                target = os.readlink(descriptor)
            except FileNotFoundError:  # closed meanwhile
                continue
            if target.startswith("socket:["):
                found.add(target[len("socket:[") : -1])
    except (FileNotFoundError, ProcessLookupError):
        return set()
    except PermissionError as error:
        text = f"process {pid} belongs to another user, what it listens on cannot be seen"
        raise NotLookedInto(text, "ask as that user, or as root") from error
    return found


def _table(pid: int, which: str) -> list[str]:
    """Lines of a table of the network this process is in; none where the kernel has no such protocol."""
    try:
        return (PROC / str(pid) / "net" / which).read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return []


def _ip(words: str) -> IPv4Address | IPv6Address:
    """The kernel prints each 32 bits of an address as a number of this machine's byte order."""
    numbers = [int(words[i : i + 8], 16) for i in range(0, len(words), 8)]
    packed = struct.pack(f"{'<' if sys.byteorder == 'little' else '>'}{len(numbers)}I", *numbers)
    return ip_address(socket.inet_ntop(socket.AF_INET if len(numbers) == 1 else socket.AF_INET6, packed))
