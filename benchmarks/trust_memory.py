"""Memory that runs out: `ems up` and all it starts within a bound of the kernel (a control group), with an eater.

Needs a memory controller this user may make groups in (root, version 1 or 2 of control groups).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trust_cases import KILLED_S, STOPPED_S
from trust_house import House
from trust_laws import Case, prepare

from ems_pipeline.warehouse import embedded

BOUND_MB = 700
ROOMY_MB = 1500
"""What the victims are chosen from one by one in: all of `ems up` with its web UI fits."""
EAT = """
import sys, time
eaten = []
while True:
    try:
        eaten.append(bytearray(b"x") * (8 << 20))
    except MemoryError:
        pass
    time.sleep(0.05)
"""
VICTIMS = {
    "web UI": "machinery.web_server", "code server": "machinery.code_server", "loaded code": "api grpc",
    "daemon": "dagster-daemon", "watchdog": "watchdog.py", "supervisor": " up --no-plant",
}  # fmt: skip


class Unavailable(RuntimeError):
    """This machine does not let us bound memory."""


class Bound:
    """A control group of our own below the one this process is in (version 1), or below the root (version 2)."""

    def __init__(self, megabytes: int) -> None:
        mount, ours = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        inside = next((line.split(":", 2)[2] for line in ours if line.split(":")[1] == "memory"), None)
        self.is_first = inside is not None
        below = mount / "memory" / (inside or "").strip("/") if self.is_first else mount
        self.folder = below / f"ems-trust-{os.getpid()}"
        name = "memory.limit_in_bytes" if self.is_first else "memory.max"
        try:
            self.folder.mkdir(exist_ok=True)
            (self.folder / name).write_text(str(megabytes << 20), encoding="utf-8")
        except OSError as error:
            raise Unavailable(f"no control group can bound memory here ({error}); try as root") from None

    def enter(self) -> None:
        """Move the calling process in; what it starts is within, too."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")

    def used_mb(self) -> float:
        """Without the file cache, which is given up before anybody is killed."""
        wanted = ("total_rss", "total_shmem") if self.is_first else ("anon", "shmem")
        lines = (line.split() for line in (self.folder / "memory.stat").read_text(encoding="utf-8").splitlines())
        return sum(int(value) for name, value in lines if name in wanted) / 2**20

    def kills(self) -> int:
        """How often the kernel ended somebody here."""
        file = "memory.oom_control" if self.is_first else "memory.events"
        lines = (line.split() for line in (self.folder / file).read_text(encoding="utf-8").splitlines())
        return next(int(value) for name, value in lines if name == "oom_kill")

    @contextmanager
    def eaten(self) -> Iterator[None]:
        """Somebody within eats memory, as much to be spared as `ems up` itself."""
        eater = subprocess.Popen([sys.executable, "-I", "-c", EAT], preexec_fn=self.enter)
        try:
            yield
        finally:
            eater.kill()
            eater.wait()


@contextmanager
def bound(house: House, megabytes: int) -> Iterator[Bound]:
    """The house's `ems up` with its database within a bound."""
    group = Bound(megabytes)
    house.stop()
    embedded.stop(house.home / "postgres")
    try:
        house.start(group.enter)
        yield group
    finally:
        house.stop()
        embedded.stop(house.home / "postgres")
        time.sleep(1)
        with suppress(OSError):
            group.folder.rmdir()


def each_ended(house: House, case: Case) -> None:
    """Memory runs out, and the kernel ends one process after the other; the supervisor last."""
    with bound(house, ROOMY_MB) as group:
        prepare(house)
        case.note(f"{group.used_mb():.0f} MB are used in normal life, web UI and database included")
        house.steer(12)
        case.begin()
        for what, word in VICTIMS.items():
            (victim, *_) = [pid for pid, words in house.processes().items() if word in words and "tied" not in words]
            Path(f"/proc/{victim}/oom_score_adj").write_text("1000", encoding="utf-8")
            with group.eaten():
                took_s = house.until(lambda pid=victim: not _lives(pid), f"{what} was not ended", 60)
            if what != "supervisor":
                again_s = house.until(
                    lambda w=word: any(w in c for c in house.processes().values()), f"no new {what}", 60
                )
                case.note(f"{what} ended after {took_s:.0f} s of eating, there again after {again_s:.0f} s")
                case.law(not case.writes(), f"{what} ended: something was written, {case.writes()[:3]}")
        ended_at = time.time()
        house.up = None
        case.let_go(KILLED_S, since=ended_at)
        case.nobody_left()
        case.note(f"the kernel ended {group.kills()} processes")
        case.heard(house.alarms(), "supervisor-gone")


def small(house: House, case: Case) -> None:
    """All of `ems up` within 700 MB, and somebody who eats the rest of it."""
    with bound(house, BOUND_MB) as group:
        prepare(house)
        before = group.kills()
        case.note(f"{group.used_mb():.0f} MB are used, the kernel has ended {before} processes by now")
        house.steer(12)
        case.begin()
        with group.eaten():
            house.until(lambda: group.kills() > before, "nobody was ended", 120)
            time.sleep(5)
        case.said("\n".join(line for line in house.said().splitlines() if "ended with code" in line))
        if house.up is not None and house.up.poll() is None:
            case.note("ems up itself lives on")
            stopped_at = time.time()
            house.stop()
            case.let_go(STOPPED_S, since=stopped_at)
        else:
            case.let_go(KILLED_S)
        case.nobody_left()


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


CASES: dict[str, Callable[[House, Case], None]] = {"memory-each": each_ended, "memory-small": small}
