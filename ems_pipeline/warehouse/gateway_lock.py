"""One master per bus: advisory locks of PostgreSQL, one per gateway address, held by a session of their own.

A controller that dies takes its session and with it the locks along; a controller without the database writes nothing
anyway, because it cannot journal an intent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.engine import Warehouse


@contextmanager
def gateway_locks(warehouse: Warehouse, addresses: Collection[str]) -> Iterator[set[str]]:
    """Try to become master of gateways (``host:port``); the ones obtained, until the block ends."""
    with warehouse.engine.connect() as connection:
        obtained = _try_all(connection, addresses)
        connection.commit()
        try:
            yield obtained
        finally:
            if not connection.invalidated:
                _release(connection)


def _try_all(connection: Connection, addresses: Collection[str]) -> set[str]:
    rows = connection.execute(
        sa.text("""SELECT address, pg_try_advisory_lock(hashtextextended('ems.gateway.' || address, 0))
                   FROM unnest(CAST(:addresses AS text[])) AS address"""),
        {"addresses": sorted(set(addresses))},
    )
    return {address for address, is_ours in rows if is_ours}


def _release(connection: Connection) -> None:
    """The session goes back to the pool and must not keep what it no longer guards; a broken one lost it already."""
    try:
        connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
        connection.commit()
    except sa.exc.DBAPIError:
        connection.invalidate()
