"""One master per bus: advisory locks of PostgreSQL, one per gateway address, held by a session of their own.

A controller that dies takes its session and with it the locks along; a controller without the database writes nothing
anyway, because it cannot journal an intent.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.engine import Warehouse

KEY = "hashtextextended('ems.gateway.' || address, 0)"
FROM = "FROM unnest(CAST(:addresses AS text[])) AS address"


class GatewayLocks:
    """The session that holds the locks; safe to use from several threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._turn = threading.Lock()

    def acquire(self, addresses: Collection[str]) -> bool:
        """Become master of all of the gateways (``host:port``) or of none; never waits."""
        wanted = sorted(set(addresses))
        held = self._ask(f"SELECT address, pg_try_advisory_lock({KEY}) {FROM}", wanted)
        obtained = [address for address, is_ours in held if is_ours]
        if len(obtained) == len(wanted):
            return True
        self.release(obtained)
        return False

    def release(self, addresses: Collection[str]) -> None:
        """Let gateways go; a session that broke meanwhile has let them go already."""
        try:
            self._ask(f"SELECT address, pg_advisory_unlock({KEY}) {FROM}", sorted(set(addresses)))
        except sa.exc.DBAPIError:
            self._connection.invalidate()

    def _ask(self, sql: str, addresses: Collection[str]) -> list[tuple[str, bool]]:
        with self._turn:
            rows = self._connection.execute(sa.text(sql), {"addresses": list(addresses)}).all()
            return [(address, is_true) for address, is_true in rows]


@contextmanager
def gateway_locks(warehouse: Warehouse) -> Iterator[GatewayLocks]:
    """A session for locks; whatever it still holds goes at the end."""
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            yield GatewayLocks(connection)
        finally:
            _forget(connection)


def _forget(connection: Connection) -> None:
    """The session goes back to the pool and must not keep what it no longer guards; a broken one lost it already."""
    if connection.invalidated:
        return
    try:
        connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
    except sa.exc.DBAPIError:
        connection.invalidate()
