"""Processor time of a process and everything below it, read from /proc."""

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all its living descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat(path)
        if fields:
            children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def tree_cpu_s(pid: int) -> float:
    """User and system time of the tree, with that of the ended children which somebody in it has collected."""
    return sum(int(t) for p in tree(pid) for t in _stat(Path(f"/proc/{p}/stat"))[11:15]) / TICKS_PER_S


def _stat(path: Path) -> list[str]:
    """Fields of a stat line behind the name, state first; empty when the process is gone."""
    try:
        return path.read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []
