"""One supervisor per database: two would both steer, and the one that stops would let the other's devices go.

The lock is a session's, on a table that only the pipeline's own logins can lock; it goes with the session, however that
ends. It holds up nobody: neither rows of the table nor anybody's vacuum.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.errors import EmsError
from ems_pipeline.warehouse.engine import Warehouse

LOCK = "LOCK TABLE ems.supervisor IN SHARE UPDATE EXCLUSIVE MODE NOWAIT"
ALIVE = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
"""A machine that lost its power holds a lock for half a minute, not for hours."""
PATIENCE_S = 5.0
"""For a session whose process was just killed."""
NOTE = """
    INSERT INTO ems.supervisor (host, pid, home, started_at, reloaded_at) VALUES (:host, :pid, :home, :at, :at)
    ON CONFLICT (is_the_one) DO UPDATE SET host = excluded.host, pid = excluded.pid, home = excluded.home,
        started_at = excluded.started_at, reloaded_at = excluded.reloaded_at"""


class AlreadySupervised(EmsError):
    """Another supervisor works on this database; the text names it and the remedy."""


@dataclass
class Supervision:
    """This process's claim on a database."""

    warehouse: Warehouse
    home: Path
    at: datetime
    _session: Connection | None = field(default=None, repr=False)

    def keep(self) -> None:
        """Claim anew what a restart of the database took away; does nothing where it stands.

        Raises:
            AlreadySupervised: another one was quicker.
            DatabaseUnavailable: nobody can be asked now.
        """
        if self._session is not None and _answers(self._session):
            return
        self.let_go()
        self._session = self._claimed(PATIENCE_S)

    def let_go(self) -> None:
        """Give the claim back."""
        session, self._session = self._session, None
        if session is not None:
            session.invalidate()  # not back into the pool: what it holds has to go with it
            session.close()

    def _claimed(self, patience_s: float) -> Connection:
        until = time.monotonic() + patience_s
        while (session := self._locked()) is None:
            if time.monotonic() > until:
                raise AlreadySupervised(
                    _told(self.warehouse), "stop that one first, or name another database in EMS_DATABASE_URL"
                )
            time.sleep(0.2)
        with self.warehouse.begin() as connection:
            who = {"host": socket.gethostname(), "pid": os.getpid(), "home": str(self.home), "at": self.at}
            connection.execute(sa.text(NOTE), who)
        return session

    def _locked(self) -> Connection | None:
        """A session with the lock, in a transaction that does nothing else."""
        with self.warehouse.begin():
            pass  # says in our words what keeps the database from answering
        session = self.warehouse.engine.connect()
        try:
            session.exec_driver_sql(ALIVE)
            session.commit()
            session.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            session.exec_driver_sql(LOCK)
        except sa.exc.OperationalError as error:
            session.invalidate()
            session.close()
            if getattr(error.orig, "sqlstate", "") != "55P03":  # lock_not_available
                raise
            return None
        return session


@contextmanager
def sole_supervisor(warehouse: Warehouse, home: Path, at: datetime) -> Iterator[Supervision]:
    """The claim, until the end of the block.

    Raises:
        AlreadySupervised: somebody else has it.
    """
    claim = Supervision(warehouse, home, at)
    claim.keep()
    try:
        yield claim
    finally:
        claim.let_go()


def note_reload(connection: Connection, at: datetime) -> None:
    """Other code decides from now on."""
    connection.execute(sa.text("UPDATE ems.supervisor SET reloaded_at = :at"), {"at": at})


def _answers(session: Connection) -> bool:
    try:
        session.exec_driver_sql("SELECT 1")
    except sa.exc.DBAPIError:
        return False
    return True


def _told(warehouse: Warehouse) -> str:
    with warehouse.begin() as connection:
        found = connection.exec_driver_sql("SELECT host, pid, home, started_at FROM ems.supervisor").first()
    where = warehouse.url.render_as_string(hide_password=True)
    who = "another `ems up`"
    if found is not None:
        since = f"{found.started_at:%d.%m. %H:%M} UTC"
        who = f"`ems up` of {found.host} (process {found.pid}, home {found.home}, since {since})"
    return f"database {where} is supervised by {who}"
