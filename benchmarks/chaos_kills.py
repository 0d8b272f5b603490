"""Who can be killed on a live installation, how that is done, and when it serves again."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from living import Living

from ems_pipeline.orchestration.machinery.worker import WORKER_TAG, identity
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse.engine import DAGSTER_DATABASE

POLL_S = 0.25
PATIENCE_S = 180
WORKER_PATIENCE_S = 130
"""A worker is at work every minute at least, and gone within a second or two."""
DATABASE_KINDS = frozenset({"database", "backend"})


@dataclass
class Kill:
    """One SIGKILL; instants are seconds since 1970."""

    what: str
    at: float
    pid: int
    detail: str = ""
    database_back_at: float | None = None
    served_again_at: float | None = None
    """Start of the first run that began after the kill and succeeded."""

    @property
    def back_at(self) -> float | None:
        """When everything served again; None: not yet."""
        needed = [self.served_again_at] + ([self.database_back_at] if self.what in DATABASE_KINDS else [])
        return None if None in needed else max(one for one in needed if one is not None)

    @property
    def label(self) -> str:
        return f"{self.what} at {datetime.fromtimestamp(self.at, UTC):%H:%M:%S}"


@dataclass
class Victims:
    """Finds processes of an installation and kills them."""

    live: Living
    chance: random.Random
    kills: list[Kill] = field(default_factory=list)

    @property
    def kinds(self) -> dict[str, Callable[[], tuple[int, str] | None]]:
        return {
            "daemon": lambda: _first(_children(self.live.process.pid, "dagster-daemon")),
            "code server": lambda: _first(_children(self.live.process.pid, "code-server")),
            "fork server": lambda: _first(self._below("dagster-daemon", "fork_server")),
            "loaded code": lambda: _first(self._below("code-server", "api grpc")),
            "database": self._postmaster,
            "backend": self._backend,
            "run worker": self._worker,
        }

    def kill(self, what: str) -> Kill | None:
        """Kill one process now (a worker: as soon as one is at work); None when there is none."""
        found = self.kinds[what]()
        if found is None:
            return None
        pid, detail = found
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        kill = Kill(what, time.time(), pid, detail)
        self.kills.append(kill)
        threading.Thread(target=self._watch, args=(kill,), daemon=True).start()
        return kill

    def _watch(self, kill: Kill) -> None:
        """Note when the database answers again, and the first run that began after the kill and succeeded."""
        end = time.monotonic() + PATIENCE_S
        probe = sa.create_engine(
            self.live.warehouse.url.set(drivername="postgresql+psycopg"),
            poolclass=sa.pool.NullPool,
            connect_args={"connect_timeout": 5},
        )
        since = dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.SUCCESS], created_after=datetime.fromtimestamp(kill.at - 60, UTC)
        )
        while time.monotonic() < end and kill.back_at is None:
            time.sleep(POLL_S)
            try:
                if kill.database_back_at is None:
                    with probe.connect():
                        kill.database_back_at = time.time()
                if kill.what == "run worker" and ":" in kill.detail:
                    kill.detail = self._job_of(kill.detail)
                started = [r.start_time for r in self.live.instance.get_run_records(since) if r.start_time]
                kill.served_again_at = min((at for at in started if at > kill.at), default=None)
            except (sa.exc.DBAPIError, dg.DagsterError):
                time.sleep(POLL_S)
        probe.dispose()

    def _below(self, parent: str, what: str) -> list[int]:
        return [pid for above in _children(self.live.process.pid, parent) for pid in _children(above, what)]

    def _postmaster(self) -> tuple[int, str] | None:
        lock = self.live.home / "postgres" / "postmaster.pid"
        return (int(lock.read_text(encoding="utf-8").splitlines()[0]), "") if lock.exists() else None

    def _backend(self) -> tuple[int, str] | None:
        """Somebody's session, of either database; all others are ended by the server then."""
        postmaster = self._postmaster()
        if postmaster is None:
            return None
        sessions = [(pid, _command(pid)) for pid in _children(postmaster[0], "")]
        ours = [(pid, text) for pid, text in sessions if " ems " in text or f" {DAGSTER_DATABASE} " in text]
        return self.chance.choice(ours) if ours else None

    def _worker(self) -> tuple[int, str] | None:
        """One that is somewhere in the middle of a run."""
        end = time.monotonic() + WORKER_PATIENCE_S
        while time.monotonic() < end:
            forked = [pid for server in self._below("dagster-daemon", "fork_server") for pid in _children(server, "")]
            time.sleep(self.chance.uniform(0.0, 0.6) if forked else 0.02)
            alive = [pid for pid in forked if identity(pid).rpartition(":")[2]]
            if alive:
                pid = self.chance.choice(alive)
                return pid, identity(pid)
        return None

    def _job_of(self, worker: str) -> str:
        found = self.live.instance.get_runs(dg.RunsFilter(tags={WORKER_TAG: worker}), limit=1)
        return f"of {found[0].job_name}" if found else "that had not begun"


def databases(live: Living) -> dict[str, Warehouse]:
    """Both databases of an installation."""
    return {"ems": live.warehouse, "dagster": Warehouse(live.warehouse.url.set(database=DAGSTER_DATABASE))}


def _children(pid: int, what: str) -> list[int]:
    """Children of a process whose command says so; each of its threads has those it began itself."""
    found: list[str] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += (thread / "children").read_text(encoding="utf-8").split()
    return [child for child in map(int, found) if what in _command(child)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _first(pids: list[int]) -> tuple[int, str] | None:
    return (pids[0], "") if pids else None
