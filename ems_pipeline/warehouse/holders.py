"""Changes of the schema wait for whoever reads, and everybody else behind them: they give up soon, and say for whom."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection

from ems_pipeline.errors import EmsError
from ems_pipeline.warehouse.engine import Blocked, Warehouse

OTHERS = """
    SELECT DISTINCT a.usename, a.pid, a.state
    FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_database d ON d.oid = l.database
    LEFT JOIN pg_class c ON c.oid = l.relation
    WHERE d.datname = current_database() AND l.granted AND a.pid <> pg_backend_pid()
      AND (l.locktype = 'advisory' OR c.relnamespace = to_regnamespace('ems'))
    ORDER BY 1, 2"""


LET_GO = "Let them end their transactions, or end them: SELECT pg_terminate_backend(PID)"


class InTheWay(EmsError):
    """Other sessions hold what has to change; nothing was changed, and the text names them."""


@contextmanager
def begin_without_waiting(warehouse: Warehouse, lock_s: int) -> Iterator[Connection]:
    """A transaction that waits for no lock longer than ``lock_s``; otherwise as `Warehouse.begin`.

    Raises:
        InTheWay: somebody held one for longer.
    """
    try:
        with warehouse.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{lock_s}s'")
            yield connection
    except Blocked as error:
        raise InTheWay(_told(warehouse), LET_GO) from error


def _told(warehouse: Warehouse) -> str:
    with warehouse.begin() as connection:
        found = connection.exec_driver_sql(OTHERS).all()
    who = ", ".join(f"{login} (pid {pid}{f', {state}' if state else ''})" for login, pid, state in found)
    return f"the tables are held by {who or 'somebody who has gone meanwhile'}; nothing was changed."
